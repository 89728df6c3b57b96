#include "store/dbhooks.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fileio.h"

enum { TRACKED_FDS = 4096 };

static atomic_bool sync_failed;
static _Atomic(struct metric_cell *) sync_latency, sync_duration;
static atomic_bool is_wal[TRACKED_FDS]; /* which descriptors are log files of the history */

static bool names_log_file(const char *path) {
  const char *name = strrchr(path, '/');
  return name && strncmp(name, "/log.", 5) == 0;
}

static bool names_wal(const char *path) {
  const char *name = strrchr(path, '/');
  return names_log_file(path) && name - path >= 4 && strncmp(name - 4, "/wal", 4) == 0;
}

static int sync_folder_of(const char *path) {
  char folder[FILEIO_PATH_MAX];
  const char *name = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int ret = fsync(fd);
  int saved = errno;
  close(fd);
  errno = saved;
  return ret;
}

static int hook_open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list args;
    va_start(args, flags);
    mode = (mode_t)va_arg(args, int);
    va_end(args);
  }
  int fd = -1;
  do
    fd = open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  if (fd >= 0 && flags & O_CREAT && names_log_file(path) && sync_folder_of(path)) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  if (fd >= 0 && fd < TRACKED_FDS)
    atomic_store_explicit(&is_wal[fd], names_wal(path), memory_order_relaxed);
  return fd;
}

static void count_sync(int fd, uint64_t us) {
  struct metric_cell *latency = atomic_load(&sync_latency), *duration = atomic_load(&sync_duration);
  if (fd >= TRACKED_FDS || !atomic_load_explicit(&is_wal[fd], memory_order_relaxed))
    return;
  if (latency)
    metric_observe(latency, us);
  if (duration)
    metric_observe(duration, us);
}

/* Returns an errno, as Berkeley DB expects of this one. */
static int hook_fsync(int fd) {
  if (atomic_load(&sync_failed))
    return EIO;
  uint64_t start = clock_monotonic();
  int failed = FAULT_FAILS("store.os.fsync") ? EIO : 0;
  while (!failed && fdatasync(fd)) {
    if (errno != EINTR)
      failed = errno;
  }
  if (failed)
    atomic_store(&sync_failed, true);
  else
    count_sync(fd, clock_monotonic() - start);
  return failed;
}

#ifdef STEMEDB_FAULTS_ENABLED
/* With a function for writing in place Berkeley DB positions and writes under a mutex, so it is set for tests alone. */
static ssize_t hook_write(int fd, const void *data, size_t len) {
  size_t done = 0;
  if (FAULT_FAILS("store.os.write")) {
    errno = ENOSPC;
    return -1;
  }
  while (done < len) {
    ssize_t n = write(fd, (const char *)data + done, len - done);
    if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0)
      done += (size_t)n;
  }
  return (ssize_t)done;
}
#endif

void dbhooks_install(struct metrics *metrics) {
  if (metrics && !atomic_load(&sync_duration)) {
    atomic_store(&sync_latency, metrics_cell(metrics, METRIC_WAL_FSYNC_LATENCY, ""));
    atomic_store(&sync_duration, metrics_cell(metrics, METRIC_WAL_FSYNC_DURATION, ""));
  }
  (void)db_env_set_func_open(hook_open);
  (void)db_env_set_func_fsync(hook_fsync);
#ifdef STEMEDB_FAULTS_ENABLED
  (void)db_env_set_func_write(hook_write);
#endif
}
