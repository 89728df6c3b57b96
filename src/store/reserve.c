#include "store/reserve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

enum { RESERVE_GROWTH = 4 << 20, RESERVE_PART = 32 };

/* Berkeley DB numbers the files as it makes them, that of the cache last: its name is the greatest. */
static void find_last(DIR *dir, char last[NAME_MAX + 1]) {
  last[0] = '\0';
  for (const struct dirent *e; (e = readdir(dir)) != NULL;)
    if (strncmp(e->d_name, "__db.", 5) == 0 && strcmp(e->d_name, last) > 0)
      memcpy(last, e->d_name, strlen(e->d_name) + 1);
  rewinddir(dir);
}

/* At least `bytes`, and `growth` more than it has now. 0, or errno. */
static int reserve(int dir, const char *name, uint64_t bytes, uint64_t growth) {
  struct stat st;
  int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return errno;
  int failed = fstat(fd, &st) != 0 ? errno : 0;
  uint64_t size = failed ? 0 : (uint64_t)st.st_size + growth;
  if (!failed && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(size < bytes ? bytes : size)) != 0)
    failed = errno;
  close(fd);
  return failed;
}

void reserve_regions(const char *home, uint64_t cache_bytes, const struct log *log) {
  char last[NAME_MAX + 1];
  uint64_t free_bytes = 0;
  struct err ignored;
  int failed = 0;
  DIR *dir = opendir(home);
  if (!dir)
    return;
  find_last(dir, last);
  if (fileio_free_bytes(home, &free_bytes, &ignored) != 0)
    free_bytes = 0;
  /* Where there is little space, recovery needs it more. */
  uint64_t growth = free_bytes / RESERVE_PART < RESERVE_GROWTH ? free_bytes / RESERVE_PART : RESERVE_GROWTH;
  uint64_t cache = cache_bytes <= free_bytes / 4 ? cache_bytes + growth : 0;
  for (const struct dirent *e; !failed && (e = readdir(dir)) != NULL;)
    if (strncmp(e->d_name, "__db.", 5) == 0)
      failed = reserve(dirfd(dir), e->d_name, strcmp(e->d_name, last) == 0 ? cache : 0, growth);
  closedir(dir);
  if (failed && failed != EOPNOTSUPP && failed != ENOENT)
    log_warn(log, "no space could be reserved for %s/__db.*: %s", home, strerror(failed));
}
