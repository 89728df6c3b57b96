#include <inttypes.h>

#include "base/fault.h"
#include "store/group.h"
#include "store/history_cursor.h"

enum { VALUES_PER_TXN = 500 };

struct truncate_job {
  struct store *store;
  uint64_t to_seq;
  bool done; /* nothing above to_seq is left */
};

/* The value under the cursor, which ends above to_seq and begins at or before it, is put again with what is to stay. */
static int shorten(struct env *env, DBC *cursor, const struct truncate_job *job, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE], joined[GROUP_MAX_SIZE];
  DBT key = {.data = bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
  DBT value = {.data = joined, .ulen = sizeof joined, .flags = DB_DBT_USERMEM};
  uint64_t at = 0;
  struct span rest, record;
  int ret = cursor->get(cursor, &key, &value, DB_CURRENT);
  if (ret)
    return store_db_error(env, ret, err, "reading the value to shorten");
  rest = span_of(joined, value.size);
  int code = group_first_seq(rest, &at, err);
  if (!code && at > job->to_seq)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing: entry %" PRIu64 " follows", job->to_seq, at);
  for (; !code && at <= job->to_seq; at++)
    code = group_next(&rest, at, &record, err);
  if (code)
    return code;
  if ((ret = cursor->del(cursor, 0)))
    return store_db_error(env, ret, err, "removing a value");
  key = history_key(bytes, job->to_seq);
  value = (DBT){.data = joined, .size = (u_int32_t)(rest.data - joined)};
  ret = cursor->put(cursor, &key, &value, DB_KEYLAST);
  return ret ? store_db_error(env, ret, err, "putting a value again, shortened") : 0;
}

/* Removes the last value, as far as it is above to_seq. */
static int remove_last(struct env *env, DBC *cursor, struct truncate_job *job, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  DBT key = {.data = bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  uint64_t last = 0;
  int ret = 0, code = history_cursor_last(env, cursor, DB_RMW, &last, err);
  job->done = !code && last <= job->to_seq;
  if (code || job->done)
    return code;
  /* The key before tells where the value begins; key 0 is always there. */
  if ((ret = cursor->get(cursor, &key, &value, DB_PREV)))
    return store_db_error(env, ret, err, "reading the value before the last");
  uint64_t before = get_u64(bytes);
  if ((code = history_cursor_last(env, cursor, DB_RMW, &last, err)))
    return code;
  if (before < job->to_seq)
    return shorten(env, cursor, job, err);
  ret = cursor->del(cursor, 0);
  return ret ? store_db_error(env, ret, err, "removing a value") : 0;
}

static int truncate_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct truncate_job *job = arg;
  DBC *cursor = NULL;
  int code = history_cursor_open(job->store, txn, &cursor, err);
  if (code)
    return code;
  job->done = false;
  for (int i = 0; !code && !job->done && i < VALUES_PER_TXN; i++)
    code = remove_last(env, cursor, job, err);
  return history_cursor_close(env, cursor, code, err);
}

int history_truncate(struct store *store, uint64_t to_seq, struct err *err) {
  struct truncate_job job = {.store = store, .to_seq = to_seq};
  int code = 0;
  while (!code && !job.done) {
    code = txn_write(&store->env, DB_TXN_NOSYNC, truncate_body, &job, err);
    FAULT("store.history.truncating");
  }
  return code ? code : history_flush(store, err);
}
