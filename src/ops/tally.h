/* What entries, one after another, add up to: count, last seq, Merkle root; and what does not add up. */
#ifndef OPS_TALLY_H
#define OPS_TALLY_H

#include "ops/pipeline.h"
#include "projection/merkle.h"

enum { TALLY_WATCHES = 4 };

/* A seq at which the root is wanted. */
struct tally_watch {
  uint64_t seq;
  bool reached; /* all of 1..seq was there and verified: root and count are good */
  uint64_t assertion_count;
  unsigned char root[DIGEST_SIZE];
};

struct tally {
  struct report *report;    /* borrowed */
  uint64_t first_seq;       /* that is expected; 1, or of an archive where it begins */
  uint64_t last_seq;        /* of the last entry taken; first_seq - 1 before any */
  uint64_t entries;         /* taken */
  uint64_t assertion_count; /* of them */
  uint64_t missing, damaged;
  uint64_t last_time_us;
  bool whole; /* from seq 1 on all were there and verified: the tree is good */
  struct merkle tree;
  struct tally_watch watch[TALLY_WATCHES]; /* by seq, ascending */
  size_t watches;
};

/* Entries are expected from first_seq on; 0: from wherever they begin. */
void tally_begin(struct tally *tally, uint64_t first_seq, struct report *report);
/* Wants the root at `seq`; before any entry. Returns the number of the watch. */
size_t tally_watch(struct tally *tally, uint64_t seq);
/* The root of all that was taken, if tally->whole. */
void tally_root(const struct tally *tally, unsigned char root[DIGEST_SIZE]);
/* A pipeline_sink: checks the entry against those before it; what is wrong is reported, and the next one is taken. */
int tally_take(void *tally, struct piece_item *item, struct err *err);
/* Says that entries up to `last_seq` were to be there. */
void tally_expect(struct tally *tally, uint64_t last_seq, const char *file);

#endif
