#include "ops/proof.h"

#include "projection/merkle.h"
#include "projection/reader_ahead.h"

static int push_all(struct reader_ahead *ahead, struct merkle *tree, uint64_t *assertions, struct err *err) {
  const struct entry *entries;
  struct merkle_block block;
  size_t count;
  do {
    int rc = reader_ahead_next(ahead, &entries, &count, err);
    if (rc)
      return rc;
    for (size_t i = 0; i < count; i++) {
      (void)merkle_push(tree, entries[i].leaf, &block);
      *assertions += entries[i].kind == ENTRY_ASSERTION;
    }
  } while (count > 0);
  return 0;
}

int proof_compute(struct store *store, struct proof *out, struct err *err) {
  struct proof proof = {0};
  struct history_meta meta = {0};
  struct merkle tree = {.size = 0};
  struct reader_ahead *ahead = NULL;
  int rc = history_meta_read(store, &meta, err);
  if (!rc)
    rc = history_last(store, &proof.last_seq, err);
  if (!rc && proof.last_seq > 0) {
    rc = reader_ahead_start(store, 1, proof.last_seq, &ahead, err);
    if (!rc)
      rc = push_all(ahead, &tree, &proof.assertion_count, err);
    reader_ahead_stop(ahead);
  }
  if (!rc) {
    const struct timeline *current = history_meta_current(&meta);
    history_name(proof.history, meta.id, current->number, current->branch);
    merkle_root(&tree, proof.root);
    *out = proof;
  }
  history_meta_free(&meta);
  return rc;
}
