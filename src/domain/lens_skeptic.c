/* Skeptic: as consensus, but never silently: the answer lists every value with its share and its sources. */
#include "domain/lens_table.h"

void lens_skeptic_resolve(const struct candidates *candidates, struct resolution *out) {
  lens_consensus_resolve(candidates, out);
  out->show_candidates = true;
}
