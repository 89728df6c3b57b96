#include "store/env.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/dbhooks.h"
#include "store/reserve.h"

enum {
  ENV_FILE_MODE = 0640,
  /* A batch locks the pages that it fills and every reader a few; measured use stays far below. The largest retraction
   * (COVER_BLOCKS_MAX in projection/cover.h) must fit. */
  ENV_LOCKS = 20000,
  ENV_LOCKERS = 4000,
  ENV_LOG_BUFFER = 1 << 20,
  PROGRESS_PERIOD_US = 1000000
};

/* Words in messages of Berkeley DB by which stored bytes that are wrong are told from other causes of a panic. */
static const char *const corruption_words[] = {"checksum", "past end of log", "page not found", "Log file corrupt"};

static struct env *env_of(const DB_ENV *handle) {
  return handle->app_private;
}

static void remember_message(const DB_ENV *handle, const char *prefix, const char *text) {
  (void)prefix;
  struct env *env = env_of(handle);
  log_warn(env->log, "Berkeley DB: %s", text);
  pthread_mutex_lock(&env->mutex);
  struct env_message *m = &env->messages[env->next++ % ENV_MESSAGES];
  m->thread = pthread_self();
  m->used = true;
  size_t len = strnlen(text, sizeof m->text - 1);
  memcpy(m->text, text, len);
  m->text[len] = '\0';
  pthread_mutex_unlock(&env->mutex);
}

static void notice_event(DB_ENV *handle, u_int32_t event, void *info) {
  struct env *env = env_of(handle);
  if (event == DB_EVENT_PANIC && !atomic_exchange(&env->panicked, true)) {
    atomic_store(&env->panic_cause, info ? *(const int *)info : 0);
    log_error(env->log, "Berkeley DB panicked: the node must recover");
  } else if (event == DB_EVENT_WRITE_FAILED)
    log_error(env->log, "Berkeley DB could not write to a file");
}

static void show_progress(DB_ENV *handle, int operation, int percent) {
  struct env *env = env_of(handle);
  uint64_t now = clock_monotonic();
  if (operation != DB_RECOVER || now - env->progress_us < PROGRESS_PERIOD_US)
    return;
  env->progress_us = now;
  log_info(env->log, "WAL recovery: %d %%", percent);
}

/* Moves the messages that came to this thread into `out`, joined by "; ". */
static void take_messages(struct env *env, struct buf *out) {
  pthread_mutex_lock(&env->mutex);
  for (unsigned i = 0; i < ENV_MESSAGES; i++) {
    struct env_message *m = &env->messages[(env->next + i) % ENV_MESSAGES];
    if (!m->used || !pthread_equal(m->thread, pthread_self()))
      continue;
    m->used = false;
    if (out->len > 0)
      buf_add_str(out, "; ");
    buf_add_str(out, m->text);
  }
  pthread_mutex_unlock(&env->mutex);
  buf_add_byte(out, '\0');
}

static bool tells_of_corruption(const char *messages) {
  for (size_t i = 0; i < sizeof corruption_words / sizeof corruption_words[0]; i++)
    if (strstr(messages, corruption_words[i]))
      return true;
  return false;
}

/* Whether the machine failed, and not the bytes. */
static bool is_system_failure(int ret) {
  return ret == EIO || ret == ENOSPC || ret == EDQUOT || ret == ENOMEM || ret == EROFS || ret == EMFILE ||
         ret == ENFILE;
}

static enum err_code code_for(const struct env *env, int ret, const char *messages) {
  switch (ret) {
  case DB_LOCK_DEADLOCK:
  case DB_LOCK_NOTGRANTED: return ERR_BUSY;
  case DB_NOTFOUND:
  case DB_KEYEMPTY: return ERR_NOTFOUND;
  case DB_KEYEXIST: return ERR_CONFLICT;
  case DB_PAGE_NOTFOUND:
  case DB_VERIFY_BAD: return ERR_CORRUPT;
  case DB_RUNRECOVERY: return env->recovering || tells_of_corruption(messages) ? ERR_CORRUPT : ERR_IO;
  default: return tells_of_corruption(messages) ? ERR_CORRUPT : ERR_IO;
  }
}

int store_db_error(struct env *env, int ret, struct err *err, const char *doing) {
  struct buf messages;
  buf_init(&messages, (size_t)ENV_MESSAGES * (ENV_MESSAGE_SIZE + 2));
  take_messages(env, &messages);
  const char *text = messages.failed || messages.len <= 1 ? NULL : (const char *)messages.data;
  int cause = atomic_load(&env->panic_cause);
  if (ret == DB_RUNRECOVERY && is_system_failure(cause))
    ret = cause;
  enum err_code code = code_for(env, ret, text ? text : "");
  if (ret > 0 && code == ERR_IO && text)
    err_sys(err, ret, "%s (%s)", doing, text);
  else if (ret > 0 && code == ERR_IO)
    err_sys(err, ret, "%s", doing);
  else if (text)
    err_set(err, code, "%s: %s (%s)", doing, db_strerror(ret), text);
  else
    err_set(err, code, "%s: %s", doing, db_strerror(ret));
  if (ret < 0)
    err->sys = ret;
  buf_free(&messages);
  return err->code;
}

void env_panic(struct env *env) {
  if (env->handle)
    (void)env->handle->set_flags(env->handle, DB_PANIC_ENVIRONMENT, 1);
}

static int set_cache(DB_ENV *handle, uint64_t bytes) {
  /* Berkeley DB adds a quarter to what is less than 500 MB; what is configured is to be the whole. */
  if (bytes < 500000000)
    bytes = bytes / 5 * 4;
  return handle->set_cachesize(handle, (u_int32_t)(bytes >> 30), (u_int32_t)(bytes & ((1u << 30) - 1)), 1);
}

static int configure(DB_ENV *handle, const struct env_options *o) {
  int ret = 0;
  /* Else a page of a region file that has no room on the disk is a SIGBUS; store/reserve.h does the rest. */
  if ((ret = handle->set_flags(handle, DB_REGION_INIT, 1)) || (ret = handle->set_flags(handle, DB_NOMMAP, 1)) ||
      (ret = handle->set_lk_detect(handle, DB_LOCK_MINWRITE)))
    return ret;
  if (o->log_dir && (ret = handle->set_lg_dir(handle, o->log_dir)))
    return ret;
  if (o->data_dir && (ret = handle->set_data_dir(handle, o->data_dir)))
    return ret;
  if (o->join)
    return 0;
  if ((ret = set_cache(handle, o->cache_bytes)) || (ret = handle->set_lg_bsize(handle, ENV_LOG_BUFFER)) ||
      (ret = handle->set_lk_max_locks(handle, ENV_LOCKS)) || (ret = handle->set_lk_max_objects(handle, ENV_LOCKS)) ||
      (ret = handle->set_lk_max_lockers(handle, ENV_LOCKERS)))
    return ret;
  if (o->log_file_bytes && (ret = handle->set_lg_max(handle, (u_int32_t)o->log_file_bytes)))
    return ret;
  if (o->log_auto_remove && (ret = handle->log_set_config(handle, DB_LOG_AUTO_REMOVE, 1)))
    return ret;
  return 0;
}

static u_int32_t open_flags(const struct env_options *o) {
  u_int32_t flags = DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_THREAD;
  if (o->join)
    return flags;
  flags |= DB_CREATE;
  if (o->private)
    flags |= DB_PRIVATE;
  if (o->recover == RECOVER_NORMAL)
    flags |= DB_RECOVER;
  if (o->recover == RECOVER_FATAL)
    flags |= DB_RECOVER_FATAL;
  return flags;
}

static int open_handle(struct env *env, const struct env_options *options, struct err *err) {
  int ret = db_env_create(&env->handle, 0);
  if (ret) {
    env->handle = NULL;
    return store_db_error(env, ret, err, "creating an environment");
  }
  env->handle->app_private = env;
  env_listen(env->handle);
  env->recovering = !options->join && options->recover != RECOVER_NONE;
  env->progress_us = clock_monotonic();
  if ((ret = env->handle->set_event_notify(env->handle, notice_event)) ||
      (ret = env->handle->set_feedback(env->handle, show_progress)) || (ret = configure(env->handle, options)) ||
      (ret = env->handle->open(env->handle, options->home, open_flags(options), ENV_FILE_MODE)))
    return store_db_error(env, ret, err, env->recovering ? "recovering from the WAL" : "opening the environment");
  env->recovering = false;
  return 0;
}

int env_init_alone(struct env *env, const struct log *log, struct err *err) {
  *env = (struct env){.log = log};
  int code = pthread_mutex_init(&env->mutex, NULL);
  if (code)
    return err_sys(err, code, "making a mutex");
  env->initialised = true;
  return 0;
}

void env_listen(DB_ENV *handle) {
  handle->set_errcall(handle, remember_message);
}

int env_open(struct env *env, const struct env_options *options, const struct log *log, struct metrics *metrics,
             struct err *err) {
  dbhooks_install(metrics);
  int code = env_init_alone(env, log, err);
  if (code)
    return code;
  env->conflicts = metrics ? metrics_cell(metrics, METRIC_LOCK_CONFLICTS_TOTAL, "") : NULL;
  if (!options->join && !options->private && options->recover == RECOVER_NONE)
    code = env_remove_regions(options->home, err);
  if (!code)
    code = open_handle(env, options, err);
  if (!code && !options->join && !options->private)
    reserve_regions(options->home, options->cache_bytes, log);
  if (code) {
    struct err ignored;
    (void)env_close(env, &ignored);
  }
  return code;
}

int env_close(struct env *env, struct err *err) {
  int code = 0;
  if (!env->initialised)
    return 0;
  if (env->handle) {
    int ret = env->handle->close(env->handle, 0);
    env->handle = NULL;
    if (ret)
      code = store_db_error(env, ret, err, "closing the environment");
  }
  pthread_mutex_destroy(&env->mutex);
  env->initialised = false;
  return code;
}

int env_remove_regions(const char *home, struct err *err) {
  int code = 0;
  DIR *dir = opendir(home);
  if (!dir)
    return err_sys(err, errno, "opening %s", home);
  for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir))
    if (strncmp(e->d_name, "__db.", 5) == 0 && unlinkat(dirfd(dir), e->d_name, 0) && errno != ENOENT)
      code = err_sys(err, errno, "removing %s/%s", home, e->d_name);
  closedir(dir);
  return code;
}
