/* Which values count as equal, given a tolerance. */
#ifndef DOMAIN_TOLERANCE_H
#define DOMAIN_TOLERANCE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/* Of `count` different canonical values, cluster[i] tells which go together: numbers are sorted, and neighbours at most
 * `tolerance` (a canonical number) apart share a cluster, however long the chain becomes; any other value is alone.
 * Clusters are numbered from 0 to less than `count`, with gaps. ERR_NOMEM. */
NODISCARD int tolerance_cluster(struct arena *arena, const struct span *values, uint32_t count, struct span tolerance,
                                uint32_t *cluster, struct err *err);

#endif
