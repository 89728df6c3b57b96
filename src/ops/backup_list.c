#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/backup.h"

/* PREFIX and YYYYMMDD-HHMMSS, nothing after it: runs of the same prefix that people named are not ours. */
static bool is_name(const char *name, const char *prefix) {
  size_t len = strlen(prefix);
  const char *stamp = name + len;
  return strncmp(name, prefix, len) == 0 && strlen(stamp) == BACKUP_STAMP_SIZE - 1 &&
         strspn(stamp, "0123456789") == 8 && stamp[8] == '-' && strspn(stamp + 9, "0123456789") == 6;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(const char *backup_dir, const char *prefix, char ***names, size_t *count, struct err *err) {
  int rc = 0;
  DIR *dir = opendir(backup_dir);
  if (!dir)
    return errno == ENOENT ? 0 : err_sys(err, errno, "opening %s", backup_dir);
  for (const struct dirent *e = readdir(dir); e && !rc; e = readdir(dir)) {
    if (!is_name(e->d_name, prefix))
      continue;
    char **grown = reallocarray(*names, *count + 1, sizeof(*grown));
    if (grown)
      *names = grown;
    if (!grown || !(grown[*count] = strdup(e->d_name)))
      rc = err_set(err, ERR_NOMEM, "no memory for the names in %s", backup_dir);
    else
      ++*count;
  }
  closedir(dir);
  return rc;
}

int backup_list(const char *backup_dir, const char *prefix, backup_visitor *visit, void *ctx, struct err *err) {
  char **names = NULL;
  size_t count = 0;
  int rc = read_names(backup_dir, prefix, &names, &count, err);
  if (count > 1)
    qsort(names, count, sizeof(*names), compare_names);
  for (size_t i = 0; i < count; i++) {
    if (!rc)
      rc = visit(ctx, names[i], err);
    free(names[i]);
  }
  free(names);
  return rc;
}

static int keep_name(void *ctx, const char *name, struct err *err) {
  (void)err;
  snprintf(ctx, BACKUP_NAME_SIZE, "%s", name);
  return 0;
}

int backup_newest(const char *backup_dir, char *out, struct err *err) {
  out[0] = '\0';
  return backup_list(backup_dir, BACKUP_PREFIX, keep_name, out, err);
}
