#include "projection/merkle.h"

#include <string.h>

bool merkle_push(struct merkle *tree, const unsigned char leaf[DIGEST_SIZE], struct merkle_block *block) {
  unsigned char carry[DIGEST_SIZE];
  memcpy(carry, leaf, DIGEST_SIZE);
  block->node_count = 0;
  size_t level = 0;
  for (; tree->size >> level & 1; level++) {
    if (level >= MERKLE_BLOCK_LEVEL)
      memcpy(block->node[block->node_count++], carry, DIGEST_SIZE);
    digest_node(carry, tree->node[level], carry);
  }
  memcpy(tree->node[level], carry, DIGEST_SIZE);
  tree->size++;
  if (level < MERKLE_BLOCK_LEVEL)
    return false;
  memcpy(block->node[block->node_count++], carry, DIGEST_SIZE);
  block->number = tree->size / MERKLE_BLOCK - 1;
  return true;
}

/* RFC 9162 splits at the greatest power of two below the size, so the right part is folded first. */
void merkle_root(const struct merkle *tree, unsigned char root[DIGEST_SIZE]) {
  bool first = true;
  for (size_t level = 0; level < MERKLE_LEVELS; level++) {
    if (!(tree->size >> level & 1))
      continue;
    if (first)
      memcpy(root, tree->node[level], DIGEST_SIZE);
    else
      digest_node(root, tree->node[level], root);
    first = false;
  }
  if (first)
    digest_sha256(root, (struct span){NULL, 0});
}

void merkle_copy(struct merkle *to, const struct merkle *from) {
  to->size = from->size;
  for (size_t level = 0; level < MERKLE_LEVELS; level++)
    if (from->size >> level & 1)
      memcpy(to->node[level], from->node[level], DIGEST_SIZE);
}
