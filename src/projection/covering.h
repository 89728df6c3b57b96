/*
 * The value of concept.kv: all of an assertion that an answer shows, without what the key says already. (The whole
 * record is twice as long, and each byte is written four times: log, page image, page, disk.)
 *
 *   0   1  flags (COVERING_*)
 *   1   8  time, u64be
 *   9  32  id
 *  41   1  length of the server items
 *  42   s  server items recorded_by and batch, as in the record
 *          spliced: length of the middle u8, middle, end: the body is {"concept_path":"PATH" MIDDLE ,"predicate":
 *          "PREDICATE" [,"source":"SOURCE"] END; else the body
 */
#ifndef PROJECTION_COVERING_H
#define PROJECTION_COVERING_H

#include <stdbool.h>

#include "projection/gather.h"
#include "projection/index.h"

enum {
  COVERING_SPLICED = 1, /* path, predicate and source are left out of the body */
  COVERING_SOURCE = 2   /* it has a source */
};

/* The value for an assertion, in the arena. Empty if it would be larger than CONCEPT_COVERED_MAX or cannot be told this
 * way: the reader then fetches the record from the history. data NULL without memory. */
struct span covering_encode(struct gather *gather, const struct item *item, struct err *err);
/* Makes the record again in `record` (emptied first), but for the server section, which has those two items only. False
 * if `value` is not such a value. */
bool covering_decode(struct span value, struct span path, struct span predicate, struct span source, uint64_t seq,
                     struct buf *body, struct buf *record);

#endif
