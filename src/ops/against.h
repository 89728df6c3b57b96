/*
 * Whether one copy of a history is the beginning of another, or the other of it: by both roots where both can be read,
 * by a consistency proof (RFC 9162) where the other one is a node.
 */
#ifndef OPS_AGAINST_H
#define OPS_AGAINST_H

#include "ops/verify.h"

enum relation {
  RELATION_EQUAL,
  RELATION_PREFIX,  /* this one is the beginning of the other */
  RELATION_LONGER,  /* the other is the beginning of this one */
  RELATION_DIVERGED /* neither */
};

struct against {
  enum relation relation;
  uint64_t other_seq; /* the last one of the other */
  uint64_t shared;    /* entries that both have; of diverged ones: that were compared in vain */
};

/* Another copy (a home, a backup). Opens it; *last_seq is what it has. The caller ends with verify_close(other), also
 * after an error. ERR_INVALID for an archive, whose beginning is not known. */
NODISCARD int against_open(struct verify *other, const char *path, struct report *report, uint64_t *last_seq,
                           struct err *err);
/* Compares roots at the watches of two copies that were run. ERR_CORRUPT if one of them was not reached. */
NODISCARD int against_compare(const struct tally_watch *ours, const struct tally_watch *theirs, uint64_t our_last,
                              uint64_t their_last, struct against *out, struct err *err);

/* What GET /v1/history answered. */
struct against_node {
  uint64_t seq;
  unsigned char root[DIGEST_SIZE];
};
/* ERR_INVALID if it is not such an answer. */
NODISCARD int against_read_history(struct span json, struct against_node *out, struct err *err);
/* Checks the answer of /v1/history/proof?from=&to= against the roots that are known. ERR_INVALID if it is no such
 * answer; *proved is false if the proof does not hold. */
NODISCARD int against_check_proof(struct span json, uint64_t from, const unsigned char from_root[DIGEST_SIZE],
                                  uint64_t to, const unsigned char to_root[DIGEST_SIZE], bool *proved, struct err *err);
/* "this is the beginning of the other, which goes on to entry 12" and so on. */
enum { AGAINST_TEXT_SIZE = 160 };
void against_describe(const struct against *against, char out[AGAINST_TEXT_SIZE]);
/* "equal", "prefix", "longer", "diverged" */
const char *against_name(enum relation relation);

#endif
