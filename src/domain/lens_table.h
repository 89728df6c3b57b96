/* The functions of the lenses, for the table in lens.c. */
#ifndef DOMAIN_LENS_TABLE_H
#define DOMAIN_LENS_TABLE_H

#include "domain/lens.h"

struct rank lens_recency_rank(const struct ranked *item);
struct rank lens_recency_bound(const struct ranked *last);
uint64_t lens_recency_ceiling(const struct rank *after);

struct rank lens_confidence_rank(const struct ranked *item);
struct rank lens_confidence_bound(const struct ranked *last);

struct rank lens_authority_rank(const struct ranked *item);
struct rank lens_authority_bound(const struct ranked *last);

struct rank lens_consensus_rank(const struct ranked *item);
struct rank lens_consensus_bound(const struct ranked *last);
void lens_consensus_resolve(const struct candidates *candidates, struct resolution *out);

struct rank lens_layered_rank(const struct ranked *item);
struct rank lens_layered_bound(const struct ranked *last);
void lens_layered_resolve(const struct candidates *candidates, struct resolution *out);

struct rank lens_timeline_rank(const struct ranked *item);

void lens_skeptic_resolve(const struct candidates *candidates, struct resolution *out);

/* For lenses whose winner is simply the first in their order. */
void lens_resolve_first(const struct candidates *candidates, struct resolution *out);
/* For lenses whose order does not follow seq. */
uint64_t lens_no_ceiling(const struct rank *after);

#endif
