/* Heads by tier: consensus within each, and the votes of the tiers. */
#include <stdlib.h>

#include "domain/lens.h"

enum { TIER_COUNT = 6 };

/* The heads of one tier, in their order, as candidates of their own. */
static int form_layer(struct arena *arena, struct candidates *c, struct layer *layer, uint32_t count, struct err *err) {
  struct candidates *own = &layer->candidates;
  *own = (struct candidates){.tolerance = c->tolerance, .heads = arena_calloc(arena, count, sizeof(*own->heads))};
  if (!own->heads)
    return err_set(err, ERR_NOMEM, "too many sources for one answer");
  for (uint32_t i = 0; i < c->head_count; i++)
    if (c->heads[i].tier == layer->tier)
      own->heads[own->head_count++] = c->heads[i];
  int code = groups_form(arena, own, err);
  for (uint32_t i = 0, n = 0; !code && i < c->head_count; i++)
    if (c->heads[i].tier == layer->tier)
      c->heads[i].level = own->heads[n++].level;
  return code;
}

/* One vote a tier, whatever its weight. */
static int form_votes(struct arena *arena, struct candidates *c, struct err *err) {
  struct candidates *votes = arena_calloc(arena, 1, sizeof(*votes));
  struct head *heads = votes ? arena_calloc(arena, c->layer_count, sizeof(*heads)) : NULL;
  if (!heads)
    return err_set(err, ERR_NOMEM, "no memory for the tiers of an answer");
  for (uint32_t i = 0; i < c->layer_count; i++) {
    const struct candidates *layer = &c->layers[i].candidates;
    heads[i] = layer->heads[layer->groups[0].winner];
    heads[i].confidence = heads[i].trust = 1;
  }
  *votes = (struct candidates){.tolerance = c->tolerance, .heads = heads, .head_count = c->layer_count};
  c->votes = votes;
  return groups_form(arena, votes, err);
}

int layers_form(struct arena *arena, struct candidates *c, struct err *err) {
  uint32_t counts[TIER_COUNT] = {0};
  for (uint32_t i = 0; i < c->head_count; i++)
    counts[c->heads[i].tier]++;
  c->layers = arena_calloc(arena, TIER_COUNT, sizeof(*c->layers));
  if (!c->layers)
    return err_set(err, ERR_NOMEM, "no memory for the tiers of an answer");
  c->layer_count = 0;
  for (int tier = 0; tier < TIER_COUNT; tier++) {
    if (counts[tier] == 0)
      continue;
    struct layer *layer = &c->layers[c->layer_count++];
    layer->tier = tier;
    int code = form_layer(arena, c, layer, counts[tier], err);
    if (code)
      return code;
  }
  return form_votes(arena, c, err);
}
