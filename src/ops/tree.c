#include "ops/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

enum { DEPTH_MAX = 8, FILES_MAX = 1 << 20, COPY_STEP = 1 << 30 };

static FTS *open_walk(const char *dir) {
  char *const roots[] = {(char *)dir, NULL};
  return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
}

bool tree_plain_byte(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool plain_name(const char *name) {
  while (*name && tree_plain_byte(*name))
    name++;
  return *name == '\0';
}

static int add_file(struct tree *tree, const char *dir, const FTSENT *e, struct err *err) {
  if (tree->count >= FILES_MAX)
    return err_set(err, ERR_NOMEM, "more than %d files in %s", FILES_MAX, dir);
  struct tree_file *grown = reallocarray(tree->files, tree->count + 1, sizeof(*grown));
  if (!grown)
    return err_set(err, ERR_NOMEM, "no memory to list %s", dir);
  tree->files = grown;
  char *name = strdup(e->fts_path + strlen(dir) + 1);
  if (!name)
    return err_set(err, ERR_NOMEM, "no memory to list %s", dir);
  tree->files[tree->count++] = (struct tree_file){name, (uint64_t)e->fts_statp->st_size};
  tree->bytes += (uint64_t)e->fts_statp->st_size;
  return 0;
}

static int list_one(struct tree *tree, const char *dir, const FTSENT *e, struct err *err) {
  switch (e->fts_info) {
  case FTS_D:
    if (e->fts_level > DEPTH_MAX)
      return err_set(err, ERR_CORRUPT, "%s: too deep", e->fts_path);
    return e->fts_level == 0 || plain_name(e->fts_name) ? 0
                                                        : err_set(err, ERR_CORRUPT, "%s: a strange name", e->fts_path);
  case FTS_DP: return 0;
  case FTS_F:
    if (e->fts_level == 0)
      return err_set(err, ERR_NOTFOUND, "%s is no folder", dir);
    return plain_name(e->fts_name) ? add_file(tree, dir, e, err)
                                   : err_set(err, ERR_CORRUPT, "%s: a strange name", e->fts_path);
  case FTS_NS:
    if (e->fts_level > 0 && e->fts_errno == ENOENT) /* gone meanwhile: it is not there */
      return 0;
    return err_sys(err, e->fts_errno, "%s", e->fts_path);
  case FTS_DNR:
  case FTS_ERR: return err_sys(err, e->fts_errno, "%s", e->fts_path);
  default: return err_set(err, ERR_CORRUPT, "%s is neither a file nor a folder", e->fts_path);
  }
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const struct tree_file *)a)->name, ((const struct tree_file *)b)->name);
}

int tree_list(const char *dir, struct tree *out, struct err *err) {
  struct tree tree = {0};
  int rc = 0;
  FTS *walk = open_walk(dir);
  if (!walk)
    return err_sys(err, errno, "opening %s", dir);
  for (FTSENT *e; !rc && (errno = 0, e = fts_read(walk)) != NULL;)
    rc = list_one(&tree, dir, e, err);
  if (!rc && errno)
    rc = err_sys(err, errno, "listing %s", dir);
  fts_close(walk);
  if (rc) {
    tree_free(&tree);
    return rc;
  }
  if (tree.count > 1)
    qsort(tree.files, tree.count, sizeof(*tree.files), compare_names);
  *out = tree;
  return 0;
}

void tree_free(struct tree *tree) {
  for (size_t i = 0; i < tree->count; i++)
    free(tree->files[i].name);
  free(tree->files);
  *tree = (struct tree){0};
}

static int seal_one(const char *path, mode_t mode, struct err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  int rc = fchmod(fd, mode) || fsync(fd) ? err_sys(err, errno, "sealing %s", path) : 0;
  close(fd);
  return rc;
}

int tree_seal(const char *dir, mode_t files, mode_t folders, struct err *err) {
  int rc = 0;
  FTS *walk = open_walk(dir);
  if (!walk)
    return err_sys(err, errno, "opening %s", dir);
  for (FTSENT *e; !rc && (errno = 0, e = fts_read(walk)) != NULL;)
    if (e->fts_info == FTS_F)
      rc = seal_one(e->fts_path, files, err);
    else if (e->fts_info == FTS_DP)
      rc = seal_one(e->fts_path, folders, err);
    else if (e->fts_info != FTS_D)
      rc = err_sys(err, e->fts_errno, "%s", e->fts_path);
  if (!rc && errno)
    rc = err_sys(err, errno, "listing %s", dir);
  fts_close(walk);
  return rc;
}

static int copy_bytes(int in, int out, struct err *err) {
  if (ioctl(out, FICLONE, in) == 0)
    return 0;
  for (;;) {
    ssize_t n = copy_file_range(in, NULL, out, NULL, COPY_STEP, 0);
    if (n == 0)
      return 0;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_sys(err, errno, "copying");
  }
}

/* How a copy is made. */
struct copying {
  bool durable; /* synced */
  bool regions; /* those of Berkeley DB, too: __db.* */
};

static int copy_file(const char *from, const char *to, bool durable, struct err *err) {
  int rc = 0, in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (out < 0)
    rc = err_sys(err, errno, "opening %s", in < 0 ? from : to);
  else if ((rc = copy_bytes(in, out, err)) == 0 && durable && fsync(out))
    rc = err_sys(err, errno, "syncing");
  if (rc)
    err_context(err, "copying %s to %s", from, to);
  if (in >= 0)
    close(in);
  if (out >= 0)
    close(out);
  return rc;
}

static int copy_one(const struct copying *how, const FTSENT *e, const char *path, struct err *err) {
  switch (e->fts_info) {
  case FTS_D: return fileio_mkdirs(path, 0750, err);
  case FTS_DP: return how->durable ? fileio_sync_dir(path, err) : 0;
  case FTS_F:
    if (!how->regions && strncmp(e->fts_name, "__db.", 5) == 0)
      return 0;
    return copy_file(e->fts_path, path, how->durable, err);
  default: return err_sys(err, e->fts_errno ? e->fts_errno : EINVAL, "copying %s", e->fts_path);
  }
}

static int copy_all(const struct copying *how, const char *from, const char *to, const char *name, struct err *err) {
  char source[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX];
  int rc = 0;
  if (fileio_join(source, from, name, err) || fileio_join(target, to, name, err))
    return err->code;
  FTS *walk = open_walk(source);
  if (!walk)
    return err_sys(err, errno, "opening %s", source);
  for (FTSENT *e; !rc && (errno = 0, e = fts_read(walk)) != NULL;) {
    const char *rest = e->fts_path + strlen(source);
    if ((rc = *rest ? fileio_join(path, target, rest + 1, err) : fileio_join(path, to, name, err)))
      break;
    rc = copy_one(how, e, path, err);
  }
  if (!rc && errno)
    rc = err_sys(err, errno, "listing %s", source);
  fts_close(walk);
  return rc;
}

int tree_copy(const char *from, const char *to, const char *name, struct err *err) {
  return copy_all(&(struct copying){.durable = true, .regions = true}, from, to, name, err);
}

int tree_copy_scratch(const char *from, const char *to, const char *name, struct err *err) {
  return copy_all(&(struct copying){.durable = false}, from, to, name, err);
}

int tree_remove(const char *path, struct err *err) {
  int rc = 0;
  FTS *walk = open_walk(path);
  if (!walk)
    return errno == ENOENT ? 0 : err_sys(err, errno, "opening %s", path);
  for (FTSENT *e; !rc && (errno = 0, e = fts_read(walk)) != NULL;) {
    if (e->fts_info == FTS_D || (e->fts_info == FTS_NS && e->fts_errno == ENOENT))
      continue;
    if ((e->fts_info == FTS_DP ? rmdir(e->fts_path) : unlink(e->fts_path)) && errno != ENOENT)
      rc = err_sys(err, errno, "removing %s", e->fts_path);
  }
  fts_close(walk);
  return rc;
}
