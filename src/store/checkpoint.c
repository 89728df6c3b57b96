#include "store/checkpoint.h"

#include <signal.h>
#include <stdlib.h>

#include "base/fault.h"
#include "store/internal.h"
#include "store/mark.h"

enum { MIB_SHIFT = 20 };

int checkpoint_due(struct env *env, uint64_t min_bytes, bool *due, struct err *err) {
  DB_LOG_STAT *log = NULL;
  int ret = env->handle->log_stat(env->handle, &log, 0);
  if (ret)
    return store_db_error(env, ret, err, "reading the statistics of the log");
  *due = ((uint64_t)log->st_wc_mbytes << MIB_SHIFT) + log->st_wc_bytes >= min_bytes;
  free(log);
  return 0;
}

static int run_now(struct checkpoint *c, struct err *err) {
  int code = c->before ? c->before(c->ctx, err) : 0;
  if (code)
    return code;
  FAULT("store.checkpoint.before");
  int ret = c->env->handle->txn_checkpoint(c->env->handle, 0, 0, DB_FORCE);
  if (ret) {
    code = store_db_error(c->env, ret, err, "checkpointing");
    env_panic(c->env);
  }
  return code;
}

static void *run_in_thread(void *arg) {
  struct checkpoint *c = arg;
  c->code = run_now(c, &c->err);
  atomic_store(&c->finished, true);
  return NULL;
}

/* Signals are for the threads of the program. */
static int start_thread(struct checkpoint *c, struct err *err) {
  sigset_t all, before;
  sigfillset(&all);
  atomic_store(&c->finished, false);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int ret = pthread_create(&c->thread, NULL, run_in_thread, c);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ret)
    return err_sys(err, ret, "starting a thread for a checkpoint");
  c->running = true;
  return 0;
}

int checkpoint_wait(struct checkpoint *c, struct err *err) {
  if (!c->running)
    return 0;
  pthread_join(c->thread, NULL);
  c->running = false;
  if (c->code)
    *err = c->err;
  return c->code;
}

int checkpoint_run(struct checkpoint *c, struct err *err) {
  int code = checkpoint_wait(c, err);
  return code ? code : run_now(c, err);
}

int checkpoint_start(struct checkpoint *c, uint64_t min_bytes, bool *started, struct err *err) {
  bool due = false;
  *started = false;
  if (c->running && !atomic_load(&c->finished))
    return 0;
  int code = checkpoint_wait(c, err);
  if (code || (code = checkpoint_due(c->env, min_bytes, &due, err)) || !due)
    return code;
  code = start_thread(c, err);
  *started = !code;
  return code;
}

int store_sync_mark(void *arg, struct err *err) {
  struct store *store = arg;
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
  bool started = true;
  int code = min_bytes == 0 ? checkpoint_run(&store->checkpoint, err)
                            : checkpoint_start(&store->checkpoint, min_bytes, &started, err);
  if (done)
    *done = !code && started;
  return code;
}
