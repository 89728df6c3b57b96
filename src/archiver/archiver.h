/*
 * stemedb-archiver: copies the log to archive_target while it is written. It reads the log files as plain files, up to
 * where the committer says that they are durable, and is in no Berkeley DB environment: neither its slowness nor its
 * death is felt by anybody. What it has archived it does not remember, it reads it back from the target.
 */
#ifndef ARCHIVER_ARCHIVER_H
#define ARCHIVER_ARCHIVER_H

#include "base/log.h"
#include "base/segment.h"
#include "ops/archive_target.h"

struct archiver {
  const struct config *config;
  const struct log *log;
  struct segment *segment;
  struct archive_target target;
  char wal_dir[FILEIO_PATH_MAX];
  bool known;               /* `line` is what the target has of the present timeline */
  struct archive_line line; /* owned: objects */
  uint32_t done_below;      /* log files with smaller numbers are archived to their ends */
  uint32_t head_file;       /* how far the head that was written last reaches */
  uint64_t head_length;
};

/* Archives what is durable and not archived yet, and tells the segment so. ERR_CONFLICT: the log here is not the one of
 * which the beginning is archived. After an error the target is read again. */
NODISCARD int pass_run(struct archiver *archiver, struct err *err);
void pass_forget(struct archiver *archiver);

#endif
