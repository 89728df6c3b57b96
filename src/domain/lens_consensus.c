/* Consensus: the value that the most weight stands behind is believed; each source's newest assertion counts once. */
#include "domain/lens_table.h"

struct rank lens_consensus_rank(const struct ranked *item) {
  return (struct rank){0, item->level, item->confidence, item->seq};
}

struct rank lens_consensus_bound(const struct ranked *last) {
  /* What is older has been superseded by its source, and weighs nothing. */
  return (struct rank){0, 0, 1, last->seq - 1};
}

void lens_consensus_resolve(const struct candidates *candidates, struct resolution *out) {
  out->winner = &candidates->heads[candidates->groups[0].winner];
  out->confidence = candidates->groups[0].share;
}
