#include "base/backup_status.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/fileio.h"

enum { STATUS_MAX = 256 };

void backup_status_read(const char *data_dir, struct backup_status *out) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  struct err ignored;
  bool found = false;
  uint64_t last = 0, failures = 0;
  long pid = 0;
  *out = (struct backup_status){0};
  buf_init(&text, STATUS_MAX);
  if (fileio_join(path, data_dir, BACKUP_STATUS_FILE, &ignored) == 0 &&
      fileio_read_file(path, &text, &found, &ignored) == 0 && found) {
    buf_add_byte(&text, '\0');
    if (!text.failed && sscanf((const char *)text.data, "last_us %" SCNu64 "\nfailures %" SCNu64 "\nrunning %ld\n",
                               &last, &failures, &pid) == 3)
      *out = (struct backup_status){.last_us = last, .failures = failures, .running = (pid_t)pid};
  }
  buf_free(&text);
}

int backup_status_write(const char *data_dir, const struct backup_status *status, struct err *err) {
  char path[FILEIO_PATH_MAX], text[STATUS_MAX];
  int rc = fileio_join(path, data_dir, BACKUP_STATUS_FILE, err);
  if (rc)
    return rc;
  int len = snprintf(text, sizeof(text), "last_us %" PRIu64 "\nfailures %" PRIu64 "\nrunning %ld\n", status->last_us,
                     status->failures, (long)status->running);
  return fileio_replace(path, text, (size_t)len, 0640, err);
}

uint64_t backup_status_failures(const struct backup_status *status) {
  bool gone = status->running > 0 && kill(status->running, 0) != 0 && errno == ESRCH;
  return status->failures + (gone ? 1 : 0);
}
