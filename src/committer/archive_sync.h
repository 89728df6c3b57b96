/*
 * archive_mode=sync: the log is appended to a folder on (usually) another file system and synced there before anything
 * is acknowledged. Each log file becomes log.NUMBER.live of its timeline's folder; when it is finished, the archiver
 * puts an object in its place that proves itself (store/archive_name.h).
 */
#ifndef COMMITTER_ARCHIVE_SYNC_H
#define COMMITTER_ARCHIVE_SYNC_H

#include <stdint.h>

#include "base/err.h"
#include "base/fileio.h"
#include "model/timeline.h"

/* Opened by archive_sync_open(). */
struct archive_sync {
  char target[FILEIO_PATH_MAX], folder[FILEIO_PATH_MAX], wal_dir[FILEIO_PATH_MAX];
  int live;        /* -1: the folder has to be looked at first */
  uint32_t number; /* log file that `live` is for */
  uint64_t synced; /* bytes of it */
};

NODISCARD int archive_sync_open(struct archive_sync *sync, const char *target, const char *data_dir,
                                const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline, uint64_t branch,
                                struct err *err);
/* Makes the log durable in the archive up to byte `offset` of log file `file`, which is durable here. After an error
 * the next call begins with looking at the folder again. ERR_CONFLICT: what is archived is no beginning of this log. */
NODISCARD int archive_sync_to(struct archive_sync *sync, uint32_t file, uint64_t offset, struct err *err);
void archive_sync_close(struct archive_sync *sync);

#endif
