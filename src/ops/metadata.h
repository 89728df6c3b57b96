/* metadata.json of a backup (docs/storage.md): what it is, and what it must hold. */
#ifndef OPS_METADATA_H
#define OPS_METADATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/timestamp.h"
#include "ops/proof.h"

#define METADATA_FILE "metadata.json"

struct metadata {
  char version[32];               /* of the StemeDB that made it */
  char timestamp[TIMESTAMP_SIZE]; /* when it was begun */
  struct proof proof;
  uint64_t wal_segment_count; /* files in wal/ */
  bool incremental;           /* shares files with the backup before it */
  bool indexes;               /* db/indexes is in it */
};

/* Writes DIR/metadata.json, durably. */
NODISCARD int metadata_write(const char *dir, const struct metadata *metadata, struct err *err);
/* Reads that of a backup. ERR_NOTFOUND if there is none; ERR_CORRUPT if it is not one, ERR_NEWER if it is of a
 * version that this one does not read. Members that are not known are skipped. */
NODISCARD int metadata_read(const char *dir, struct metadata *out, struct err *err);
/* The same of a file of any name. */
NODISCARD int metadata_read_file(const char *path, struct metadata *out, struct err *err);

#endif
