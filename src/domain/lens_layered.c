/* Layered: sources are of tiers, and the lowest-numbered tier that says anything is believed: consensus within it. */
#include "domain/lens_table.h"

struct rank lens_layered_rank(const struct ranked *item) {
  return (struct rank){-item->tier, item->level, item->confidence, item->seq};
}

struct rank lens_layered_bound(const struct ranked *last) {
  return (struct rank){-last->tier, 0, 1, last->seq - 1};
}

void lens_layered_resolve(const struct candidates *candidates, struct resolution *out) {
  lens_consensus_resolve(&candidates->layers[0].candidates, out);
  out->conflict = candidates->votes->conflict;
  out->status = groups_status(candidates->votes);
  out->show_layers = true;
}
