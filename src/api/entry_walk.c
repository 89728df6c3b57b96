#include "api/entry_walk.h"

/* A block is filled until it holds this much, then at most one record more. */
enum { WALK_BLOCK = 256 << 10, WALK_BLOCK_MAX = WALK_BLOCK + 2 * ENTRY_MAX_SIZE };

void entry_walk_open(struct entry_walk *walk, struct store *store, uint64_t first, uint64_t last) {
  *walk = (struct entry_walk){.store = store, .next = first, .last = last};
  buf_init(&walk->block, WALK_BLOCK_MAX);
}

int entry_walk_next(struct entry_walk *walk, struct entry *entry, bool *found, struct err *err) {
  *found = false;
  if (walk->left == 0) {
    if (walk->next > walk->last)
      return 0;
    int rc = history_read(walk->store, walk->next, walk->last, WALK_BLOCK, &walk->block, &walk->left, err);
    if (rc)
      return rc;
    if (walk->left == 0)
      return err_set(err, ERR_CORRUPT, "entry %llu is missing in the history", (unsigned long long)walk->next);
    walk->rest = buf_span(&walk->block);
    walk->next += walk->left;
  }
  int rc = history_next(&walk->rest, entry, err);
  if (rc)
    return rc;
  walk->left--;
  *found = true;
  return 0;
}

void entry_walk_close(struct entry_walk *walk) {
  buf_free(&walk->block);
}
