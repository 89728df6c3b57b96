#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"

int fileio_join(char *out, const char *dir, const char *name, struct err *err) {
  int n = snprintf(out, FILEIO_PATH_MAX, "%s/%s", dir, name);
  if (n < 0 || n >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s.../%.200s", dir, name);
  return 0;
}

int fileio_pread(int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *err) {
  unsigned char *p = data;
  size_t done = 0;
  while (done < len) {
    ssize_t n = pread(fd, p + done, len - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_sys(err, errno, "reading %zu bytes at %llu", len, (unsigned long long)offset);
    if (n == 0)
      break;
    done += (size_t)n;
  }
  *got = done;
  return 0;
}

int fileio_pwrite(int fd, const void *data, size_t len, uint64_t offset, struct err *err) {
  const unsigned char *p = data;
  size_t done = 0;
  while (done < len) {
    ssize_t n = pwrite(fd, p + done, len - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_sys(err, errno, "writing %zu bytes at %llu", len, (unsigned long long)offset);
    done += (size_t)n;
  }
  return 0;
}

int fileio_write(int fd, const void *data, size_t len, struct err *err) {
  const unsigned char *p = data;
  size_t done = 0;
  while (done < len) {
    ssize_t n = write(fd, p + done, len - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_sys(err, errno, "writing %zu bytes", len);
    done += (size_t)n;
  }
  return 0;
}

int fileio_read_file(const char *path, struct buf *out, bool *found, struct err *err) {
  unsigned char chunk[16384];
  int rc = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  *found = fd >= 0;
  if (fd < 0)
    return errno == ENOENT ? 0 : err_sys(err, errno, "opening %s", path);
  for (;;) {
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      rc = err_sys(err, errno, "reading %s", path);
      break;
    }
    if (n == 0)
      break;
    buf_add(out, chunk, (size_t)n);
    rc = buf_check(out, path, err);
    if (rc)
      break;
  }
  close(fd);
  return rc;
}

/* The folder of a path, into out[FILEIO_PATH_MAX]; `path` fits. */
static void path_parent(char *out, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash)
    memcpy(out, ".", 2);
  else if (slash == path)
    memcpy(out, "/", 2);
  else
    snprintf(out, FILEIO_PATH_MAX, "%.*s", (int)(slash - path), path);
}

/* Writes and syncs a new file of exactly this mode. */
static int write_new_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err) {
  /* One that a crash left behind. */
  if (unlink(path) && errno != ENOENT)
    return err_sys(err, errno, "removing %s", path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0)
    return err_sys(err, errno, "making %s", path);
  int rc = 0;
  if (fchmod(fd, mode))
    rc = err_sys(err, errno, "setting the mode of %s", path);
  if (!rc && fileio_write(fd, data, len, err))
    rc = err_context(err, "%s", path);
  if (!rc && fsync(fd))
    rc = err_sys(err, errno, "syncing %s", path);
  if (close(fd) && !rc)
    rc = err_sys(err, errno, "closing %s", path);
  return rc;
}

int fileio_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err) {
  char temporary[FILEIO_PATH_MAX], folder[FILEIO_PATH_MAX];
  int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
  if (n < 0 || (size_t)n >= sizeof(temporary))
    return err_set(err, ERR_INVALID, "path too long: %.200s...", path);
  int rc = write_new_file(temporary, data, len, mode, err);
  FAULT("fileio.replace.before_rename");
  if (!rc && rename(temporary, path))
    rc = err_sys(err, errno, "renaming %s to %s", temporary, path);
  if (rc) {
    unlink(temporary);
    return rc;
  }
  path_parent(folder, path);
  return fileio_sync_dir(folder, err);
}

/* Makes one folder; one that is there already is fine. */
static int make_dir(const char *path, mode_t mode, struct err *err) {
  struct stat st;
  if (mkdir(path, mode) == 0)
    return 0;
  int sys = errno;
  if (sys == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return 0;
  return err_sys(err, sys, "making folder %s", path);
}

int fileio_mkdirs(const char *path, mode_t mode, struct err *err) {
  char part[FILEIO_PATH_MAX];
  size_t len = strlen(path);
  if (len == 0 || len >= sizeof(part))
    return err_set(err, ERR_INVALID, "not a path for a folder: '%.200s'", path);
  memcpy(part, path, len + 1);
  for (char *p = part + 1; *p; p++) {
    if (*p != '/')
      continue;
    *p = 0;
    int rc = make_dir(part, mode, err);
    if (rc)
      return rc;
    *p = '/';
  }
  return make_dir(part, mode, err);
}

int fileio_sync_dir(const char *path, struct err *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return err_sys(err, errno, "opening folder %s", path);
  int rc = fsync(fd) ? err_sys(err, errno, "syncing folder %s", path) : 0;
  close(fd);
  return rc;
}

int fileio_free_bytes(const char *path, uint64_t *bytes, struct err *err) {
  struct statvfs st;
  if (statvfs(path, &st))
    return err_sys(err, errno, "asking for the free space of %s", path);
  *bytes = (uint64_t)st.f_bavail * st.f_frsize;
  return 0;
}
