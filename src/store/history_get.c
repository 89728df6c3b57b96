#include <inttypes.h>

#include "store/group.h"
#include "store/history_cursor.h"

enum { FIRST_GUESS = GROUP_MAX_SIZE }; /* room for most values, so that most reads succeed at once */

struct last_job {
  struct store *store;
  uint64_t seq;
};

static int last_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct last_job *job = arg;
  DBC *cursor = NULL;
  int code = history_cursor_open(job->store, txn, &cursor, err);
  if (code)
    return code;
  code = history_cursor_last(env, cursor, 0, &job->seq, err);
  return history_cursor_close(env, cursor, code, err);
}

int history_last(struct store *store, uint64_t *seq, struct err *err) {
  struct last_job job = {store, 0};
  int code = txn_read(&store->env, last_body, &job, err);
  if (!code)
    *seq = job.seq;
  return code;
}

struct get_job {
  struct store *store;
  uint64_t seq; /* in: sought; out: the key found */
  struct buf *out;
  u_int32_t part; /* only so many bytes of the value; 0: all */
  bool found;
};

/* One read at the cursor into job->out, which grows as is needed. */
static int read_value(struct env *env, DBC *cursor, struct get_job *job, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  DBT key = {0}, value = {0};
  int ret = DB_BUFFER_SMALL;
  size_t room = job->part ? job->part : job->out->cap > FIRST_GUESS ? job->out->cap : FIRST_GUESS;
  while (ret == DB_BUFFER_SMALL) {
    buf_reset(job->out);
    unsigned char *memory = buf_extend(job->out, room < job->out->max ? room : job->out->max);
    if (!memory)
      return buf_check(job->out, "an entry", err);
    key = history_key(bytes, job->seq);
    value = (DBT){.data = memory, .ulen = (u_int32_t)job->out->len, .flags = DB_DBT_USERMEM};
    if (job->part) {
      value.flags |= DB_DBT_PARTIAL;
      value.dlen = job->part;
    }
    ret = cursor->get(cursor, &key, &value, DB_SET_RANGE);
    if (ret == DB_BUFFER_SMALL && value.size > job->out->max)
      return err_set(err, ERR_NOMEM, "%u bytes of history, where there is room for %zu", value.size, job->out->max);
    room = value.size;
  }
  job->found = ret == 0;
  job->out->len = ret == 0 ? value.size : 0;
  if (ret)
    return ret == DB_NOTFOUND ? 0 : store_db_error(env, ret, err, "reading the history");
  if (key.size != STORE_KEY_SIZE)
    return err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE ": a key of %u bytes", key.size);
  job->seq = get_u64(bytes);
  return 0;
}

static int get_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct get_job attempt = *(const struct get_job *)arg;
  DBC *cursor = NULL;
  int code = history_cursor_open(attempt.store, txn, &cursor, err);
  if (code)
    return code;
  code = read_value(env, cursor, &attempt, err);
  code = history_cursor_close(env, cursor, code, err);
  if (!code)
    *(struct get_job *)arg = attempt;
  return code;
}

int store_get_value(struct store *store, uint64_t *key, struct buf *out, bool *found, struct err *err) {
  struct get_job job = {store, *key, out, 0, false};
  int code = txn_read(&store->env, get_body, &job, err);
  *found = !code && job.found;
  if (*found)
    *key = job.seq;
  return code;
}

/* Finds the record of `seq` in a value. */
static int find_record(struct span value, uint64_t seq, struct span *record, struct err *err) {
  uint64_t first = 0;
  int code = group_first_seq(value, &first, err);
  if (!code && first > seq)
    return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing: entry %" PRIu64 " follows", seq, first);
  for (uint64_t at = first; !code && at <= seq; at++)
    code = group_next(&value, at, record, err);
  return code;
}

int history_get(struct store *store, uint64_t seq, struct buf *out, struct entry *entry, bool *found, struct err *err) {
  struct span record = {0};
  uint64_t key = seq;
  *found = false;
  if (seq == 0)
    return 0;
  int code = store_get_value(store, &key, out, found, err);
  if (code || !*found)
    return code;
  if ((code = find_record(buf_span(out), seq, &record, err)))
    return code;
  buf_drop_front(out, (size_t)(record.data - out->data));
  out->len = record.len;
  code = entry_decode(buf_span(out), entry, err);
  return code ? err_context(err, "entry %" PRIu64, seq) : 0;
}

enum { TIME_AT = 20 }; /* in a record (model/entry.h) */

/* The greatest seq <= max_seq in the value of `key` whose time is <= time_us; the first one's is. */
static int search_value(struct store *store, uint64_t key, uint64_t time_us, uint64_t max_seq, struct buf *out,
                        uint64_t *seq, struct err *err) {
  uint64_t at = 0;
  bool found = false;
  struct span record;
  int code = store_get_value(store, &key, out, &found, err);
  struct span rest = buf_span(out);
  if (code || (code = group_first_seq(rest, &at, err)))
    return code;
  for (; at <= max_seq && rest.len > 0; at++) {
    if ((code = group_next(&rest, at, &record, err)))
      return code;
    if (get_u64(record.data + TIME_AT) > time_us)
      break;
    *seq = at;
  }
  return 0;
}

/* Binary search over values, by the time of their first records, for the last one that begins early enough: *key, 0 if
 * none does. */
static int search_key(struct store *store, uint64_t time_us, uint64_t max_seq, struct buf *out, uint64_t *key,
                      struct err *err) {
  uint64_t low = 0, high = max_seq; /* low: the last seq of a value that begins early enough */
  *key = 0;
  while (low < high) {
    struct get_job job = {store, high - (high - low) / 2, out, ENTRY_OVERHEAD, false};
    uint64_t first = 0, sought = job.seq;
    int code = txn_read(&store->env, get_body, &job, err);
    if (code || (job.found && (code = group_first_seq(buf_span(out), &first, err))))
      return code;
    if (!job.found || first > sought || first <= low)
      return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing", sought);
    if (get_u64(out->data + TIME_AT) <= time_us)
      *key = low = job.seq;
    else
      high = first - 1;
  }
  return 0;
}

int history_seq_at(struct store *store, int64_t time_us, uint64_t max_seq, uint64_t *seq, struct err *err) {
  struct buf out;
  uint64_t key = 0;
  *seq = 0;
  if (time_us < 0)
    return 0;
  buf_init(&out, ENTRY_MAX_SIZE);
  int code = search_key(store, (uint64_t)time_us, max_seq, &out, &key, err);
  if (!code && key > 0)
    code = search_value(store, key, (uint64_t)time_us, max_seq, &out, seq, err);
  buf_free(&out);
  return code;
}
