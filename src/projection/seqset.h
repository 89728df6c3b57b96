/* A set of seqs: bits in blocks of RETRACTED_BLOCK, made where they are needed. At most one bit for each seq up to the
 * greatest, and 8 bytes a block. */
#ifndef PROJECTION_SEQSET_H
#define PROJECTION_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "projection/snapshot.h"

enum { SEQSET_WORDS = RETRACTED_BLOCK / 64 };

struct seqset {
  uint64_t **blocks; /* NULL: an empty one */
  size_t count;      /* of blocks */
};

/* All zero is the empty set. */
void seqset_free(struct seqset *set);
/* The words of a block, to be changed; NULL with *err set. */
uint64_t *seqset_block(struct seqset *set, uint64_t block, struct err *err);
/* The same for reading; NULL if it is empty. */
static inline const uint64_t *seqset_peek(const struct seqset *set, uint64_t block) {
  return block < set->count ? set->blocks[block] : NULL;
}
static inline bool seqset_has(const struct seqset *set, uint64_t seq) {
  const uint64_t *words = seqset_peek(set, seq / RETRACTED_BLOCK);
  return words && words[seq % RETRACTED_BLOCK / 64] >> seq % 64 & 1;
}
NODISCARD int seqset_add(struct seqset *set, uint64_t seq, struct err *err);
/* Adds first..last. */
NODISCARD int seqset_add_range(struct seqset *set, uint64_t first, uint64_t last, struct err *err);
/* Removes what is outside first..last. */
void seqset_clip(struct seqset *set, uint64_t first, uint64_t last);
/* set := set and other; set := set without other; set := set or other. */
void seqset_and(struct seqset *set, const struct seqset *other);
void seqset_remove(struct seqset *set, const struct seqset *other);
NODISCARD int seqset_or(struct seqset *set, const struct seqset *other, struct err *err);
uint64_t seqset_size(const struct seqset *set);
/* The least member >= `from`; false if there is none. */
bool seqset_next(const struct seqset *set, uint64_t from, uint64_t *seq);
/* The greatest member; 0 if there is none. */
uint64_t seqset_last(const struct seqset *set);

#endif
