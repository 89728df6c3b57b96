#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "store/internal.h"

enum {
  /* Where the fields lie that are read or checked without decoding (model/entry.h). */
  RECORD_AT_SEQ = 12,
  RECORD_AT_TIME = 20,
  FIRST_GUESS = 2048,  /* room for most records, so that most gets are done at the first attempt */
  BULK_MIN = 64 << 10, /* Berkeley DB wants at least a page, and multiples of 1 KiB */
  BULK_MAX = 512 << 10
};

static DBT key_dbt(unsigned char key[STORE_KEY_SIZE], uint64_t seq) {
  put_u64(key, seq);
  return (DBT){.data = key, .size = STORE_KEY_SIZE, .ulen = STORE_KEY_SIZE, .flags = DB_DBT_USERMEM};
}

/* The greatest key, by a cursor that stays there. 0 in an empty tree. */
static int last_by_cursor(struct env *env, DBC *cursor, u_int32_t flags, uint64_t *seq, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  DBT key = {.data = bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  int ret = cursor->get(cursor, &key, &value, DB_LAST | flags);
  if (ret && ret != DB_NOTFOUND)
    return store_db_error(env, ret, err, "reading the last entry");
  if (!ret && key.size != STORE_KEY_SIZE)
    return err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE ": a key of %u bytes", key.size);
  *seq = ret ? 0 : get_u64(bytes);
  return 0;
}

static int open_cursor(struct store *store, DB_TXN *txn, DBC **out, struct err *err) {
  int ret = store->history->cursor(store->history, txn, out, 0);
  return ret ? store_db_error(&store->env, ret, err, "opening a cursor on the history") : 0;
}

/* Closes a cursor; `code` is what was met before, and the first error stays. */
static int close_cursor(struct env *env, DBC *cursor, int code, struct err *err) {
  int ret = cursor->close(cursor);
  return !code && ret ? store_db_error(env, ret, err, "closing a cursor on the history") : code;
}

struct append_job {
  struct store *store;
  const struct span *records;
  uint64_t first_seq;
  size_t count;
};

static int put_record(struct env *env, DBC *cursor, uint64_t seq, struct span record, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  DBT key = key_dbt(bytes, seq);
  DBT value = {.data = (void *)(uintptr_t)record.data, .size = (u_int32_t)record.len};
  if (record.len < ENTRY_OVERHEAD || record.len > ENTRY_MAX_SIZE || get_u64(record.data + RECORD_AT_SEQ) != seq)
    return err_set(err, ERR_INVALID, "what is to be entry %" PRIu64 " is not its record", seq);
  int ret = cursor->put(cursor, &key, &value, DB_KEYLAST);
  return ret ? store_db_error(env, ret, err, "appending to the history") : 0;
}

static int append_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  const struct append_job *job = arg;
  DBC *cursor = NULL;
  uint64_t last = 0;
  int code = open_cursor(job->store, txn, &cursor, err);
  if (code)
    return code;
  code = last_by_cursor(env, cursor, DB_RMW, &last, err);
  if (!code && last + 1 != job->first_seq)
    code = err_set(err, ERR_CONFLICT, "entry %" PRIu64 " cannot follow entry %" PRIu64, job->first_seq, last);
  for (size_t i = 0; !code && i < job->count; i++)
    code = put_record(env, cursor, job->first_seq + i, job->records[i], err);
  code = close_cursor(env, cursor, code, err);
  if (!code)
    FAULT("store.history.before_commit");
  return code;
}

int history_append(struct store *store, const struct span *records, uint64_t first_seq, size_t count, struct err *err) {
  struct append_job job = {store, records, first_seq, count};
  return txn_write(&store->env, DB_TXN_NOSYNC, append_body, &job, err);
}

int history_flush(struct store *store, struct err *err) {
  DB_ENV *handle = store->env.handle;
  FAULT("store.history.before_flush");
  int ret = handle->log_flush(handle, NULL);
  if (ret) {
    int code = store_db_error(&store->env, ret, err, "flushing the WAL");
    env_panic(&store->env);
    return code;
  }
  FAULT("store.history.after_flush");
  return 0;
}

struct last_job {
  struct store *store;
  uint64_t seq;
};

static int last_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct last_job *job = arg;
  DBC *cursor = NULL;
  int code = open_cursor(job->store, txn, &cursor, err);
  if (code)
    return code;
  code = last_by_cursor(env, cursor, 0, &job->seq, err);
  return close_cursor(env, cursor, code, err);
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
  uint64_t seq;
  struct buf *out;
  bool found;
};

/* Reads the value of a key into job->out, emptied first. */
static int get_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct get_job *job = arg;
  DB *db = job->store->history;
  unsigned char bytes[STORE_KEY_SIZE];
  int ret = DB_BUFFER_SMALL;
  size_t room = job->out->cap > FIRST_GUESS ? job->out->cap : FIRST_GUESS;
  while (ret == DB_BUFFER_SMALL) {
    buf_reset(job->out);
    unsigned char *memory = buf_extend(job->out, room < job->out->max ? room : job->out->max);
    if (!memory)
      return buf_check(job->out, "a record", err);
    DBT key = key_dbt(bytes, job->seq);
    DBT value = {.data = memory, .ulen = (u_int32_t)job->out->len, .flags = DB_DBT_USERMEM};
    ret = db->get(db, txn, &key, &value, 0);
    if (ret == DB_BUFFER_SMALL && value.size > job->out->max)
      return err_set(err, ERR_NOMEM, "entry %" PRIu64 " has %u bytes, more than there is room for", job->seq,
                     value.size);
    room = value.size;
  }
  job->found = ret == 0;
  job->out->len = ret == 0 ? room : 0;
  return ret && ret != DB_NOTFOUND ? store_db_error(env, ret, err, "reading the history") : 0;
}

int store_get(struct store *store, uint64_t key, struct buf *out, bool *found, struct err *err) {
  struct get_job job = {store, key, out, false};
  int code = txn_read(&store->env, get_body, &job, err);
  *found = job.found;
  return code;
}

int history_get(struct store *store, uint64_t seq, struct buf *out, struct entry *entry, bool *found, struct err *err) {
  *found = false;
  if (seq == 0)
    return 0;
  int code = store_get(store, seq, out, found, err);
  if (!code && *found)
    code = entry_decode(buf_span(out), entry, err);
  if (code)
    return err_context(err, "entry %" PRIu64, seq);
  if (*found && entry->seq != seq)
    return err_set(err, ERR_CORRUPT, "the record of entry %" PRIu64 " says that it is entry %" PRIu64, seq, entry->seq);
  return 0;
}

struct time_job {
  struct store *store;
  uint64_t seq;
  bool found;
  uint64_t time_us;
};

static int time_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct time_job *job = arg;
  DB *db = job->store->history;
  unsigned char key_bytes[STORE_KEY_SIZE], time_bytes[8];
  DBT key = key_dbt(key_bytes, job->seq);
  DBT value = {.data = time_bytes,
               .ulen = sizeof time_bytes,
               .doff = RECORD_AT_TIME,
               .dlen = sizeof time_bytes,
               .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  int ret = db->get(db, txn, &key, &value, 0);
  if (ret && ret != DB_NOTFOUND)
    return store_db_error(env, ret, err, "reading the time of an entry");
  if (ret || value.size != sizeof time_bytes)
    return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " %s", job->seq, ret ? "is missing" : "is cut off");
  job->time_us = get_u64(time_bytes);
  return 0;
}

int history_seq_at(struct store *store, int64_t time_us, uint64_t max_seq, uint64_t *seq, struct err *err) {
  uint64_t low = 0, high = max_seq; /* low: known to be early enough; above high: too late */
  if (time_us < 0)
    high = 0;
  while (low < high) {
    struct time_job job = {.store = store, .seq = high - (high - low) / 2};
    int code = txn_read(&store->env, time_body, &job, err);
    if (code)
      return code;
    if (job.time_us <= (uint64_t)time_us)
      low = job.seq;
    else
      high = job.seq - 1;
  }
  *seq = low;
  return 0;
}

struct read_job {
  struct store *store;
  uint64_t from_seq, to_seq;
  size_t max_bytes;
  struct buf *out;
  struct buf *bulk;
  size_t count;
};

/* Copies what one bulk get brought, up to the limits. *more tells whether the limits leave room. */
static int take_bulk(struct read_job *job, DBT *value, bool *more, struct err *err) {
  void *at = NULL;
  unsigned char *key = NULL, *data = NULL;
  size_t key_len = 0, len = 0;
  DB_MULTIPLE_INIT(at, value);
  for (;;) {
    uint64_t seq = job->from_seq + job->count;
    *more = seq <= job->to_seq && (job->count == 0 || job->out->len < job->max_bytes);
    if (!*more)
      return 0;
    DB_MULTIPLE_KEY_NEXT(at, value, key, key_len, data, len);
    if (!at)
      return 0;
    if (key_len != STORE_KEY_SIZE)
      return err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE ": a key of %zu bytes", key_len);
    if (get_u64(key) != seq)
      return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing: entry %" PRIu64 " follows", seq, get_u64(key));
    if (len < ENTRY_OVERHEAD || get_u64(data + RECORD_AT_SEQ) != seq)
      return err_set(err, ERR_CORRUPT, "the record of entry %" PRIu64 " is not its record", seq);
    buf_add(job->out, data, len);
    job->count++;
  }
}

/* One bulk get; the buffer grows until at least one record fits. */
static int get_bulk(struct env *env, DBC *cursor, struct read_job *job, u_int32_t position, DBT *value, bool *found,
                    struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  int ret = 0;
  do {
    DBT key = key_dbt(bytes, job->from_seq);
    *value = (DBT){.data = job->bulk->data, .ulen = (u_int32_t)job->bulk->len, .flags = DB_DBT_USERMEM};
    ret = cursor->get(cursor, &key, value, position | DB_MULTIPLE_KEY);
    if (ret == DB_BUFFER_SMALL && !buf_extend(job->bulk, job->bulk->len))
      return buf_check(job->bulk, "a record", err);
  } while (ret == DB_BUFFER_SMALL);
  *found = ret == 0;
  return ret && ret != DB_NOTFOUND ? store_db_error(env, ret, err, "reading the history") : 0;
}

static int read_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct read_job *job = arg;
  DBC *cursor = NULL;
  DBT value;
  bool more = true;
  u_int32_t position = DB_SET_RANGE;
  int code = open_cursor(job->store, txn, &cursor, err);
  if (code)
    return code;
  buf_reset(job->out);
  job->count = 0;
  while (more && !(code = get_bulk(env, cursor, job, position, &value, &more, err)) && more) {
    code = take_bulk(job, &value, &more, err);
    if (code)
      break;
    position = DB_NEXT;
  }
  return close_cursor(env, cursor, code, err);
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

int history_next(struct span *rest, struct entry *entry, struct err *err) {
  enum { AT_LENGTH = 8 };
  size_t len = rest->len >= ENTRY_OVERHEAD ? get_u32(rest->data + AT_LENGTH) : 0;
  if (len < ENTRY_OVERHEAD || len > rest->len)
    return err_set(err, ERR_CORRUPT, "a record of %zu bytes where %zu are left", len, rest->len);
  int code = entry_decode(span_of(rest->data, len), entry, err);
  if (code)
    return code;
  *rest = span_of(rest->data + len, rest->len - len);
  return 0;
}
