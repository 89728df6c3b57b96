/*
 * The seqs of what assertions are derived from. The indexes know the ids of what was committed; those of the entries of
 * the transaction that is being gathered are found in here.
 */
#ifndef PROJECTION_PARENTS_H
#define PROJECTION_PARENTS_H

#include "projection/index.h"

/* Over the entries of one transaction. */
struct parents {
  struct projection *projection;
  struct arena *arena;
  const struct entry *entries;
  size_t count;      /* of entries */
  size_t noted;      /* of these, how many are in the table */
  uint32_t *slots;   /* open addressing: index + 1 of an entry, 0 if free; NULL until one is needed */
  size_t slot_count; /* a power of two */
};

/* Nothing is allocated before the first derivation. */
void parents_init(struct parents *parents, struct projection *projection, struct arena *arena,
                  const struct entry *entries, size_t count);
/* Fills item->parents of the assertion of entry number `index`. ERR_NOMEM. */
NODISCARD int parents_find(struct parents *parents, size_t index, struct item *item, struct err *err);

#endif
