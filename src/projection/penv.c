/* The projection environment: its folder, its files, its wiping. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "projection/internal.h"

enum {
  LOG_FILE_BYTES = 32 << 20,
  PAGE_SIZE = 4096, /* larger ones are torn by kill -9, see store/internal.h: each would be a rebuild */
  FILE_NAME_SIZE = 64
};
#define META_FILE "meta.kv"

static bool file_exists(const struct projection *p, const char *name) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  return fileio_join(path, p->dir, name, &ignored) == 0 && access(path, F_OK) == 0;
}

static int make_rebuild_file(const struct projection *p) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  if (fileio_join(path, p->dir, PROJECTION_REBUILD_FILE, &ignored) != 0)
    return -1;
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
  return fd < 0 ? -1 : close(fd);
}

/* If even this fails, the damage is met again. */
static void want_rebuild(const struct projection *p) {
  if (make_rebuild_file(p) == 0)
    log_error(p->log, "An index is damaged: all of them will be rebuilt at the next start");
}

bool penv_rebuild_wanted(const struct projection *p) {
  return file_exists(p, PROJECTION_REBUILD_FILE);
}

static void file_name(char out[FILE_NAME_SIZE], const char *index) {
  snprintf(out, FILE_NAME_SIZE, "%s.kv", index);
}

bool penv_complete(const struct projection *p) {
  char file[FILE_NAME_SIZE];
  bool complete = file_exists(p, META_FILE);
  for (size_t i = 0; i < INDEX_COUNT && complete; i++) {
    file_name(file, index_table[i].name);
    complete = file_exists(p, file);
  }
  return complete;
}

/* Whether a code means that a file is not what was written. Berkeley DB says so in many ways (EINVAL for a page of
 * another type among them), so all is taken for it that has no other known cause; a rebuild in vain costs seconds. */
static bool tells_damage(int ret, int code) {
  return code == ERR_CORRUPT || (code == ERR_IO && ret != DB_RUNRECOVERY && ret != EIO && ret != EACCES);
}

int penv_error(struct projection *p, int ret, struct err *err, const char *doing) {
  int rc = store_db_error(&p->env, ret, err, doing);
  if (tells_damage(ret, rc)) {
    want_rebuild(p);
    err->code = ERR_CORRUPT;
  }
  return err->code;
}

int penv_damaged(struct projection *p, struct err *err, const char *what) {
  want_rebuild(p);
  return err_set(err, ERR_CORRUPT, "in the indexes: %s", what);
}

static int open_file(struct projection *p, const char *file, DB **out, struct err *err) {
  DB *db = NULL;
  int ret = db_create(&db, p->env.handle, 0);
  if (ret == 0)
    ret = db->set_pagesize(db, PAGE_SIZE);
  if (ret == 0)
    ret = db->set_flags(db, DB_CHKSUM);
  if (ret == 0)
    ret = db->open(db, NULL, file, NULL, DB_BTREE,
                   p->writer ? DB_CREATE | DB_AUTO_COMMIT | DB_THREAD : DB_RDONLY | DB_THREAD, 0640);
  if (ret != 0) {
    if (db)
      db->close(db, DB_NOSYNC);
    int rc = penv_error(p, ret, err, "opening an index");
    err_context(err, "%s/%s", p->dir, file);
    return rc;
  }
  *out = db;
  return 0;
}

int penv_open(struct projection *p, const struct config *config, bool writer, struct err *err) {
  p->writer = writer;
  p->checkpoint = (struct checkpoint){.env = &p->env};
  int rc = writer ? fileio_mkdirs(p->dir, 0750, err) : 0;
  if (rc)
    return rc;
  const struct env_options options = {.home = p->dir,
                                      .cache_bytes = config->projection_cache_bytes,
                                      .log_file_bytes = LOG_FILE_BYTES,
                                      .join = !writer,
                                      .log_auto_remove = true,
                                      .recover = RECOVER_NORMAL};
  rc = env_open(&p->env, &options, p->log, p->metrics, err);
  if (rc)
    return rc;
  /* For the transactions in which files are made; no commit in here is worth a sync. */
  int ret = p->env.handle->set_flags(p->env.handle, DB_TXN_NOSYNC, 1);
  if (ret != 0)
    rc = penv_error(p, ret, err, "configuring the indexes");
  for (size_t i = 0; i < INDEX_COUNT && rc == 0; i++) {
    char file[FILE_NAME_SIZE];
    file_name(file, index_table[i].name);
    rc = open_file(p, file, &p->index[i], err);
  }
  if (rc == 0)
    rc = open_file(p, META_FILE, &p->meta, err);
  if (rc) {
    struct err ignored;
    penv_close(p, false, &ignored);
  }
  return rc;
}

/* Closes one handle; the first error of several is kept in *ret. */
static void close_file(DB **db, int *ret) {
  if (*db) {
    int r = (*db)->close(*db, DB_NOSYNC);
    if (*ret == 0)
      *ret = r;
  }
  *db = NULL;
}

int penv_close(struct projection *p, bool checkpoint, struct err *err) {
  if (!p->env.handle)
    return 0;
  int ret = 0, rc = checkpoint_wait(&p->checkpoint, err);
  struct err later;
  if (rc == 0 && checkpoint && !atomic_load(&p->env.panicked))
    rc = checkpoint_run(&p->checkpoint, err);
  for (size_t i = 0; i < INDEX_COUNT; i++)
    close_file(&p->index[i], &ret);
  close_file(&p->meta, &ret);
  if (ret != 0 && rc == 0)
    rc = penv_error(p, ret, err, "closing the indexes");
  int rc_env = env_close(&p->env, rc ? &later : err);
  return rc ? rc : rc_env;
}

static int remove_file(const struct projection *p, int dir, const char *name, struct err *err) {
  FAULT("projection.wipe.file");
  if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
    return 0;
  return err_sys(err, errno, "cannot remove %s/%s", p->dir, name);
}

int penv_wipe(const struct projection *p, struct err *err) {
  DIR *dir = opendir(p->dir);
  if (!dir)
    return errno == ENOENT ? 0 : err_sys(err, errno, "cannot read %s", p->dir);
  int rc = make_rebuild_file(p) == 0 ? 0 : err_sys(err, errno, "cannot make %s/" PROJECTION_REBUILD_FILE, p->dir);
  for (struct dirent *entry = readdir(dir); entry && rc == 0; entry = readdir(dir)) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, PROJECTION_REBUILD_FILE) != 0)
      rc = remove_file(p, dirfd(dir), name, err);
  }
  /* Last, so that a wipe that was interrupted is done again and never taken for indexes that are empty. */
  if (rc == 0)
    rc = remove_file(p, dirfd(dir), PROJECTION_REBUILD_FILE, err);
  closedir(dir);
  return rc;
}

struct get_call {
  struct projection *p;
  DB *db;
  DBT key, value;
  bool found;
};

static int get_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct get_call *call = arg;
  int ret = call->db->get(call->db, txn, &call->key, &call->value, 0);
  call->found = ret == 0;
  return ret == 0 || ret == DB_NOTFOUND ? 0 : penv_error(call->p, ret, err, "reading an index");
}

int penv_get(struct projection *p, DB *db, struct span key, void *out, size_t cap, size_t *len, bool *found,
             struct err *err) {
  struct get_call call = {
      .p = p, .db = db, .key = penv_dbt(key), .value = {.data = out, .ulen = (u_int32_t)cap, .flags = DB_DBT_USERMEM}};
  int rc = txn_read(&p->env, get_body, &call, err);
  if (rc)
    return rc;
  *found = call.found;
  *len = call.value.size;
  return 0;
}
