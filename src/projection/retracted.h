/*
 * Rows of retracted.kv and retractions.kv.
 *
 * retracted.kv: block u64be (seq / RETRACTED_BLOCK), retraction seq u64be -> seq of the reinstatement u64be or 0, then
 * which seqs of the block are covered: a byte that tells the form, and either runs (varints in pairs: how many are not
 * covered, how many are) or, where that would be longer, a bitmap (offset o is bit o % 8 of byte o / 8). With blocks of
 * 4,096 a bitmap of 512 bytes stays on its page; 1,024 would get a page of its own.
 *
 * retractions.kv: retraction seq u64be -> the fields of struct retraction_record but its seq, u64be each.
 */
#ifndef PROJECTION_RETRACTED_H
#define PROJECTION_RETRACTED_H

#include "projection/internal.h"
#include "projection/snapshot.h"

enum {
  RETRACTED_KEY_SIZE = 16,
  RETRACTED_WORDS = RETRACTED_BLOCK / 64,
  RETRACTED_BITMAP_SIZE = RETRACTED_BLOCK / 8,
  RETRACTED_VALUE_MAX = 8 + 1 + RETRACTED_BITMAP_SIZE,
  RETRACTION_KEY_SIZE = 8,
  RETRACTION_VALUE_SIZE = 8 * 8
};

void retracted_key(unsigned char key[RETRACTED_KEY_SIZE], uint64_t block, uint64_t retraction_seq);
/* Writes a row's value; returns its length. `words`: the bits of the block, not all 0. */
size_t retracted_encode(const uint64_t words[RETRACTED_WORDS], uint64_t reinstated_seq,
                        unsigned char value[RETRACTED_VALUE_MAX]);
/* Takes a value apart; false if it is none. */
bool retracted_decode(struct span value, uint64_t words[RETRACTED_WORDS], uint64_t *reinstated_seq);

void retraction_encode(const struct retraction_record *record, unsigned char value[RETRACTION_VALUE_SIZE]);
/* All but the seq. */
void retraction_decode(const unsigned char value[RETRACTION_VALUE_SIZE], struct retraction_record *record);

/* A row as retracted_walk shows it. */
struct retracted_row {
  uint64_t seq, reinstated_seq; /* of the retraction; as stored, whatever the snapshot */
  uint64_t words[RETRACTED_WORDS];
};
/* Reads the row of the retraction row->seq in a block. */
NODISCARD int retracted_row_read(struct projection *p, uint64_t block, struct retracted_row *row, bool *found,
                                 struct err *err);
/* Calls `see` with each row of a block whose retraction is at most `snapshot`, in the order of the retractions, until
 * it returns false. After a deadlock it begins anew, having called begin(arg). */
NODISCARD int retracted_walk(struct projection *p, uint64_t block, uint64_t snapshot, void (*begin)(void *arg),
                             bool (*see)(void *arg, const struct retracted_row *row), void *arg, struct err *err);

#endif
