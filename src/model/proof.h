/*
 * Proofs about the history's Merkle tree, checked by nothing but what they hold: the algorithms of RFC 9162 sections
 * 2.1.3.2 and 2.1.4.2. A tree of size n is over the entries 1..n.
 */
#ifndef MODEL_PROOF_H
#define MODEL_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/digest.h"

/* No proof over fewer than 2^63 entries is longer: two nodes a level. */
enum { PROOF_NODES_MAX = 128 };

struct merkle_proof {
  size_t count;
  unsigned char node[PROOF_NODES_MAX][DIGEST_SIZE];
};

/* Whether `proof` shows that `root` at `size` holds `leaf` as entry `seq` (1 <= seq <= size). */
bool proof_includes(const struct merkle_proof *proof, uint64_t seq, const unsigned char leaf[DIGEST_SIZE],
                    uint64_t size, const unsigned char root[DIGEST_SIZE]);
/* Whether `proof` shows that the entries under `from_root` at `from` are the first ones under `to_root` at `to`
 * (1 <= from <= to). */
bool proof_is_prefix(const struct merkle_proof *proof, uint64_t from, const unsigned char from_root[DIGEST_SIZE],
                     uint64_t to, const unsigned char to_root[DIGEST_SIZE]);

#endif
