#include "store/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

static bool ballast_path(const struct config *config, char path[FILEIO_PATH_MAX]) {
  struct err ignored;
  return fileio_join(path, config->data_dir, STORE_BALLAST_FILE, &ignored) == 0;
}

bool ballast_give_back(const struct config *config, const struct log *log) {
  char path[FILEIO_PATH_MAX];
  uint64_t free_bytes;
  struct stat st;
  struct err err;
  if (!ballast_path(config, path) || stat(path, &st) != 0)
    return false;
  if (fileio_free_bytes(config->data_dir, &free_bytes, &err)) {
    log_warn(log, "%s", err.text);
    return false;
  }
  if (free_bytes >= config->ballast_bytes)
    return false;
  if (unlink(path) != 0) {
    log_warn(log, "cannot give back the ballast %s: %s", path, strerror(errno));
    return false;
  }
  log_warn(log, "only %" PRIu64 " bytes are free: the ballast of %lld bytes is given back", free_bytes,
           (long long)st.st_size);
  return true;
}

/* Reserves it under another name first: a file that a kill left half made is none. */
static int make(const char *path, uint64_t bytes) {
  char made[FILEIO_PATH_MAX + 8];
  int len = snprintf(made, sizeof(made), "%s.new", path);
  int fd = len > 0 && (size_t)len < sizeof(made) ? open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640) : -1;
  if (fd < 0)
    return errno;
  int failed = fallocate(fd, 0, 0, (off_t)bytes) != 0 ? errno : 0;
  close(fd);
  if (!failed && rename(made, path) != 0)
    failed = errno;
  if (failed)
    unlink(made);
  return failed;
}

void ballast_keep(const struct config *config, const struct log *log, uint64_t free_bytes) {
  char path[FILEIO_PATH_MAX];
  struct stat st;
  uint64_t size = config->ballast_bytes, resumed = config->min_free_bytes + config->min_free_bytes / 4;
  if (size == 0 || free_bytes < resumed || free_bytes - resumed < 2 * size || !ballast_path(config, path) ||
      stat(path, &st) == 0)
    return;
  int failed = make(path, size);
  /* An empty file instead, so that it is not tried, and said, every second. */
  int fd = failed ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640) : -1;
  if (failed)
    log_warn(log, "there is no ballast for a full disk: %s: %s", path, strerror(failed));
  if (fd >= 0)
    close(fd);
}
