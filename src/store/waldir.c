#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/internal.h"

uint32_t store_wal_number(const char *name) {
  if (strncmp(name, "log.", 4) != 0 || strlen(name) != 14 || strspn(name + 4, "0123456789") != 10)
    return 0;
  unsigned long number = strtoul(name + 4, NULL, 10);
  return number <= UINT32_MAX ? (uint32_t)number : 0;
}

int store_wal_usage(const char *data_dir, struct wal_usage *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  *out = (struct wal_usage){0};
  int code = fileio_join(path, data_dir, STORE_WAL_DIR, err);
  if (code)
    return code;
  DIR *dir = opendir(path);
  if (!dir)
    return err_sys(err, errno, "opening %s", path);
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    struct stat st;
    uint32_t number = store_wal_number(e->d_name);
    if (number == 0 || fstatat(dirfd(dir), e->d_name, &st, 0)) /* it may be gone meanwhile */
      continue;
    out->files++;
    out->bytes += (uint64_t)st.st_blocks * 512; /* its size is that of a full file from the beginning */
    out->highest = number > out->highest ? number : out->highest;
    out->lowest = out->lowest == 0 || number < out->lowest ? number : out->lowest;
  }
  closedir(dir);
  return 0;
}
