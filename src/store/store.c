#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "store/internal.h"
#include "store/mark.h"

static const char config_file_text[] = "# Where Berkeley DB's own tools find the parts of this environment.\n"
                                       "set_lg_dir " STORE_WAL_DIR "\n"
                                       "set_data_dir " STORE_DB_DIR "\n";

int store_path(char out[FILEIO_PATH_MAX], const char *data_dir, const char *folder, const char *name, struct err *err) {
  char inner[FILEIO_PATH_MAX];
  int code = fileio_join(inner, data_dir, folder, err);
  return code ? code : fileio_join(out, inner, name, err);
}

int store_make_folders(const char *data_dir, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = 0;
  if ((code = fileio_join(path, data_dir, STORE_WAL_DIR, err)) || (code = fileio_mkdirs(path, 0750, err)) ||
      (code = store_path(path, data_dir, STORE_DB_DIR, STORE_INDEXES_DIR, err)) ||
      (code = fileio_mkdirs(path, 0750, err)))
    return code;
  return 0;
}

int store_write_db_config(const char *data_dir, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = fileio_join(path, data_dir, "DB_CONFIG", err);
  if (code || access(path, F_OK) == 0)
    return code;
  return fileio_replace(path, config_file_text, sizeof config_file_text - 1, 0640, err);
}

static int create_store(const struct config *config, const struct log *log, struct metrics *metrics, bool writer,
                        struct store **out, struct err *err) {
  struct store *store = calloc(1, sizeof *store);
  if (!store)
    return err_set(err, ERR_NOMEM, "no memory for a store");
  *store = (struct store){.config = config, .log = log, .metrics = metrics, .writer = writer, .mark_fd = -1};
  store->checkpoint = (struct checkpoint){.env = &store->env, .before = store_sync_mark, .ctx = store};
  *out = store;
  return 0;
}

int store_open_environment(const struct config *config, const struct log *log, struct metrics *metrics,
                           const struct env_options *options, struct store **out, struct err *err) {
  struct store *store = NULL;
  int code = create_store(config, log, metrics, !options->join, &store, err);
  if (code)
    return code;
  if ((code = env_open(&store->env, options, log, metrics, err))) {
    store_abandon(store);
    return code;
  }
  *out = store;
  return 0;
}

static int open_in_transaction(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  DB *db = arg;
  int ret = db->open(db, txn, STORE_HISTORY_FILE, NULL, DB_BTREE, DB_CREATE | DB_THREAD, 0640);
  return ret ? store_db_error(env, ret, err, "creating " STORE_HISTORY_FILE) : 0;
}

int store_open_history(struct store *store, bool create, struct err *err) {
  DB *db = NULL;
  struct env *env = &store->env;
  int code = 0;
  int ret = db_create(&db, env->handle, 0);
  if (ret)
    return store_db_error(env, ret, err, "making a database handle");
  if (create && ((ret = db->set_pagesize(db, STORE_PAGE_SIZE)) || (ret = db->set_flags(db, DB_CHKSUM))))
    code = store_db_error(env, ret, err, "configuring " STORE_HISTORY_FILE);
  else if (create)
    code = txn_write(env, DB_TXN_SYNC, open_in_transaction, db, err);
  else if ((ret = db->open(db, NULL, STORE_HISTORY_FILE, NULL, DB_BTREE,
                           DB_THREAD | (store->writer ? DB_AUTO_COMMIT : DB_RDONLY), 0)))
    code = store_db_error(env, ret, err, "opening " STORE_HISTORY_FILE);
  if (code) {
    (void)db->close(db, DB_NOSYNC);
    return code;
  }
  store->history = db;
  return 0;
}

static int check_history_file(const char *data_dir, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = store_path(path, data_dir, STORE_DB_DIR, STORE_HISTORY_FILE, err);
  if (!code && access(path, F_OK))
    code = errno == ENOENT || errno == ENOTDIR ? err_set(err, ERR_NOTFOUND, "No history in %s", data_dir)
                                               : err_sys(err, errno, "%s", path);
  return code;
}

int env_open_writer(const struct config *config, const struct log *log, struct metrics *metrics,
                    enum recover_mode recover, struct store **out, struct err *err) {
  struct store *store = NULL;
  struct env_options options = {.home = config->data_dir,
                                .log_dir = STORE_WAL_DIR,
                                .data_dir = STORE_DB_DIR,
                                .cache_bytes = config->history_cache_bytes,
                                .log_file_bytes = config->wal_file_bytes,
                                .recover = recover};
  int code = recover == RECOVER_FATAL ? 0 : check_history_file(config->data_dir, err);
  if (code || (code = store_make_folders(config->data_dir, err)) ||
      (code = store_write_db_config(config->data_dir, err)) ||
      (code = store_open_environment(config, log, metrics, &options, &store, err)))
    return code;
  if ((code = check_history_file(config->data_dir, err)) || (code = store_open_history(store, false, err))) {
    store_abandon(store);
    return code;
  }
  *out = store;
  return 0;
}

int store_join(const struct config *config, const struct log *log, struct metrics *metrics, struct store **out,
               struct err *err) {
  struct store *store = NULL;
  struct env_options options = {
      .home = config->data_dir, .log_dir = STORE_WAL_DIR, .data_dir = STORE_DB_DIR, .join = true};
  int code = store_open_environment(config, log, metrics, &options, &store, err);
  if (code)
    return code;
  if ((code = store_open_history(store, false, err))) {
    store_abandon(store);
    return code;
  }
  *out = store;
  return 0;
}

static void free_store(struct store *store) {
  if (store->mark_fd >= 0)
    close(store->mark_fd);
  free(store);
}

int store_close(struct store *store, struct err *err) {
  struct err second;
  struct err *at = err; /* the first error is kept */
  int code = 0;
  if (!store)
    return 0;
  if (store->writer && (code = store_checkpoint(store, 0, NULL, at)))
    at = &second;
  if (store->history) {
    int ret = store->history->close(store->history, DB_NOSYNC);
    int next = ret ? store_db_error(&store->env, ret, at, "closing " STORE_HISTORY_FILE) : 0;
    code = code ? code : next;
    at = code ? &second : err;
  }
  int last = env_close(&store->env, at);
  free_store(store);
  return code ? code : last;
}

void store_abandon(struct store *store) {
  struct err ignored;
  if (!store)
    return;
  (void)checkpoint_wait(&store->checkpoint, &ignored);
  if (store->history)
    (void)store->history->close(store->history, DB_NOSYNC);
  (void)env_close(&store->env, &ignored);
  free_store(store);
}
