#include <stdlib.h>

#include "store/internal.h"
#include "store/mark.h"

enum { MIB_SHIFT = 20 };

static int log_statistics(struct store *store, DB_LOG_STAT **out, struct err *err) {
  DB_ENV *handle = store->env.handle;
  int ret = handle->log_stat(handle, out, 0);
  return ret ? store_db_error(&store->env, ret, err, "reading the statistics of the WAL") : 0;
}

static int sync_mark(struct store *store, struct err *err) {
  if (store->mark_fd < 0) {
    int code = mark_open(store->config->data_dir, false, &store->mark_fd, err);
    if (code == ERR_NOTFOUND)
      return 0;
    if (code)
      return code;
  }
  return mark_sync(store->mark_fd, err);
}

int store_checkpoint(struct store *store, uint64_t min_bytes, bool *done, struct err *err) {
  DB_ENV *handle = store->env.handle;
  DB_LOG_STAT *log = NULL;
  if (done)
    *done = false;
  int code = log_statistics(store, &log, err);
  if (code)
    return code;
  uint64_t written = ((uint64_t)log->st_wc_mbytes << MIB_SHIFT) + log->st_wc_bytes;
  free(log);
  if (written < min_bytes)
    return 0;
  if ((code = sync_mark(store, err)))
    return code;
  int ret = handle->txn_checkpoint(handle, 0, 0, DB_FORCE);
  if (ret) {
    code = store_db_error(&store->env, ret, err, "checkpointing the history");
    env_panic(&store->env);
    return code;
  }
  if (done)
    *done = true;
  return 0;
}
