/* Copies of a history to look at: known entries, whose root is known too. */
#ifndef TESTS_OPS_COPIES_H
#define TESTS_OPS_COPIES_H

#include "model/digest.h"
#include "ops/verify.h"
#include "tests/store/crashed.h"

/* The root over crashed_record() 1..count, by its definition. */
void copies_root(uint64_t count, unsigned char root[DIGEST_SIZE]);

/* What stemedb verify finds. */
struct found {
  int code; /* 0, or why it could not look */
  uint64_t findings, notes, last_seq, missing, damaged, from_log, undone;
  bool whole;
  unsigned char root[DIGEST_SIZE];
  char json[65536]; /* the findings */
};

/* Verifies `path`, without a word on standard output. */
void copies_verify(const char *path, struct found *out);

/* A folder of data as a stopped node leaves it: `good` is one as a killed node left it, started and closed here. */
void copies_settle(const char *good, const char *settled);

#endif
