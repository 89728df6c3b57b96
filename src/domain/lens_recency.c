/* Recency: the newest is believed. */
#include "domain/lens_table.h"

struct rank lens_recency_rank(const struct ranked *item) {
  return (struct rank){0, 0, 0, item->seq};
}

struct rank lens_recency_bound(const struct ranked *last) {
  return (struct rank){0, 0, 0, last->seq - 1};
}

uint64_t lens_recency_ceiling(const struct rank *after) {
  return after->seq - 1;
}
