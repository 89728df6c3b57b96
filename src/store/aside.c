#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/startup_internal.h"

enum { COPY_BLOCK = 1 << 20, STAMP_SIZE = 16, SAME_SECOND_MAX = 1000 };

static void format_stamp(char out[STAMP_SIZE]) {
  time_t now = (time_t)(clock_now() / 1000000);
  struct tm tm;
  gmtime_r(&now, &tm);
  strftime(out, STAMP_SIZE, "%Y%m%d-%H%M%S", &tm);
}

int aside_make(const char *data_dir, const char *prefix, char out[FILEIO_PATH_MAX], struct err *err) {
  char stamp[STAMP_SIZE], name[STAMP_SIZE + STARTUP_PREFIX_MAX + 8];
  format_stamp(stamp);
  for (int i = 1; i < SAME_SECOND_MAX; i++) {
    if (i == 1)
      snprintf(name, sizeof name, "%.*s.%s", STARTUP_PREFIX_MAX, prefix, stamp);
    else
      snprintf(name, sizeof name, "%.*s.%s-%d", STARTUP_PREFIX_MAX, prefix, stamp, i);
    if (fileio_join(out, data_dir, name, err))
      return err->code;
    if (mkdir(out, 0750) == 0)
      return fileio_sync_dir(data_dir, err);
    if (errno != EEXIST)
      return err_sys(err, errno, "making %s", out);
  }
  return err_set(err, ERR_IO, "there are too many %s.%s-N in %s", prefix, stamp, data_dir);
}

static int copy_blocks(int in, int out, uint32_t offset, unsigned char *block, struct err *err) {
  uint64_t at = offset;
  size_t got = COPY_BLOCK;
  while (got == COPY_BLOCK) {
    if (fileio_pread(in, block, COPY_BLOCK, at, &got, err))
      return err->code;
    if (!bdb_is_zero(block, got) && fileio_pwrite(out, block, got, at - offset, err))
      return err->code;
    at += got;
  }
  if (ftruncate(out, (off_t)(at - offset)) || fsync(out))
    return err_sys(err, errno, "finishing it");
  return 0;
}

int aside_copy(const char *from, const char *to, const char *name, uint32_t offset, struct err *err) {
  char source[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX], part[2 * WAL_NAME_SIZE + STARTUP_PREFIX_MAX];
  unsigned char *block = NULL;
  int in = -1, out = -1, code = 0;
  snprintf(part, sizeof part, "%s.from-%" PRIu32, name, offset);
  if ((code = fileio_join(source, from, name, err)) || (code = fileio_join(target, to, offset ? part : name, err)))
    return code;
  in = open(source, O_RDONLY | O_CLOEXEC);
  out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  block = malloc(COPY_BLOCK);
  if (in < 0 || out < 0)
    code = err_sys(err, errno, "opening it");
  else if (!block)
    code = err_set(err, ERR_NOMEM, "no memory");
  else if ((code = copy_blocks(in, out, offset, block, err)) == 0)
    code = fileio_sync_dir(to, err);
  if (code)
    err_context(err, "copying %s to %s", source, to);
  free(block);
  if (in >= 0)
    close(in);
  if (out >= 0)
    close(out);
  return code;
}

int aside_move(const char *from, const char *to, const char *name, struct err *err) {
  char source[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX];
  if (fileio_join(source, from, name, err) || fileio_join(target, to, name, err))
    return err->code;
  FAULT("store.aside.before_move");
  if (rename(source, target)) {
    if (errno != EXDEV)
      return err_sys(err, errno, "moving %s to %s", source, target);
    if (aside_copy(from, to, name, 0, err)) /* data/wal may be a disk of its own */
      return err->code;
    if (unlink(source))
      return err_sys(err, errno, "removing %s", source);
  }
  FAULT("store.aside.after_move");
  return fileio_sync_dir(to, err) || fileio_sync_dir(from, err) ? (int)err->code : 0;
}

static bool is_set_aside(const char *name) {
  static const char *const prefixes[] = {"wal.corrupted.", "wal.superseded."};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
      return true;
  return false;
}

/* By what follows the last dot, descending. */
static int compare_stamps(const void *a, const void *b) {
  const char *x = strrchr(*(char *const *)a, '.'), *y = strrchr(*(char *const *)b, '.');
  return strverscmp(y, x);
}

static int add_folder(char ***list, size_t *count, const char *data_dir, const char *name, struct err *err) {
  char path[FILEIO_PATH_MAX];
  if (fileio_join(path, data_dir, name, err))
    return err->code;
  char **larger = reallocarray(*list, *count + 1, sizeof **list);
  if (larger)
    *list = larger;
  if (!larger || !(larger[*count] = strdup(path)))
    return err_set(err, ERR_NOMEM, "no memory for the names of %s", data_dir);
  ++*count;
  return 0;
}

int aside_list(const char *data_dir, char ***folders, size_t *count, struct err *err) {
  char **list = NULL;
  size_t n = 0;
  int code = 0;
  DIR *dir = opendir(data_dir);
  if (!dir)
    return err_sys(err, errno, "opening %s", data_dir);
  for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir))
    if (is_set_aside(e->d_name))
      code = add_folder(&list, &n, data_dir, e->d_name, err);
  closedir(dir);
  if (code) {
    aside_list_free(list, n);
    return code;
  }
  if (n > 1)
    qsort(list, n, sizeof *list, compare_stamps);
  *folders = list;
  *count = n;
  return 0;
}

void aside_list_free(char **folders, size_t count) {
  for (size_t i = 0; i < count; i++)
    free(folders[i]);
  free(folders);
}
