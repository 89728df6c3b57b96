/*
 * DATA_DIR/backup.status: what became of the backups, for metrics that survive restarts. A backup notes its pid before
 * it begins, so that one that was killed counts as failed too.
 */
#ifndef BASE_BACKUP_STATUS_H
#define BASE_BACKUP_STATUS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define BACKUP_STATUS_FILE "backup.status"

struct backup_status {
  uint64_t last_us;  /* when the last good backup was begun, microseconds since 1970; 0: none yet */
  uint64_t failures; /* since then */
  pid_t running;     /* process that makes one, 0: none; one that is not there any more has failed */
};

/* Reads it; all zero if there is no file, or it is not one. */
void backup_status_read(const char *data_dir, struct backup_status *out);
/* Replaces it. */
NODISCARD int backup_status_write(const char *data_dir, const struct backup_status *status, struct err *err);
/* failures, and one more if the process that makes a backup is gone. */
uint64_t backup_status_failures(const struct backup_status *status);

#endif
