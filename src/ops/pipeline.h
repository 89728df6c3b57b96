/*
 * Entries through the hands of two threads: the caller's reads them and uses them, another one checks and hashes what
 * was read meanwhile. The order stays.
 */
#ifndef OPS_PIPELINE_H
#define OPS_PIPELINE_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/entry.h"
#include "ops/report.h"

enum { PIECE_ITEMS = 4096, PIECE_BYTES = 1 << 20, WHY_SIZE = 160 };

/* One record, and what became of it. */
struct piece_item {
  struct place place; /* where it was read */
  struct entry entry; /* good if `decoded` */
  bool decoded;       /* the record is well-formed, its checksum right */
  bool verified;      /* and so is its id; `leaf` is good */
  unsigned char leaf[DIGEST_SIZE];
  char why[WHY_SIZE]; /* what is wrong, unless verified */
  size_t offset, len; /* in the piece's bytes */
};

/* Takes one record, in the order of pipeline_add(). */
typedef int pipeline_sink(void *ctx, struct piece_item *item, struct err *err);

struct pipeline;

/* Starts the thread. *out is the caller's (pipeline_close). */
NODISCARD int pipeline_open(pipeline_sink *sink, void *ctx, struct pipeline **out, struct err *err);
/* Sends a copy of the record through. Calls the sink for some of those before it; returns what that returns. */
NODISCARD int pipeline_add(struct pipeline *pipeline, struct span record, const struct place *place, struct err *err);
/* Calls the sink for all that are still under way. */
NODISCARD int pipeline_flush(struct pipeline *pipeline, struct err *err);
/* Ends the thread; what was not flushed is dropped. Takes NULL. */
void pipeline_close(struct pipeline *pipeline);

#endif
