#include "ops/copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/lock.h"
#include "store/walscan.h"

static bool is_folder(const char *dir, const char *name) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  struct stat st;
  return fileio_join(path, dir, name, &ignored) == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_file(const char *dir, const char *name) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  return fileio_join(path, dir, name, &ignored) == 0 && access(path, F_OK) == 0;
}

static bool is_base(const char *dir) {
  return is_folder(dir, "db") || is_folder(dir, "wal");
}

static int set_base(struct copy *copy, enum copy_kind kind, const char *base, struct err *err) {
  int rc = 0;
  copy->kind = kind;
  if ((rc = fileio_join(copy->base, base, "", err)))
    return rc;
  copy->base[strlen(copy->base) - 1] = '\0';
  if ((rc = fileio_join(copy->wal, base, "wal", err)) || (rc = fileio_join(copy->db, base, "db", err)) ||
      (rc = fileio_join(copy->history, copy->db, "assertions.kv", err)))
    return rc;
  copy->has_history = access(copy->history, F_OK) == 0;
  return 0;
}

static int set_home(struct copy *copy, const struct config *config, struct err *err) {
  memcpy(copy->home, config->home, sizeof(copy->home));
  int rc = set_base(copy, COPY_HOME, config->data_dir, err);
  return rc ? rc : lock_share(config->data_dir, &copy->lock, err);
}

static int set_archive(struct copy *copy, const char *path, bool *found, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  int rc = walscan_list(path, &numbers, &count, err);
  free(numbers);
  *found = !rc && count > 0;
  if (!*found)
    return rc;
  copy->kind = COPY_ARCHIVE;
  memcpy(copy->wal, path, strlen(path) + 1);
  return 0;
}

int copy_find(const char *path, struct copy *out, struct err *err) {
  struct config config;
  struct stat st;
  bool found = false;
  *out = (struct copy){.lock = -1};
  if (strlen(path) >= FILEIO_PATH_MAX || stat(path, &st) || !S_ISDIR(st.st_mode))
    return err_set(err, ERR_NOTFOUND, "%.400s is no folder", path);
  if (is_folder(path, "data")) {
    int rc = config_load(&config, path, err);
    return rc ? rc : set_home(out, &config, err);
  }
  /* A data folder itself has a lock or a mark; a backup may have taken the mark along, and has a manifest. */
  if (is_base(path) && !has_file(path, "MANIFEST.sha256") &&
      (has_file(path, "LOCK") || has_file(path, "db/acked.mark"))) {
    int rc = set_base(out, COPY_HOME, path, err);
    return rc ? rc : lock_share(path, &out->lock, err);
  }
  if (is_base(path))
    return set_base(out, COPY_BACKUP, path, err);
  if (config_load(&config, path, err) == 0 && is_base(config.data_dir))
    return set_home(out, &config, err);
  int rc = set_archive(out, path, &found, err);
  if (!rc && !found)
    rc = err_set(err, ERR_NOTFOUND, "%.400s is no home, no backup and no archive: there is nothing of a history in it",
                 path);
  return rc;
}

void copy_release(struct copy *copy) {
  if (copy->lock >= 0)
    close(copy->lock);
  copy->lock = -1;
}

const char *copy_kind_name(enum copy_kind kind) {
  static const char *const names[] = {"home", "backup", "archive"};
  return names[kind];
}
