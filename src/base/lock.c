#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"

enum { PID_TEXT_SIZE = 32, RETRY_MS = 5 };
/* How long the last children of a dead holder may take to die; and of one that is there, but may be a zombie. */
enum { ORPHANS_WAIT_US = 10 * 1000 * 1000, HOLDER_WAIT_US = 1000 * 1000 };

/* The pid written in the lock file, 0 if there is none (yet). */
static long read_holder(int fd) {
  char text[PID_TEXT_SIZE];
  ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
  text[got > 0 ? got : 0] = '\0';
  return strtol(text, NULL, 10);
}

/* Tries once; EWOULDBLOCK in errno tells that another one has it. */
static bool try_lock(int fd) {
  int rc;
  do
    rc = flock(fd, LOCK_EX | LOCK_NB);
  while (rc != 0 && errno == EINTR);
  return rc == 0;
}

static int write_holder(int fd, const char *path, struct err *err) {
  char text[PID_TEXT_SIZE];
  int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
  /* The former holder's digits beyond ours must go; ours are there first, so that the file never looks empty. */
  if (pwrite(fd, text, (size_t)len, 0) != len || ftruncate(fd, len) != 0)
    return err_sys(err, errno, "cannot write %s", path);
  return 0;
}

int lock_take(const char *data_dir, int *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int fd = -1, rc = fileio_join(path, data_dir, "LOCK", err);
  if (rc)
    return rc;
  fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0)
    return err_sys(err, errno, "cannot open %s", path);
  uint64_t started = clock_monotonic();
  while (!try_lock(fd)) {
    if (errno != EWOULDBLOCK) {
      rc = err_sys(err, errno, "cannot lock %s", path);
      goto out;
    }
    long holder = read_holder(fd);
    bool gone = holder > 0 && kill((pid_t)holder, 0) != 0 && errno == ESRCH;
    if (clock_monotonic() - started > (gone ? ORPHANS_WAIT_US : HOLDER_WAIT_US)) {
      rc = err_set(err, ERR_BUSY, "%s is locked: process %ld uses this home", path, holder);
      goto out;
    }
    poll(NULL, 0, RETRY_MS);
  }
  rc = write_holder(fd, path, err);
out:
  if (rc)
    close(fd);
  else
    *out = fd;
  return rc;
}

int lock_share(const char *data_dir, int *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_join(path, data_dir, "LOCK", err);
  *out = -1;
  if (rc)
    return rc;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open %s", path);
  int got;
  do
    got = flock(fd, LOCK_SH | LOCK_NB);
  while (got != 0 && errno == EINTR);
  if (got == 0) {
    *out = fd;
    return 0;
  }
  rc = errno == EWOULDBLOCK ? err_set(err, ERR_BUSY, "%s is locked: process %ld uses this home", path, read_holder(fd))
                            : err_sys(err, errno, "cannot lock %s", path);
  close(fd);
  return rc;
}
