/*
 * One Berkeley DB environment, and the one place where Berkeley DB's codes become err codes. For store/ and projection/
 * alone.
 *
 * Berkeley DB tells what happened in messages beside its codes (the file and the page of a checksum error come in two
 * of them), through a callback without context. An env remembers the last messages of each thread, and store_db_error()
 * puts them into the text.
 */
#ifndef STORE_ENV_H
#define STORE_ENV_H

#include <db.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"

enum recover_mode {
  RECOVER_NONE,   /* nothing was open before: a fresh environment, or one that was closed or copied clean */
  RECOVER_NORMAL, /* DB_RECOVER: from the last checkpoint on */
  RECOVER_FATAL   /* DB_RECOVER_FATAL: from the first log file on */
};

struct env_options {
  const char *home;     /* folder of the region files and of DB_CONFIG; absolute */
  const char *log_dir;  /* below home; NULL: home itself */
  const char *data_dir; /* below home; NULL: home itself */
  uint64_t cache_bytes;
  uint64_t log_file_bytes; /* 0: Berkeley DB's default */
  bool join;               /* join the live environment of another process; what follows is ignored */
  bool private;            /* regions in memory of this process, no region files: tools on a store that is not live */
  bool log_auto_remove;    /* remove log files that recovery does not need any more */
  enum recover_mode recover;
};

enum { ENV_MESSAGES = 8, ENV_MESSAGE_SIZE = 200 };

/* A message of Berkeley DB and the thread that it came to. */
struct env_message {
  pthread_t thread;
  bool used;
  char text[ENV_MESSAGE_SIZE];
};

struct env {
  DB_ENV *handle; /* NULL while closed; its app_private is this struct, which therefore must not move */
  const struct log *log;
  struct metric_cell *conflicts; /* NULL without metrics */
  atomic_bool panicked;          /* Berkeley DB said DB_EVENT_PANIC: nothing works until recovery */
  atomic_int panic_cause;        /* the code that made it panic, once it has */
  bool initialised, recovering;
  uint64_t progress_us;  /* clock_monotonic() when progress was last logged */
  pthread_mutex_t mutex; /* messages, next */
  struct env_message messages[ENV_MESSAGES];
  unsigned next;
};

/* Opens it. The folders must exist. `env` is zeroed memory that stays where it is until env_close. */
NODISCARD int env_open(struct env *env, const struct env_options *options, const struct log *log,
                       struct metrics *metrics, struct err *err);
/* For a file that is opened without an environment: messages are remembered, there is no handle. env_close() ends it.
 */
NODISCARD int env_init_alone(struct env *env, const struct log *log, struct err *err);
/* Has Berkeley DB's messages come to handle->app_private, a struct env. */
void env_listen(DB_ENV *handle);
/* Closes it. Takes one that is not open. Returns the first error, always frees. */
int env_close(struct env *env, struct err *err);
/* Declares the environment broken, for every process in it: after a sync failed nothing that follows is worth anything.
 */
void env_panic(struct env *env);
/* Removes region files (__db.*) that a dead node left in `home`. No process may be in the environment. */
NODISCARD int env_remove_regions(const char *home, struct err *err);

/*
 * Fills *err for the code `ret` (not 0) that Berkeley DB returned: "DOING: text of the code (messages)". `doing` is a
 * gerund phrase: "appending to history". Returns err->code:
 * DB_LOCK_DEADLOCK and DB_LOCK_NOTGRANTED: BUSY, with err->sys = ret. A checksum error, a page that is not there, a
 * recovery that failed, a page that is newer than the log: CORRUPT. DB_RUNRECOVERY because the machine failed: as the
 * errno of that; for any other cause: IO, the node must recover. ENOSPC and its like: FULL. DB_NOTFOUND: NOTFOUND.
 * DB_KEYEXIST: CONFLICT.
 */
int store_db_error(struct env *env, int ret, struct err *err, const char *doing);

/* --- txn.c --- */

/* What is done in one transaction. It has no effect outside of `txn` and `arg`, and may run more than once. Returns 0
 * or an err code that store_db_error() or err_set() made. */
typedef int txn_body(struct env *env, DB_TXN *txn, void *arg, struct err *err);

/* Begins, runs the body, commits with `commit_flags` (DB_TXN_NOSYNC or DB_TXN_SYNC); on an error aborts. A deadlock is
 * tried again, a bounded number of times and after a random pause; then ERR_BUSY. Deadlock detection never makes this
 * transaction its victim while readers are in the circle. */
NODISCARD int txn_write(struct env *env, uint32_t commit_flags, txn_body *body, void *arg, struct err *err);
/* The same for a body that only reads, without a transaction: `txn` is NULL. It closes its cursors itself. */
NODISCARD int txn_read(struct env *env, txn_body *body, void *arg, struct err *err);

#endif
