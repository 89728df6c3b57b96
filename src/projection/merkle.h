/*
 * The history's Merkle tree (RFC 9162 section 2.1.1), grown leaf by leaf. In memory there is only its frontier: the
 * roots of the complete subtrees that together cover all leaves, one for each bit of their number. On disk (tree.kv)
 * are the nodes above complete blocks of MERKLE_BLOCK leaves; what is below them is computed again from the history.
 */
#ifndef PROJECTION_MERKLE_H
#define PROJECTION_MERKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/digest.h"

enum { MERKLE_BLOCK_LEVEL = 8, MERKLE_BLOCK = 1 << MERKLE_BLOCK_LEVEL, MERKLE_LEVELS = 64 };

struct merkle {
  uint64_t size;                                  /* leaves */
  unsigned char node[MERKLE_LEVELS][DIGEST_SIZE]; /* node[i] counts where bit i of size is set */
};

/* A block that is complete, and the roots of all complete subtrees that end with it, of 1, 2, 4 … blocks. */
struct merkle_block {
  uint64_t number;          /* 0-based */
  uint64_t assertion_count; /* among all entries up to its end; filled in by the projector */
  size_t node_count;
  unsigned char node[MERKLE_LEVELS - MERKLE_BLOCK_LEVEL][DIGEST_SIZE];
};

/* Appends a leaf. True if it completes a block, which is then described in *block. */
bool merkle_push(struct merkle *tree, const unsigned char leaf[DIGEST_SIZE], struct merkle_block *block);
/* The root; of no leaves: SHA-256 of nothing. */
void merkle_root(const struct merkle *tree, unsigned char root[DIGEST_SIZE]);
/* Copies the frontier, as far as it counts. */
void merkle_copy(struct merkle *to, const struct merkle *from);

#endif
