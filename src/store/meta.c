#include "store/internal.h"

enum { META_KEY = 0, META_MAX = 1 << 20 };

int history_meta_read(struct store *store, struct history_meta *out, struct err *err) {
  struct buf value;
  uint64_t key = META_KEY;
  bool found = false;
  buf_init(&value, META_MAX);
  int code = store_get_value(store, &key, &value, &found, err);
  if (!code && (!found || key != META_KEY))
    code = err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE " has no history id (key 0)");
  if (!code && (code = history_meta_decode(buf_span(&value), out, err)))
    err_context(err, STORE_HISTORY_FILE ", key 0");
  buf_free(&value);
  return code;
}

struct meta_job {
  struct store *store;
  struct span value;
};

static int write_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  const struct meta_job *job = arg;
  DB *db = job->store->history;
  unsigned char key_bytes[STORE_KEY_SIZE] = {META_KEY};
  DBT key = {.data = key_bytes, .size = sizeof key_bytes};
  DBT value = {.data = (void *)(uintptr_t)job->value.data, .size = (u_int32_t)job->value.len};
  /* Of a value that is replaced the log holds only the bytes that differ. The table is to be found in it whole: a
   * restore and a salvage from logs alone ask it where timelines branched off. */
  int ret = db->del(db, txn, &key, 0);
  if (ret == 0 || ret == DB_NOTFOUND)
    ret = db->put(db, txn, &key, &value, 0);
  return ret ? store_db_error(env, ret, err, "writing the table of timelines") : 0;
}

int history_meta_write(struct store *store, const struct history_meta *meta, struct err *err) {
  struct buf value;
  buf_init(&value, META_MAX);
  history_meta_encode(meta, &value);
  int code = buf_check(&value, "the table of timelines", err);
  if (!code) {
    struct meta_job job = {store, buf_span(&value)};
    code = txn_write(&store->env, DB_TXN_SYNC, write_body, &job, err);
  }
  buf_free(&value);
  return code;
}
