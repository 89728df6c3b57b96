#include <inttypes.h>

#include "store/group.h"
#include "store/history_cursor.h"

enum {
  BULK_MIN = 64 << 10, /* Berkeley DB wants at least a page, and multiples of 1 KiB */
  BULK_MAX = 512 << 10
};

struct read_job {
  struct store *store;
  uint64_t from_seq, to_seq;
  size_t max_bytes;
  struct buf *out;
  struct buf *bulk;
  size_t count;
};

static bool wants_more(const struct read_job *job) {
  return job->from_seq + job->count <= job->to_seq && (job->count == 0 || job->out->len < job->max_bytes);
}

/* Copies the records of one value that are asked for. */
static int take_value(struct read_job *job, uint64_t key, struct span value, struct err *err) {
  uint64_t at = 0;
  int code = group_first_seq(value, &at, err);
  if (!code && at > job->from_seq + job->count)
    return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing: entry %" PRIu64 " follows",
                   job->from_seq + job->count, at);
  for (; !code && value.len > 0 && wants_more(job); at++) {
    struct span record;
    if ((code = group_next(&value, at, &record, err)) || at < job->from_seq)
      continue;
    buf_add_span(job->out, record);
    job->count++;
  }
  if (!code && value.len == 0 && at != key + 1)
    code = err_set(err, ERR_CORRUPT, "the value of key %" PRIu64 " ends with entry %" PRIu64, key, at - 1);
  return code;
}

/* Copies what one bulk get brought, up to the limits. */
static int take_bulk(struct read_job *job, DBT *bulk, struct err *err) {
  void *at = NULL;
  unsigned char *key = NULL, *data = NULL;
  size_t key_len = 0, len = 0;
  DB_MULTIPLE_INIT(at, bulk);
  while (wants_more(job)) {
    DB_MULTIPLE_KEY_NEXT(at, bulk, key, key_len, data, len);
    if (!at)
      return 0;
    if (key_len != STORE_KEY_SIZE)
      return err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE ": a key of %zu bytes", key_len);
    int code = take_value(job, get_u64(key), span_of(data, len), err);
    if (code)
      return code;
  }
  return 0;
}

/* One bulk get; the buffer grows until at least one value fits. */
static int get_bulk(struct env *env, DBC *cursor, struct read_job *job, u_int32_t position, DBT *bulk, bool *found,
                    struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  int ret = 0;
  do {
    DBT key = history_key(bytes, job->from_seq);
    *bulk = (DBT){.data = job->bulk->data, .ulen = (u_int32_t)job->bulk->len, .flags = DB_DBT_USERMEM};
    ret = cursor->get(cursor, &key, bulk, position | DB_MULTIPLE_KEY);
    if (ret == DB_BUFFER_SMALL && !buf_extend(job->bulk, job->bulk->len))
      return buf_check(job->bulk, "an entry", err);
  } while (ret == DB_BUFFER_SMALL);
  *found = ret == 0;
  return ret && ret != DB_NOTFOUND ? store_db_error(env, ret, err, "reading the history") : 0;
}

static int read_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct read_job *job = arg;
  DBC *cursor = NULL;
  DBT bulk;
  bool found = true;
  int code = history_cursor_open(job->store, txn, &cursor, err);
  if (code)
    return code;
  buf_reset(job->out);
  job->count = 0;
  for (u_int32_t position = DB_SET_RANGE; !code && found && wants_more(job); position = DB_NEXT) {
    code = get_bulk(env, cursor, job, position, &bulk, &found, err);
    if (!code && found)
      code = take_bulk(job, &bulk, err);
  }
  return history_cursor_close(env, cursor, code, err);
}

int history_read(struct store *store, uint64_t from_seq, uint64_t to_seq, size_t max_bytes, struct buf *out,
                 size_t *count, struct err *err) {
  struct buf bulk;
  struct read_job job = {store, from_seq, to_seq, max_bytes, out, &bulk, 0};
  size_t size = max_bytes < BULK_MIN ? BULK_MIN : max_bytes > BULK_MAX ? BULK_MAX : max_bytes & ~(size_t)1023;
  int code = 0;
  if (from_seq == 0)
    return err_set(err, ERR_INVALID, "entries begin at 1");
  buf_init(&bulk, (size_t)4 * ENTRY_MAX_SIZE);
  if (!buf_extend(&bulk, size))
    code = buf_check(&bulk, "entries", err);
  if (!code)
    code = txn_read(&store->env, read_body, &job, err);
  if (!code)
    code = buf_check(out, "entries", err);
  *count = code ? 0 : job.count;
  buf_free(&bulk);
  return code;
}

enum { AT_KIND = 5, AT_LENGTH = 8 }; /* in a record (model/entry.h) */

int history_count_kind(struct store *store, uint64_t last_seq, uint8_t kind, uint64_t *count, struct err *err) {
  enum { PIECE_BYTES = 4 << 20 };
  struct buf records;
  int code = 0;
  *count = 0;
  buf_init(&records, PIECE_BYTES + 2 * ENTRY_MAX_SIZE);
  for (uint64_t at = 1; at <= last_seq && !code;) {
    size_t n = 0;
    code = history_read(store, at, last_seq, PIECE_BYTES, &records, &n, err);
    if (!code && n == 0)
      code = err_set(err, ERR_CORRUPT, "the history has no seq %" PRIu64, at);
    struct span rest = buf_span(&records), record;
    for (uint64_t end = at + n; at < end && !code; at++) {
      code = group_next(&rest, at, &record, err);
      *count += !code && record.data[AT_KIND] == kind;
    }
  }
  buf_free(&records);
  return code;
}

int history_next(struct span *rest, struct entry *entry, struct err *err) {
  size_t len = rest->len >= ENTRY_OVERHEAD ? get_u32(rest->data + AT_LENGTH) : 0;
  if (len < ENTRY_OVERHEAD || len > rest->len)
    return err_set(err, ERR_CORRUPT, "a record of %zu bytes where %zu are left", len, rest->len);
  int code = entry_decode(span_of(rest->data, len), entry, err);
  if (code)
    return code;
  *rest = span_of(rest->data + len, rest->len - len);
  return 0;
}
