/* The Merkle tree at any seq: complete blocks from tree.kv, the entries after them from the history. */
#include "base/bytes.h"
#include "projection/internal.h"
#include "projection/snapshot.h"

enum { BLOCK_VALUE_MAX = 8 + (MERKLE_LEVELS - MERKLE_BLOCK_LEVEL) * DIGEST_SIZE, TAIL_BYTES = 256 << 10 };

/* Reads what tree.kv says about a complete block; node[level] is at value + 8 + level * DIGEST_SIZE. */
static int read_block(struct projection *p, uint64_t number, unsigned char *value, size_t *len, struct err *err) {
  unsigned char key[8];
  put_u64(key, number);
  bool found;
  int rc = penv_get(p, p->index[INDEX_TREE], span_of(key, sizeof(key)), value, BLOCK_VALUE_MAX, len, &found, err);
  if (rc)
    return rc;
  if (!found || *len < 8 + DIGEST_SIZE || (*len - 8) % DIGEST_SIZE)
    return penv_damaged(p, err, "a block of the Merkle tree is missing or malformed");
  return 0;
}

/* The frontier over `blocks` complete blocks: one read for each bit of their number. */
static int load_blocks(struct projection *p, uint64_t blocks, struct merkle *out, uint64_t *count, struct err *err) {
  uint64_t end = 0;
  for (size_t level = MERKLE_LEVELS - MERKLE_BLOCK_LEVEL; level-- > 0;) {
    if (!(blocks >> level & 1))
      continue;
    unsigned char value[BLOCK_VALUE_MAX];
    size_t len = 0;
    end += UINT64_C(1) << level;
    int rc = read_block(p, end - 1, value, &len, err);
    if (rc)
      return rc;
    if (len < 8 + (level + 1) * DIGEST_SIZE)
      return penv_damaged(p, err, "a block of the Merkle tree lacks nodes");
    memcpy(out->node[MERKLE_BLOCK_LEVEL + level], value + 8 + level * DIGEST_SIZE, DIGEST_SIZE);
    *count = get_u64(value);
  }
  out->size = blocks * MERKLE_BLOCK;
  return 0;
}

/* Pushes the records of `bytes`, which continue the tree without a gap. */
static int push_records(struct span bytes, struct merkle *out, uint64_t *count, struct err *err) {
  while (bytes.len) {
    struct entry entry;
    struct merkle_block block;
    unsigned char leaf[DIGEST_SIZE];
    int rc = history_next(&bytes, &entry, err);
    if (rc == 0)
      rc = entry_leaf(&entry, leaf, err);
    if (rc)
      return rc;
    if (entry.seq != out->size + 1)
      return err_set(err, ERR_CORRUPT, "the history has seq %llu where %llu is expected", (unsigned long long)entry.seq,
                     (unsigned long long)out->size + 1);
    merkle_push(out, leaf, &block);
    *count += entry.kind == ENTRY_ASSERTION;
  }
  return 0;
}

int merkle_load(struct projection *p, struct store *store, uint64_t seq, struct merkle *out, uint64_t *assertion_count,
                struct err *err) {
  struct buf records;
  buf_init(&records, 2 * ENTRY_MAX_SIZE);
  uint64_t count = 0;
  out->size = 0;
  int rc = load_blocks(p, seq / MERKLE_BLOCK, out, &count, err);
  while (rc == 0 && out->size < seq) {
    size_t n = 0;
    rc = history_read(store, out->size + 1, seq, TAIL_BYTES, &records, &n, err);
    if (rc == 0 && n == 0)
      rc = err_set(err, ERR_CORRUPT, "the history has no seq %llu", (unsigned long long)out->size + 1);
    if (rc == 0)
      rc = push_records(buf_span(&records), out, &count, err);
  }
  *assertion_count = count;
  buf_free(&records);
  return rc;
}

int merkle_root_at(const struct reader *reader, uint64_t seq, unsigned char root[DIGEST_SIZE],
                   uint64_t *assertion_count, struct err *err) {
  struct merkle tree;
  int rc = merkle_load(reader->projection, reader->store, seq, &tree, assertion_count, err);
  if (rc == 0)
    merkle_root(&tree, root);
  return rc;
}

int merkle_read_node(const struct reader *reader, uint64_t number, unsigned level, unsigned char out[DIGEST_SIZE],
                     struct err *err) {
  unsigned char value[BLOCK_VALUE_MAX];
  size_t len = 0, above = level - MERKLE_BLOCK_LEVEL;
  int rc = read_block(reader->projection, ((number + 1) << above) - 1, value, &len, err);
  if (rc)
    return rc;
  if (len < 8 + (above + 1) * DIGEST_SIZE)
    return penv_damaged(reader->projection, err, "a block of the Merkle tree lacks nodes");
  memcpy(out, value + 8 + above * DIGEST_SIZE, DIGEST_SIZE);
  return 0;
}
