#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "store/group.h"
#include "store/history_cursor.h"

struct append_job {
  struct store *store;
  const struct span *records;
  uint64_t first_seq;
  size_t count;
};

static int check_records(const struct append_job *job, struct err *err) {
  enum { AT_SEQ = 12 };
  for (size_t i = 0; i < job->count; i++) {
    const struct span *r = &job->records[i];
    uint64_t seq = job->first_seq + i;
    if (r->len < ENTRY_OVERHEAD || r->len > ENTRY_MAX_SIZE || get_u64(r->data + AT_SEQ) != seq)
      return err_set(err, ERR_INVALID, "what is to be entry %" PRIu64 " is not its record", seq);
  }
  return 0;
}

/* One value of `count` records; `seq` is the last one's. */
static int put_group(struct env *env, DBC *cursor, uint64_t seq, const struct span *records, size_t count,
                     struct err *err) {
  unsigned char key_bytes[STORE_KEY_SIZE], joined[GROUP_MAX_SIZE];
  DBT key = history_key(key_bytes, seq);
  DBT value = {.data = (void *)(uintptr_t)records[0].data, .size = (u_int32_t)records[0].len};
  if (count > 1) {
    value = (DBT){.data = joined};
    for (size_t i = 0; i < count; i++) {
      memcpy(joined + value.size, records[i].data, records[i].len);
      value.size += (u_int32_t)records[i].len;
    }
  }
  int ret = cursor->put(cursor, &key, &value, DB_KEYLAST);
  return ret ? store_db_error(env, ret, err, "appending to the history") : 0;
}

static int append_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  const struct append_job *job = arg;
  DBC *cursor = NULL;
  uint64_t last = 0;
  int code = history_cursor_open(job->store, txn, &cursor, err);
  if (code)
    return code;
  code = history_cursor_last(env, cursor, DB_RMW, &last, err);
  if (!code && last + 1 != job->first_seq)
    code = err_set(err, ERR_CONFLICT, "entry %" PRIu64 " cannot follow entry %" PRIu64, job->first_seq, last);
  for (size_t done = 0, taken = 0; !code && done < job->count; done += taken) {
    taken = group_take(job->records + done, job->count - done);
    code = put_group(env, cursor, job->first_seq + done + taken - 1, job->records + done, taken, err);
  }
  code = history_cursor_close(env, cursor, code, err);
  if (!code)
    FAULT("store.history.before_commit");
  return code;
}

int history_append(struct store *store, const struct span *records, uint64_t first_seq, size_t count, struct err *err) {
  struct append_job job = {store, records, first_seq, count};
  int code = check_records(&job, err);
  return code ? code : txn_write(&store->env, DB_TXN_NOSYNC, append_body, &job, err);
}

int history_log_end(struct store *store, uint32_t *file, uint32_t *offset, struct err *err) {
  DB_LOG_STAT *stat = NULL;
  int ret = store->env.handle->log_stat(store->env.handle, &stat, 0);
  if (ret)
    return store_db_error(&store->env, ret, err, "reading the statistics of the log");
  *file = stat->st_cur_file;
  *offset = stat->st_cur_offset;
  free(stat);
  return 0;
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
