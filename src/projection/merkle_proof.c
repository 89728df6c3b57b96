/* Proofs out of the stored tree: nodes of complete blocks come from tree.kv, those below from the entries of at most a
 * few blocks of MERKLE_BLOCK entries, and of what follows the last complete block. */
#include <string.h>

#include "projection/merkle.h"
#include "projection/snapshot.h"

enum { TAIL_BYTES = 256 << 10 };

/* Leaf hashes of one block, as far as it lies within the tree. */
struct leaves {
  uint64_t first; /* index of leaf[0], a multiple of MERKLE_BLOCK */
  size_t count;   /* 0: nothing is loaded */
  unsigned char leaf[MERKLE_BLOCK][DIGEST_SIZE];
};

struct prover {
  const struct reader *reader;
  uint64_t size;    /* leaves of the tree */
  struct leaves at; /* the block used last */
  struct merkle_proof *proof;
};

static int take_leaves(struct prover *p, struct span records, struct err *err) {
  while (records.len) {
    struct entry entry;
    int rc = history_next(&records, &entry, err);
    if (rc)
      return rc;
    if (entry.seq != p->at.first + p->at.count + 1)
      return err_set(err, ERR_CORRUPT, "the history has entry %llu where %llu is expected",
                     (unsigned long long)entry.seq, (unsigned long long)(p->at.first + p->at.count + 1));
    if ((rc = entry_leaf(&entry, p->at.leaf[p->at.count++], err)))
      return rc;
  }
  return 0;
}

static int load_leaves(struct prover *p, uint64_t index, struct err *err) {
  uint64_t first = index - index % MERKLE_BLOCK;
  uint64_t end = p->size - first < MERKLE_BLOCK ? p->size : first + MERKLE_BLOCK;
  struct buf records;
  int rc = 0;
  if (p->at.count && p->at.first == first)
    return 0;
  p->at.first = first;
  p->at.count = 0;
  buf_init(&records, 2 * ENTRY_MAX_SIZE);
  while (rc == 0 && first + p->at.count < end) {
    size_t n = 0;
    rc = history_read(p->reader->store, first + p->at.count + 1, end, TAIL_BYTES, &records, &n, err);
    if (rc == 0 && n == 0)
      rc = err_set(err, ERR_CORRUPT, "the history has no entry %llu", (unsigned long long)(first + p->at.count + 1));
    if (rc == 0)
      rc = take_leaves(p, buf_span(&records), err);
  }
  buf_free(&records);
  if (rc)
    p->at.count = 0;
  return rc;
}

/* The hash of the leaves begin..begin+2^level-1; begin is a multiple of 2^level. */
static int hash_complete(struct prover *p, uint64_t begin, unsigned level, unsigned char out[DIGEST_SIZE],
                         struct err *err) {
  unsigned char nodes[MERKLE_BLOCK][DIGEST_SIZE];
  if (level >= MERKLE_BLOCK_LEVEL)
    return merkle_read_node(p->reader, begin >> level, level, out, err);
  int rc = load_leaves(p, begin, err);
  if (rc)
    return rc;
  memcpy(nodes, p->at.leaf[begin - p->at.first], ((size_t)1 << level) * DIGEST_SIZE);
  for (size_t n = (size_t)1 << level; n > 1; n /= 2)
    for (size_t i = 0; i < n / 2; i++)
      digest_node(nodes[i], nodes[2 * i], nodes[2 * i + 1]);
  memcpy(out, nodes[0], DIGEST_SIZE);
  return 0;
}

/* The exponent of the greatest power of two below `size` (> 1): RFC 9162 splits a tree there. */
static unsigned split_level(uint64_t size) {
  return 63 - (unsigned)__builtin_clzll(size - 1);
}

/* The hash of the leaves begin..end-1, which are a subtree of the tree. Complete subtrees from the left, then folded
 * from the right. */
static int hash_range(struct prover *p, uint64_t begin, uint64_t end, unsigned char out[DIGEST_SIZE], struct err *err) {
  unsigned char part[MERKLE_LEVELS][DIGEST_SIZE];
  size_t count = 0;
  while (begin < end) {
    unsigned level = 63 - (unsigned)__builtin_clzll(end - begin);
    int rc = hash_complete(p, begin, level, part[count++], err);
    if (rc)
      return rc;
    begin += UINT64_C(1) << level;
  }
  for (; count > 1; count--)
    digest_node(part[count - 2], part[count - 2], part[count - 1]);
  memcpy(out, part[0], DIGEST_SIZE);
  return 0;
}

static int add_range(struct prover *p, uint64_t begin, uint64_t end, struct err *err) {
  return hash_range(p, begin, end, p->proof->node[p->proof->count++], err);
}

/* Nodes are found from the root down, and told from the leaf up. */
static void turn_round(struct merkle_proof *proof) {
  for (size_t i = 0, k = proof->count; i + 1 < k; i++) {
    unsigned char node[DIGEST_SIZE];
    k--;
    memcpy(node, proof->node[i], DIGEST_SIZE);
    memcpy(proof->node[i], proof->node[k], DIGEST_SIZE);
    memcpy(proof->node[k], node, DIGEST_SIZE);
  }
}

int merkle_prove_inclusion(const struct reader *reader, uint64_t seq, uint64_t size, unsigned char leaf[DIGEST_SIZE],
                           struct merkle_proof *proof, struct err *err) {
  struct prover p = {.reader = reader, .size = size, .proof = proof};
  uint64_t begin = 0, end = size, index = seq - 1;
  int rc = 0;
  proof->count = 0;
  while (rc == 0 && end - begin > 1) { /* PATH(m, D_n) of section 2.1.3.1 */
    uint64_t middle = begin + (UINT64_C(1) << split_level(end - begin));
    if (index < middle) {
      rc = add_range(&p, middle, end, err);
      end = middle;
    } else {
      rc = add_range(&p, begin, middle, err);
      begin = middle;
    }
  }
  turn_round(proof);
  return rc ? rc : hash_complete(&p, index, 0, leaf, err);
}

int merkle_prove_prefix(const struct reader *reader, uint64_t from, uint64_t to, struct merkle_proof *proof,
                        struct err *err) {
  struct prover p = {.reader = reader, .size = to, .proof = proof};
  uint64_t begin = 0, end = to;
  int rc = 0;
  proof->count = 0;
  while (rc == 0 && end != from) { /* SUBPROOF(m, D_n, b) of section 2.1.4.1 */
    uint64_t middle = begin + (UINT64_C(1) << split_level(end - begin));
    if (from <= middle) {
      rc = add_range(&p, middle, end, err);
      end = middle;
    } else {
      rc = add_range(&p, begin, middle, err);
      begin = middle;
    }
  }
  if (rc == 0 && begin > 0) /* else it is the root that the caller has */
    rc = add_range(&p, begin, end, err);
  turn_round(proof);
  return rc;
}
