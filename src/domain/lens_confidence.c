/* Confidence: the most confident is believed, whether or not its source has said something since. */
#include "domain/lens_table.h"

struct rank lens_confidence_rank(const struct ranked *item) {
  return (struct rank){0, item->confidence, 0, item->seq};
}

struct rank lens_confidence_bound(const struct ranked *last) {
  return (struct rank){0, 1, 0, last->seq - 1};
}
