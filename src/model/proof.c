#include "model/proof.h"

#include <string.h>

static bool equal(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE]) {
  return memcmp(a, b, DIGEST_SIZE) == 0;
}

/* RFC 9162 section 2.1.3.2; fn and sn are its names. */
bool proof_includes(const struct merkle_proof *proof, uint64_t seq, const unsigned char leaf[DIGEST_SIZE],
                    uint64_t size, const unsigned char root[DIGEST_SIZE]) {
  if (seq == 0 || seq > size)
    return false;
  uint64_t fn = seq - 1, sn = size - 1;
  unsigned char r[DIGEST_SIZE];
  memcpy(r, leaf, sizeof r);
  for (size_t i = 0; i < proof->count; i++) {
    if (sn == 0)
      return false;
    if ((fn & 1) || fn == sn) {
      digest_node(r, proof->node[i], r);
      for (; !(fn & 1) && fn != 0; fn >>= 1)
        sn >>= 1;
    } else
      digest_node(r, r, proof->node[i]);
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && equal(r, root);
}

/* RFC 9162 section 2.1.4.2. */
bool proof_is_prefix(const struct merkle_proof *proof, uint64_t from, const unsigned char from_root[DIGEST_SIZE],
                     uint64_t to, const unsigned char to_root[DIGEST_SIZE]) {
  if (from == 0 || from > to)
    return false;
  if (from == to)
    return proof->count == 0 && equal(from_root, to_root);
  /* A tree of 2^k leaves is a node of the larger one, and so no part of the proof. */
  bool whole = (from & (from - 1)) == 0;
  size_t i = whole ? 0 : 1;
  if (proof->count < i + 1)
    return false;
  const unsigned char *first = whole ? from_root : proof->node[0];
  unsigned char fr[DIGEST_SIZE], sr[DIGEST_SIZE];
  memcpy(fr, first, sizeof fr);
  memcpy(sr, first, sizeof sr);
  uint64_t fn = from - 1, sn = to - 1;
  for (; fn & 1; fn >>= 1)
    sn >>= 1;
  for (; i < proof->count; i++) {
    if (sn == 0)
      return false;
    if ((fn & 1) || fn == sn) {
      digest_node(fr, proof->node[i], fr);
      digest_node(sr, proof->node[i], sr);
      for (; !(fn & 1) && fn != 0; fn >>= 1)
        sn >>= 1;
    } else
      digest_node(sr, sr, proof->node[i]);
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && equal(fr, from_root) && equal(sr, to_root);
}
