#include "ops/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/copy.h"
#include "ops/restore.h"
#include "ops/tree.h"

enum { CONF_MAX = 4 * FILEIO_PATH_MAX };
#define SMALL_CACHE "64M"

/* --- the folder --- */

static int open_locked(const char *dir) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

/* Those that nobody holds any more: they cost as much space as a history. */
static void remove_left(const char *parent) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  struct stat st;
  DIR *dir = opendir(parent);
  if (!dir)
    return;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (strncmp(e->d_name, SCRATCH_PREFIX, sizeof(SCRATCH_PREFIX) - 1) != 0 ||
        fileio_join(path, parent, e->d_name, &ignored) || lstat(path, &st) || st.st_uid != geteuid())
      continue;
    int fd = open_locked(path);
    if (fd < 0)
      continue;
    if (tree_remove(path, &ignored))
      err_context(&ignored, "a scratch home is left");
    close(fd);
  }
  closedir(dir);
}

int scratch_make(const char *parent, struct scratch *out, struct err *err) {
  static const char *const folders[] = {"data", "run", "log", "backups"};
  char home[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX];
  *out = (struct scratch){.lock = -1};
  remove_left(parent);
  int rc = fileio_join(home, parent, SCRATCH_PREFIX "XXXXXX", err);
  if (rc)
    return rc;
  if (!mkdtemp(home))
    return err_sys(err, errno, "making a scratch folder in %s", parent);
  if ((rc = config_defaults(&out->config, home, err)))
    return rc;
  if ((out->lock = open_locked(home)) < 0)
    return err_sys(err, errno, "locking %s", home);
  for (size_t i = 0; !rc && i < sizeof(folders) / sizeof(folders[0]); i++)
    if (!(rc = fileio_join(path, home, folders[i], err)))
      rc = fileio_mkdirs(path, 0750, err);
  return rc;
}

int scratch_remove(struct scratch *scratch, struct err *err) {
  int rc = scratch->config.home[0] ? tree_remove(scratch->config.home, err) : 0;
  if (scratch->lock >= 0)
    close(scratch->lock);
  *scratch = (struct scratch){.lock = -1};
  return rc;
}

/* --- what is in it --- */

static int fill_from_backup(struct scratch *scratch, const char *backup, const struct log *log, const struct log *quiet,
                            struct err *err) {
  const struct config *config = &scratch->config;
  struct metadata metadata;
  int rc = restore_check(config, log, backup, &metadata, err);
  if (rc || (rc = tree_copy_scratch(backup, config->data_dir, "wal", err)) ||
      (rc = tree_copy_scratch(backup, config->data_dir, "db", err)))
    return rc;
  return restore_prove(config, quiet, config->data_dir, &metadata, 0, true, err);
}

/* Logs that were set aside are what a start takes missing entries from. */
static bool is_part(const char *name) {
  return strcmp(name, "wal") == 0 || strcmp(name, "db") == 0 || strncmp(name, "wal.superseded.", 15) == 0 ||
         strncmp(name, "wal.corrupted.", 14) == 0;
}

/* Calls `visit` with each part of a data folder. */
typedef int part_visitor(void *ctx, const char *base, const char *name, struct err *err);

static int each_part(const char *base, part_visitor *visit, void *ctx, struct err *err) {
  int rc = 0;
  DIR *dir = opendir(base);
  if (!dir)
    return err_sys(err, errno, "opening %s", base);
  for (struct dirent *e; !rc && (errno = 0, e = readdir(dir)) != NULL;)
    if (is_part(e->d_name))
      rc = visit(ctx, base, e->d_name, err);
  if (!rc && errno)
    rc = err_sys(err, errno, "listing %s", base);
  closedir(dir);
  return rc;
}

static int add_bytes(void *ctx, const char *base, const char *name, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct tree tree;
  uint64_t *bytes = ctx;
  int rc = fileio_join(path, base, name, err);
  if (rc || (rc = tree_list(path, &tree, err)))
    return rc;
  *bytes += tree.bytes;
  tree_free(&tree);
  return 0;
}

static int copy_part(void *ctx, const char *base, const char *name, struct err *err) {
  return tree_copy_scratch(base, ctx, name, err);
}

static int fill_from_home(struct scratch *scratch, const struct copy *copy, const struct log *quiet, struct err *err) {
  struct config *config = &scratch->config;
  uint64_t bytes = 0, free_bytes = 0;
  int rc = each_part(copy->base, add_bytes, &bytes, err);
  if (rc || (rc = fileio_free_bytes(config->home, &free_bytes, err)))
    return rc;
  if (free_bytes < bytes + config->min_free_bytes)
    return err_set(err, ERR_FULL,
                   "%s has %" PRIu64 " bytes free; a copy takes %" PRIu64 ", and %" PRIu64 " are to stay free",
                   config->home, free_bytes, bytes, config->min_free_bytes);
  if ((rc = each_part(copy->base, copy_part, config->data_dir, err)))
    return rc;
  return restore_prove(config, quiet, config->data_dir, NULL, 0, true, err);
}

int scratch_fill(struct scratch *scratch, const char *source, const struct log *log, const struct log *quiet,
                 struct err *err) {
  struct copy copy;
  char *path = realpath(source, NULL);
  if (!path)
    return err_sys(err, errno, "%s", source);
  int rc = copy_find(path, &copy, err);
  if (!rc) {
    if (copy.kind == COPY_ARCHIVE)
      rc = err_set(err, ERR_INVALID, "%s is an archive of log files: only a restore can read it", source);
    else
      rc = copy.kind == COPY_BACKUP ? fill_from_backup(scratch, path, log, quiet, err)
                                    : fill_from_home(scratch, &copy, quiet, err);
    copy_release(&copy);
  }
  free(path);
  return rc;
}

int scratch_configure(struct scratch *scratch, const struct scratch_options *options, struct err *err) {
  char path[FILEIO_PATH_MAX], home[FILEIO_PATH_MAX];
  struct buf text;
  memcpy(home, scratch->config.home, sizeof(home));
  buf_init(&text, CONF_MAX);
  buf_addf(&text, "read_only = yes\nworkers = %" PRIu64 "\n", options->workers);
  if (options->api_port > 0)
    buf_addf(&text, "api_port = %" PRIu64 "\ndashboard_port = %" PRIu64 "\n", options->api_port,
             options->dashboard_port);
  if (options->small)
    buf_add_str(&text, "projection_cache_bytes = " SMALL_CACHE "\n");
  if (options->tokens_file)
    buf_addf(&text, "tokens_file = %s\n", options->tokens_file);
  int rc = buf_check(&text, "the configuration", err);
  if (!rc && !(rc = fileio_join(path, home, "stemedb.conf", err)))
    rc = fileio_replace(path, text.data, text.len, 0640, err);
  if (!rc)
    rc = config_load(&scratch->config, home, err);
  buf_free(&text);
  return rc;
}
