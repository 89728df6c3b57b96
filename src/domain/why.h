/*
 * Provenance: what an assertion rests on (derived_from, transitively), and what rests on it. A breadth-first walk that
 * reads only as far as it is asked for. There are no cycles: an assertion's seq is greater than those of all that it is
 * derived from. Nothing recurses, and what can be reached on several ways is met once, on a shortest one.
 */
#ifndef DOMAIN_WHY_H
#define DOMAIN_WHY_H

#include "model/digest.h"
#include "projection/snapshot.h"

/* A walk meets no more than this. */
enum { WHY_STEPS_MAX = 1 << 20 };

enum why_direction { WHY_RESTS_ON, WHY_SUPPORTS };

struct why_step {
  uint64_t seq;
  uint64_t via;   /* of depth - 1, the one with the least seq: it is derived_from this one, or this one from it */
  uint32_t depth; /* steps from the assertion that was asked for: 1 or more */
};

struct why;

/* Begins at the assertion `seq`, which exists as of the snapshot; `reader` is borrowed. ERR_NOMEM. */
NODISCARD int why_open(const struct reader *reader, uint64_t snapshot, uint64_t seq, enum why_direction direction,
                       struct why **out, struct err *err);
/* Takes NULL. */
void why_close(struct why *why);
/* The next one, nearest first, those of one depth in order of seq; *found is false at the end. ERR_NOMEM, ERR_BUSY,
 * ERR_CORRUPT. */
NODISCARD int why_next(struct why *why, struct why_step *step, bool *found, struct err *err);
/* How many assertions were looked up so far: what it cost. */
uint64_t why_lookups(const struct why *why);
/* Whether there is more than WHY_STEPS_MAX, and the end is not the end. */
bool why_truncated(const struct why *why);

#endif
