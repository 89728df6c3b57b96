/* Entries of the history in seq order, read in blocks: no lock is held between two of them, and memory is one block. */
#ifndef API_ENTRY_WALK_H
#define API_ENTRY_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct entry_walk {
  struct store *store;
  uint64_t next, last; /* the seqs that are still to be read */
  struct buf block;
  struct span rest;
  size_t left; /* entries of the block still to be given out */
};

/* From `first` to `last`, both included. Nothing is read yet. */
void entry_walk_open(struct entry_walk *walk, struct store *store, uint64_t first, uint64_t last);
/* The next entry, good until the next call; *found is false at the end. ERR_CORRUPT if one is missing. */
NODISCARD int entry_walk_next(struct entry_walk *walk, struct entry *entry, bool *found, struct err *err);
void entry_walk_close(struct entry_walk *walk);

#endif
