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

enum {
  TRACKED_FDS = 4096,
  ZEROS = 64 << 10,
  ZERO_AHEAD = 1 << 20,     /* how much is zeroed at a time */
  SMALL_WRITE = 64 << 10,   /* larger writes gain nothing from it */
  RECOVERY_WRITE = 4 << 10, /* the writes by which recovery zeroes the rest of the last file (__log_zero in log.c) */
};

/* What is known of a descriptor. */
struct tracked {
  atomic_bool is_wal;   /* a log file of the history */
  atomic_ullong zeroed; /* up to here it holds zeros behind what was written last */
};

static struct tracked tracked[TRACKED_FDS];
static atomic_bool sync_failed;
static _Atomic(struct metric_cell *) sync_latency, sync_duration, wal_bytes;
static const unsigned char zeros[ZEROS];

static struct tracked *find_wal(int fd) {
  bool is_wal = fd >= 0 && fd < TRACKED_FDS && atomic_load_explicit(&tracked[fd].is_wal, memory_order_relaxed);
  return is_wal ? &tracked[fd] : NULL;
}

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
  if (fd >= 0 && fd < TRACKED_FDS) {
    atomic_store(&tracked[fd].zeroed, 0);
    atomic_store(&tracked[fd].is_wal, names_wal(path));
  }
  return fd;
}

static void count_sync(int fd, uint64_t us) {
  struct metric_cell *latency = atomic_load(&sync_latency), *duration = atomic_load(&sync_duration);
  if (!find_wal(fd))
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

static int write_all(int fd, const void *data, size_t len) {
  for (size_t done = 0; done < len;) {
    ssize_t n = write(fd, (const char *)data + done, len - done);
    if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0)
      done += (size_t)n;
  }
  return 0;
}

/* Zeros from `end`, the end of the log, to the next multiple of ZERO_AHEAD, within the size that Berkeley DB gave the
 * file. Nobody else writes there: the caller holds the lock of the log. A failure costs speed alone. */
static void zero_ahead(int fd, struct tracked *t, off_t end) {
  struct stat st;
  off_t until = (end / ZERO_AHEAD + 1) * ZERO_AHEAD;
  if (fstat(fd, &st))
    return;
  for (off_t at = end; at < until && at < st.st_size;) {
    off_t part = until - at < ZEROS ? until - at : ZEROS;
    if (part > st.st_size - at)
      part = st.st_size - at;
    ssize_t n = pwrite(fd, zeros, (size_t)part, at);
    if (n <= 0)
      break;
    at += n;
  }
  atomic_store(&t->zeroed, (unsigned long long)until);
}

static bool is_blank(const void *data, size_t len) {
  return len <= RECOVERY_WRITE && memcmp(data, zeros, len) == 0;
}

/* Whether there are `len` <= RECOVERY_WRITE zeros where `fd` stands. */
static bool stands_before_zeros(int fd, size_t len) {
  unsigned char there[RECOVERY_WRITE];
  off_t at = lseek(fd, 0, SEEK_CUR);
  return at >= 0 && pread(fd, there, len, at) == (ssize_t)len && is_blank(there, len);
}

static ssize_t hook_write(int fd, const void *data, size_t len) {
  struct tracked *wal = find_wal(fd);
  bool blank = wal && is_blank(data, len);
  if (FAULT_FAILS("store.os.write")) {
    errno = ENOSPC;
    return -1;
  }
  if (blank && stands_before_zeros(fd, len) && lseek(fd, (off_t)len, SEEK_CUR) >= 0)
    return (ssize_t)len;
  if (write_all(fd, data, len))
    return -1;
  struct metric_cell *bytes = wal && !blank ? atomic_load(&wal_bytes) : NULL;
  if (bytes)
    metric_add(bytes, len);
  if (wal && !blank && len <= SMALL_WRITE) {
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end > 0 && (unsigned long long)end > atomic_load(&wal->zeroed))
      zero_ahead(fd, wal, end);
  }
  return (ssize_t)len;
}

void dbhooks_install(struct metrics *metrics) {
  if (metrics && !atomic_load(&sync_duration)) {
    atomic_store(&sync_latency, metrics_cell(metrics, METRIC_WAL_FSYNC_LATENCY, ""));
    atomic_store(&wal_bytes, metrics_cell(metrics, METRIC_WAL_BYTES_TOTAL, ""));
    atomic_store(&sync_duration, metrics_cell(metrics, METRIC_WAL_FSYNC_DURATION, ""));
  }
  (void)db_env_set_func_open(hook_open);
  (void)db_env_set_func_fsync(hook_fsync);
  (void)db_env_set_func_write(hook_write);
}
