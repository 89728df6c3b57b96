/* Authority: the most trusted source is believed, and of it what it is most confident of. */
#include "domain/lens_table.h"

struct rank lens_authority_rank(const struct ranked *item) {
  return (struct rank){0, item->trust, item->confidence, item->seq};
}

struct rank lens_authority_bound(const struct ranked *last) {
  return (struct rank){0, last->trust, 1, last->seq - 1};
}
