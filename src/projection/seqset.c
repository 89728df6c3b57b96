#include "projection/seqset.h"

#include <stdlib.h>

void seqset_free(struct seqset *set) {
  for (size_t i = 0; i < set->count; i++)
    free(set->blocks[i]);
  free(set->blocks);
  *set = (struct seqset){0};
}

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for a set of entries");
}

static int grow(struct seqset *set, uint64_t block, struct err *err) {
  size_t count = set->count * 2 > block ? set->count * 2 : (size_t)block + 1;
  uint64_t **blocks = reallocarray(set->blocks, count, sizeof(*blocks));
  if (!blocks)
    return no_memory(err);
  memset(blocks + set->count, 0, (count - set->count) * sizeof(*blocks));
  set->blocks = blocks;
  set->count = count;
  return 0;
}

uint64_t *seqset_block(struct seqset *set, uint64_t block, struct err *err) {
  if (block >= set->count && grow(set, block, err))
    return NULL;
  if (!set->blocks[block]) {
    set->blocks[block] = calloc(SEQSET_WORDS, sizeof(uint64_t));
    if (!set->blocks[block])
      no_memory(err);
  }
  return set->blocks[block];
}

int seqset_add(struct seqset *set, uint64_t seq, struct err *err) {
  uint64_t *words = seqset_block(set, seq / RETRACTED_BLOCK, err);
  if (!words)
    return err->code;
  words[seq % RETRACTED_BLOCK / 64] |= UINT64_C(1) << seq % 64;
  return 0;
}

/* The bits first..last of a block (offsets in it) that are in word i. */
static uint64_t word_mask(size_t i, size_t first, size_t last) {
  size_t low = i * 64, high = low + 63;
  if (last < low || first > high)
    return 0;
  uint64_t mask = UINT64_MAX;
  if (first > low)
    mask &= UINT64_MAX << (first - low);
  if (last < high)
    mask &= UINT64_MAX >> (high - last);
  return mask;
}

int seqset_add_range(struct seqset *set, uint64_t first, uint64_t last, struct err *err) {
  for (uint64_t at = first; at <= last;) {
    uint64_t block = at / RETRACTED_BLOCK, end = block * RETRACTED_BLOCK + (RETRACTED_BLOCK - 1);
    uint64_t *words = seqset_block(set, block, err);
    if (!words)
      return err->code;
    size_t to = end < last ? RETRACTED_BLOCK - 1 : last % RETRACTED_BLOCK;
    for (size_t i = 0; i < SEQSET_WORDS; i++)
      words[i] |= word_mask(i, at % RETRACTED_BLOCK, to);
    at = end + 1;
  }
  return 0;
}

void seqset_clip(struct seqset *set, uint64_t first, uint64_t last) {
  for (size_t block = 0; block < set->count; block++) {
    uint64_t start = (uint64_t)block * RETRACTED_BLOCK, end = start + (RETRACTED_BLOCK - 1);
    if (!set->blocks[block] || (first <= start && last >= end))
      continue;
    if (first > end || last < start || first > last) {
      free(set->blocks[block]);
      set->blocks[block] = NULL;
      continue;
    }
    size_t from = first > start ? (size_t)(first - start) : 0;
    size_t to = last < end ? (size_t)(last - start) : RETRACTED_BLOCK - 1;
    for (size_t i = 0; i < SEQSET_WORDS; i++)
      set->blocks[block][i] &= word_mask(i, from, to);
  }
}

void seqset_and(struct seqset *set, const struct seqset *other) {
  for (size_t block = 0; block < set->count; block++) {
    const uint64_t *words = seqset_peek(other, block);
    if (!set->blocks[block])
      continue;
    for (size_t i = 0; i < SEQSET_WORDS && words; i++)
      set->blocks[block][i] &= words[i];
    if (!words) {
      free(set->blocks[block]);
      set->blocks[block] = NULL;
    }
  }
}

void seqset_remove(struct seqset *set, const struct seqset *other) {
  for (size_t block = 0; block < set->count; block++) {
    const uint64_t *words = seqset_peek(other, block);
    for (size_t i = 0; i < SEQSET_WORDS && words && set->blocks[block]; i++)
      set->blocks[block][i] &= ~words[i];
  }
}

int seqset_or(struct seqset *set, const struct seqset *other, struct err *err) {
  for (size_t block = 0; block < other->count; block++) {
    if (!other->blocks[block])
      continue;
    uint64_t *words = seqset_block(set, block, err);
    if (!words)
      return err->code;
    for (size_t i = 0; i < SEQSET_WORDS; i++)
      words[i] |= other->blocks[block][i];
  }
  return 0;
}

uint64_t seqset_size(const struct seqset *set) {
  uint64_t size = 0;
  for (size_t block = 0; block < set->count; block++)
    for (size_t i = 0; i < SEQSET_WORDS && set->blocks[block]; i++)
      size += (uint64_t)__builtin_popcountll(set->blocks[block][i]);
  return size;
}

bool seqset_next(const struct seqset *set, uint64_t from, uint64_t *seq) {
  for (uint64_t block = from / RETRACTED_BLOCK; block < set->count; block++) {
    const uint64_t *words = set->blocks[block];
    uint64_t start = block * RETRACTED_BLOCK;
    for (size_t i = from > start ? (size_t)(from - start) / 64 : 0; i < SEQSET_WORDS && words; i++) {
      uint64_t word = words[i];
      if (from > start + i * 64)
        word &= UINT64_MAX << from % 64;
      if (word) {
        *seq = start + i * 64 + (unsigned)__builtin_ctzll(word);
        return true;
      }
    }
  }
  return false;
}

uint64_t seqset_last(const struct seqset *set) {
  for (size_t block = set->count; block-- > 0;)
    for (size_t i = SEQSET_WORDS; i-- > 0 && set->blocks[block];)
      if (set->blocks[block][i])
        return (uint64_t)block * RETRACTED_BLOCK + i * 64 + 63 - (unsigned)__builtin_clzll(set->blocks[block][i]);
  return 0;
}
