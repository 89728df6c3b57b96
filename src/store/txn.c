#include <errno.h>
#include <sodium.h>
#include <time.h>

#include "store/env.h"

enum { TXN_ATTEMPTS = 20, TXN_PAUSE_MAX_US = 20000 };

/* Whether what ended with `code` is worth another attempt; pauses if so. The pause doubles, and is random, so that two
 * that met once do not meet again. */
static bool may_retry(struct env *env, int code, const struct err *err, unsigned attempt) {
  if (code != ERR_BUSY || (err->sys != DB_LOCK_DEADLOCK && err->sys != DB_LOCK_NOTGRANTED))
    return false;
  if (env->conflicts)
    metric_add(env->conflicts, 1);
  if (attempt >= TXN_ATTEMPTS)
    return false;
  uint32_t most = attempt < 8 ? 100u << attempt : TXN_PAUSE_MAX_US;
  struct timespec pause = {0, (long)(randombytes_uniform(most) + 1) * 1000};
  nanosleep(&pause, NULL);
  return true;
}

static int attempt_write(struct env *env, uint32_t commit_flags, txn_body *body, void *arg, struct err *err) {
  DB_TXN *txn = NULL;
  int ret = env->handle->txn_begin(env->handle, NULL, &txn, 0);
  if (ret)
    return store_db_error(env, ret, err, "beginning a transaction");
  int code = (ret = txn->set_priority(txn, UINT32_MAX)) ? store_db_error(env, ret, err, "setting a priority")
                                                        : body(env, txn, arg, err);
  if (code) {
    struct err second;
    if ((ret = txn->abort(txn)))
      store_db_error(env, ret, &second, "aborting"); /* the first error is the one to tell */
    return code;
  }
  if ((ret = txn->commit(txn, commit_flags)))
    return store_db_error(env, ret, err, "committing");
  return 0;
}

int txn_write(struct env *env, uint32_t commit_flags, txn_body *body, void *arg, struct err *err) {
  unsigned attempt = 0;
  int code = 0;
  do
    code = attempt_write(env, commit_flags, body, arg, err);
  while (may_retry(env, code, err, ++attempt));
  return code;
}

int txn_read(struct env *env, txn_body *body, void *arg, struct err *err) {
  unsigned attempt = 0;
  int code = 0;
  do
    code = body(env, NULL, arg, err);
  while (may_retry(env, code, err, ++attempt));
  return code;
}
