/*
 * Posting lists: the seqs of a term, in blocks of POSTINGS_BLOCK seqs.
 *
 * Key: term 0 block (u64be: seq / POSTINGS_BLOCK). Value: the offsets of the term's seqs in the block, ascending: up to
 * POSTINGS_LIST_MAX of them as u16be each, more as a bitmap of POSTINGS_BLOCK bits (offset o is bit o % 8 of byte
 * o / 8); the length tells which. So a batch costs one read and one write for each of its terms and blocks, and a seq
 * of a frequent term an eighth of a byte.
 */
#ifndef PROJECTION_POSTINGS_H
#define PROJECTION_POSTINGS_H

#include "projection/index.h"
#include "projection/seqset.h"

enum { POSTINGS_BLOCK = 1024, POSTINGS_BITMAP_SIZE = POSTINGS_BLOCK / 8, POSTINGS_LIST_MAX = 60 };

/* Adds `seq` to the list of `term`, which is copied. A second time is once. */
NODISCARD int postings_put(struct gather *gather, struct span term, uint64_t seq, struct err *err);
index_combine postings_combine;
/* Adds the seqs first..last of a term to `set`; with `prefix`, of all terms that begin with it. */
NODISCARD int postings_collect(struct projection *p, enum index_id index, struct span term, bool prefix, uint64_t first,
                               uint64_t last, struct seqset *set, struct err *err);
/* Adds the seqs first..last in a value of block number `block` to `set`. ERR_CORRUPT if it is no value. */
NODISCARD int postings_add(struct span value, uint64_t block, uint64_t first, uint64_t last, struct seqset *set,
                           struct err *err);
/* Decodes a value: writes the offsets into out[POSTINGS_BLOCK], ascending. -1 if it is not one. */
int postings_decode(struct span value, uint16_t *out, size_t *count);

#endif
