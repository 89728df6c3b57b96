/*
 * data/db/acked.mark: what was last acknowledged, in one block outside Berkeley DB, overwritten in place after each
 * flush. No log scan can see a tail that was cut on a record boundary; this can.
 */
#ifndef STORE_MARK_H
#define STORE_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/timeline.h"

struct mark {
  unsigned char history_id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
  uint64_t seq;
};

/* Opens (and makes, if `create`) the mark of a data folder for writing; *fd is the caller's. */
NODISCARD int mark_open(const char *data_dir, bool create, int *fd, struct err *err);
/* Overwrites it with one pwrite of one block; not synced. */
NODISCARD int mark_write(int fd, const struct mark *mark, struct err *err);
/* fdatasync. */
NODISCARD int mark_sync(int fd, struct err *err);
/* Reads it. *found is false if there is no file; ERR_CORRUPT if its checksum or magic is wrong. */
NODISCARD int mark_read(const char *data_dir, struct mark *out, bool *found, struct err *err);

#endif
