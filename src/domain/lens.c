#include "domain/lens.h"

#include "domain/lens_table.h"

static const struct lens lenses[] = {
    {.name = "recency",
     .first = true,
     .rank = lens_recency_rank,
     .bound = lens_recency_bound,
     .ceiling = lens_recency_ceiling,
     .resolve = lens_resolve_first},
    {.name = "confidence",
     .first = true,
     .rank = lens_confidence_rank,
     .bound = lens_confidence_bound,
     .ceiling = lens_no_ceiling,
     .resolve = lens_resolve_first},
    {.name = "authority",
     .weighs = true,
     .first = true,
     .rank = lens_authority_rank,
     .bound = lens_authority_bound,
     .ceiling = lens_no_ceiling,
     .resolve = lens_resolve_first},
    {.name = "consensus",
     .weighs = true,
     .rank = lens_consensus_rank,
     .bound = lens_consensus_bound,
     .ceiling = lens_no_ceiling,
     .resolve = lens_consensus_resolve},
    {.name = "skeptic",
     .weighs = true,
     .rank = lens_consensus_rank,
     .bound = lens_consensus_bound,
     .ceiling = lens_no_ceiling,
     .resolve = lens_skeptic_resolve},
    {.name = "layered",
     .weighs = true,
     .tiers = true,
     .rank = lens_layered_rank,
     .bound = lens_layered_bound,
     .ceiling = lens_no_ceiling,
     .resolve = lens_layered_resolve},
    {.name = "timeline", .events = true, .rank = lens_timeline_rank},
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
}

uint64_t lens_no_ceiling(const struct rank *after) {
  (void)after;
  return UINT64_MAX;
}

void lens_decide(const struct lens *lens, const struct candidates *candidates, struct resolution *out) {
  *out = (struct resolution){.conflict = candidates->conflict, .status = groups_status(candidates)};
  lens->resolve(candidates, out);
  if (candidates->many) {
    out->winner = NULL;
    out->conflict = 0;
    out->status = candidates->group_count < 2 ? STATUS_UNANIMOUS : STATUS_AGREED;
    out->show_layers = false;
  }
}
