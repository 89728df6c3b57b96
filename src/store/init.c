#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/internal.h"
#include "store/mark.h"

/*
 * A new history is made complete in data/.init and then moved into place by two renames, wal first. So whatever kills
 * an init leaves nothing that could be taken for a history (there is no data/db), and the next init finishes or
 * repeats it.
 */
#define INIT_DIR ".init"

static bool is_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Whether there is an entry of this name that is not an empty folder. An empty one is removed. */
static int check_absent(const char *data_dir, const char *name, bool *absent, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = fileio_join(path, data_dir, name, err);
  if (code)
    return code;
  *absent = rmdir(path) == 0 || errno == ENOENT;
  return *absent || errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
             ? 0
             : err_sys(err, errno, "removing %s", path);
}

/* What start-up, restore and the runbook set aside: data/wal.superseded.STAMP, data/db.backup.STAMP … */
static bool is_remains(const char *name) {
  return strncmp(name, STORE_WAL_DIR ".", 4) == 0 || strncmp(name, STORE_DB_DIR ".", 3) == 0;
}

static int refuse_remains(const char *data_dir, struct err *err) {
  int code = 0;
  DIR *dir = opendir(data_dir);
  if (!dir)
    return err_sys(err, errno, "opening %s", data_dir);
  for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir))
    if (is_remains(e->d_name))
      code = err_set(err, ERR_CONFLICT, "%s/%s is left of a history: nothing is made here", data_dir, e->d_name);
  closedir(dir);
  return code;
}

/* Removes the files of a folder and the folder. Folders in it must be empty. */
static int remove_folder(const char *path, struct err *err) {
  int code = 0;
  DIR *dir = opendir(path);
  if (!dir)
    return errno == ENOENT ? 0 : err_sys(err, errno, "opening %s", path);
  for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir))
    if (!is_dots(e->d_name) && unlinkat(dirfd(dir), e->d_name, 0) && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR))
      code = err_sys(err, errno, "removing %s/%s", path, e->d_name);
  closedir(dir);
  return !code && rmdir(path) ? err_sys(err, errno, "removing %s", path) : code;
}

static int remove_staging(const char *staging, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = 0;
  if ((code = fileio_join(path, staging, STORE_WAL_DIR, err)) || (code = remove_folder(path, err)) ||
      (code = fileio_join(path, staging, STORE_DB_DIR, err)) || (code = remove_folder(path, err)))
    return code;
  return remove_folder(staging, err);
}

static int write_mark(const char *data_dir, const struct history_meta *meta, uint64_t seq, struct err *err) {
  const struct timeline *current = history_meta_current(meta);
  struct mark mark = {.timeline = current->number, .branch = current->branch, .seq = seq};
  int fd = -1;
  memcpy(mark.history_id, meta->id, sizeof mark.history_id);
  int code = mark_open(data_dir, true, &fd, err);
  if (code)
    return code;
  if (!(code = mark_write(fd, &mark, err)))
    code = mark_sync(fd, err);
  close(fd);
  return code;
}

/* What is made. */
struct making {
  const struct config *config;
  const struct log *log;
  char staging[FILEIO_PATH_MAX];
  const struct store_filling *filling;
  struct store_metadata metadata;
};

static int fill_history(struct making *m, struct store *store, struct err *err) {
  const struct store_filling *filling = m->filling;
  int code = 0;
  if ((code = store_open_history(store, true, err)) || (code = history_meta_write(store, filling->meta, err)))
    return code;
  if (filling->fill &&
      ((code = filling->fill(filling->ctx, store, &m->metadata, err)) || (code = history_flush(store, err))))
    return code;
  FAULT("store.init.filled");
  return write_mark(m->staging, filling->meta, m->metadata.last_seq, err);
}

/* The environment, complete, in the staging folder; closed again. */
static int make_history(struct making *m, struct err *err) {
  struct store *store = NULL;
  struct config at = *m->config;
  struct env_options options = {.home = at.data_dir,
                                .log_dir = STORE_WAL_DIR,
                                .data_dir = STORE_DB_DIR,
                                .cache_bytes = m->config->history_cache_bytes,
                                .log_file_bytes = m->config->wal_file_bytes,
                                .log_auto_remove = m->filling->fill != NULL, /* one can begin from here alone */
                                .private = true};
  int code = 0;
  snprintf(at.data_dir, sizeof at.data_dir, "%s", m->staging);
  if ((code = store_make_folders(m->staging, err)) ||
      (code = store_open_environment(&at, m->log, NULL, &options, &store, err)))
    return code;
  if ((code = fill_history(m, store, err))) {
    store_abandon(store);
    return code;
  }
  return store_close(store, err);
}

static int write_metadata(struct making *m, struct err *err) {
  const struct timeline *current = history_meta_current(m->filling->meta);
  char path[FILEIO_PATH_MAX];
  struct wal_usage usage;
  memcpy(m->metadata.history_id, m->filling->meta->id, sizeof m->metadata.history_id);
  m->metadata.timeline = current->number;
  m->metadata.branch = current->branch;
  int code = fileio_join(path, m->config->data_dir, STORE_METADATA_FILE, err);
  if (code || (code = store_wal_usage(m->staging, &usage, err)))
    return code;
  return store_write_metadata_at(path, usage.files, &m->metadata, err);
}

static int move_into_place(const char *staging, const char *data_dir, const char *name, struct err *err) {
  char from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX];
  int code = 0;
  FAULT("store.init.before_move");
  if ((code = fileio_join(from, staging, name, err)) || (code = fileio_join(to, data_dir, name, err)))
    return code;
  return rename(from, to) ? err_sys(err, errno, "moving %s to %s", from, to) : fileio_sync_dir(data_dir, err);
}

/* Makes what a start needs beside wal and db, and moves those in: db last, it is what makes a history. */
static int publish(const struct config *config, const char *staging, struct err *err) {
  int code = 0;
  if ((code = store_write_db_config(config->data_dir, err)) ||
      (code = move_into_place(staging, config->data_dir, STORE_WAL_DIR, err)) ||
      (code = move_into_place(staging, config->data_dir, STORE_DB_DIR, err)))
    return code;
  return remove_folder(staging, err);
}

static int make_and_publish(struct making *m, struct err *err) {
  struct err ignored;
  int code = remove_staging(m->staging, err);
  if (code)
    return code;
  digest_sha256(m->metadata.root, span_of(NULL, 0));
  if ((code = make_history(m, err)) || (code = write_metadata(m, err))) {
    (void)remove_staging(m->staging, &ignored);
    return code;
  }
  return publish(m->config, m->staging, err);
}

/* Whether there is no history, nor remains of one: neither wal nor db. *interrupted: only the second rename of a
 * history that is complete in the staging folder lacks. */
static int look(const struct config *config, const char *staging, bool *interrupted, struct err *err) {
  char staged_db[FILEIO_PATH_MAX];
  bool no_wal = false, no_db = false;
  int code = 0;
  *interrupted = false;
  if ((code = fileio_join(staged_db, staging, STORE_DB_DIR, err)) ||
      (code = fileio_mkdirs(config->data_dir, 0750, err)) || (code = refuse_remains(config->data_dir, err)) ||
      (code = check_absent(config->data_dir, STORE_DB_DIR, &no_db, err)) ||
      (code = check_absent(config->data_dir, STORE_WAL_DIR, &no_wal, err)))
    return code;
  if (!no_db)
    return err_set(err, ERR_CONFLICT, "there is a history in %s", config->data_dir);
  *interrupted = !no_wal;
  if (!no_wal && access(staged_db, F_OK))
    return err_set(err, ERR_CONFLICT, "%s/" STORE_WAL_DIR " is left of a history: nothing is made here",
                   config->data_dir);
  return 0;
}

int store_make(const struct config *config, const struct log *log, const struct store_filling *filling,
               struct err *err) {
  struct making m = {.config = config, .log = log, .filling = filling};
  bool interrupted = false;
  int code = 0;
  if ((code = fileio_join(m.staging, config->data_dir, INIT_DIR, err)) ||
      (code = look(config, m.staging, &interrupted, err)))
    return code;
  if (interrupted)
    return err_set(err, ERR_CONFLICT,
                   "%s holds a history that was made and not moved into place to the end: stemedb init finishes that",
                   config->data_dir);
  return make_and_publish(&m, err);
}

static int init_fresh(struct making *m, struct err *err) {
  struct history_meta meta = {0};
  struct store_filling filling = {.meta = &meta};
  int code = history_meta_create(&meta, err);
  m->filling = &filling;
  if (!code && !(code = make_and_publish(m, err))) {
    char name[HISTORY_NAME_SIZE];
    history_name(name, meta.id, history_meta_current(&meta)->number, history_meta_current(&meta)->branch);
    log_info(m->log, "Made an empty history %s in %s", name, m->config->data_dir);
  }
  history_meta_free(&meta);
  return code;
}

int store_init(const struct config *config, const struct log *log, struct err *err) {
  struct making m = {.config = config, .log = log};
  bool interrupted = false;
  int code = 0;
  if ((code = fileio_join(m.staging, config->data_dir, INIT_DIR, err)) ||
      (code = look(config, m.staging, &interrupted, err)))
    return code;
  if (!interrupted)
    return init_fresh(&m, err);
  log_info(log, "Finishing an interrupted init in %s", config->data_dir);
  code = move_into_place(m.staging, config->data_dir, STORE_DB_DIR, err);
  return code ? code : remove_folder(m.staging, err);
}
