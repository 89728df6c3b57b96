/*
 * counts.kv: how many assertions there are below each concept that has some below it, so that the tree of concepts can
 * be looked at without walking what is in it. Retracted assertions count: what was said was said.
 *
 * Key: path of the parent (empty: of a root) 0 last segment. Value: assertions about concepts below this one u64.
 * Children of one parent lie side by side, in the order of their bytes.
 */
#ifndef PROJECTION_COUNTS_H
#define PROJECTION_COUNTS_H

#include "base/arena.h"
#include "projection/snapshot.h"

struct concept_count {
  struct span segment; /* the concept's last segment */
  uint64_t below;
};

/* How many assertions are below one concept. */
NODISCARD int counts_below(const struct reader *reader, struct span path, uint64_t *below, struct err *err);
/*
 * The first `cap` (> 0) children of `parent` (empty: the roots) that something is below, and whose segments are greater
 * than `after` (empty: all), into out[]; their segments are copied into the arena. *count is less than `cap` only if
 * there are no more. Work is proportional to `cap`. `parent` and `after` are names, or ERR_INVALID.
 */
NODISCARD int counts_children(const struct reader *reader, struct arena *arena, struct span parent, struct span after,
                              struct concept_count *out, size_t cap, size_t *count, struct err *err);
/* The last entry that is counted. What was read after a watermark was taken and before this gave the same seq is
 * exactly as of that seq: counts have no history. */
NODISCARD int counts_applied(const struct reader *reader, uint64_t *seq, struct err *err);

#endif
