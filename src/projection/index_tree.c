/* tree.kv: number of a complete block of MERKLE_BLOCK entries (u64be) -> assertions among all entries up to its end
 * (u64be), then the roots of the complete subtrees that end with it, of 1, 2, 4 … blocks. */
#include "base/bytes.h"
#include "projection/index.h"

int tree_project(struct gather *gather, const struct item *item, struct err *err) {
  const struct merkle_block *block = item->block;
  if (!block)
    return 0;
  size_t len = 8 + block->node_count * DIGEST_SIZE;
  unsigned char *key = gather_alloc(gather, 8 + len, err);
  if (!key)
    return err->code;
  put_u64(key, block->number);
  put_u64(key + 8, block->assertion_count);
  memcpy(key + 16, block->node, block->node_count * DIGEST_SIZE);
  return gather_put(gather, span_of(key, 8), span_of(key + 8, len), err);
}
