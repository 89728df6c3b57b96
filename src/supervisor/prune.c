#include "supervisor/prune.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "supervisor/node.h"

/* A file of 64 MiB takes some milliseconds to remove, and the supervisor has other things to do. */
enum { AT_ONCE = 8, NUMBER_DIGITS = 10, KEPT = 2 };

static uint32_t number_of(const char *name) {
  if (strncmp(name, "log.", 4) != 0 || strlen(name) != 4 + NUMBER_DIGITS ||
      strspn(name + 4, "0123456789") != NUMBER_DIGITS)
    return 0;
  unsigned long number = strtoul(name + 4, NULL, 10);
  return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* The least and the greatest number in the folder; 0: there is none. */
static void find_range(DIR *dir, uint32_t *least, uint32_t *greatest) {
  *least = *greatest = 0;
  rewinddir(dir);
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    uint32_t number = number_of(e->d_name);
    *greatest = number > *greatest ? number : *greatest;
    *least = number > 0 && (*least == 0 || number < *least) ? number : *least;
  }
}

static int remove_files(DIR *dir, const char *path, uint32_t below, unsigned *removed, struct err *err) {
  uint32_t least, greatest;
  char name[4 + NUMBER_DIGITS + 1];
  find_range(dir, &least, &greatest);
  while (*removed < AT_ONCE && least > 0 && least < below && least + KEPT <= greatest) {
    snprintf(name, sizeof(name), "log.%010" PRIu32, least);
    if (unlinkat(dirfd(dir), name, 0) != 0)
      return err_sys(err, errno, "removing %s/%s", path, name);
    ++*removed;
    find_range(dir, &least, &greatest);
  }
  return fsync(dirfd(dir)) != 0 ? err_sys(err, errno, "syncing %s", path) : 0;
}

int prune_log(struct node *node, uint32_t below, unsigned *removed, struct err *err) {
  char path[FILEIO_PATH_MAX];
  *removed = 0;
  if (node->phase != PHASE_UP || !node->ready)
    return err_set(err, ERR_BUSY, "the node is not ready");
  if (fileio_join(path, node->config->data_dir, "wal", err))
    return err->code;
  DIR *dir = opendir(path);
  if (!dir)
    return err_sys(err, errno, "opening %s", path);
  /* Last: what is wanted or held now keeps every file. */
  int rc = node->backup.step != BACKUP_NONE || segment_log_hold(node->segment) || segment_log_held(node->segment)
               ? err_set(err, ERR_BUSY, "a backup is being made")
               : remove_files(dir, path, below, removed, err);
  closedir(dir);
  if (*removed > 0)
    log_info(node->log, "%u log files below %" PRIu32 " were removed (stemedb wal prune)", *removed, below);
  return rc;
}
