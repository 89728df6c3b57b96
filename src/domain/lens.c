#include "domain/lens.h"

#include "domain/lens_table.h"

static const struct lens lenses[] = {
    {"recency", true, false, lens_recency_rank, lens_recency_bound, lens_recency_ceiling, lens_resolve_first},
    {"confidence", true, false, lens_confidence_rank, lens_confidence_bound, lens_no_ceiling, lens_resolve_first},
    {"authority", true, true, lens_authority_rank, lens_authority_bound, lens_no_ceiling, lens_resolve_first},
    {"consensus", true, true, lens_consensus_rank, lens_consensus_bound, lens_no_ceiling, lens_consensus_resolve},
    {"skeptic", true, true, lens_consensus_rank, lens_consensus_bound, lens_no_ceiling, lens_skeptic_resolve},
    {.name = "layered", .available = false},
    {.name = "timeline", .available = false},
};

const struct lens *lens_table(size_t *count) {
  *count = sizeof(lenses) / sizeof(lenses[0]);
  return lenses;
}

const struct lens *lens_find(struct span name) {
  for (size_t i = 0; i < sizeof(lenses) / sizeof(lenses[0]); i++)
    if (span_equal(name, span_str(lenses[i].name)))
      return &lenses[i];
  return NULL;
}

void lens_resolve_first(const struct candidates *candidates, struct resolution *out) {
  out->winner = &candidates->first;
  out->confidence = candidates->first.confidence;
  out->show_candidates = false;
}

uint64_t lens_no_ceiling(const struct rank *after) {
  (void)after;
  return UINT64_MAX;
}
