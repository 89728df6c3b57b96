/* Numbers compared by their exact decimal values, which is what people wrote: 0.3 and 0.4 are 0.1 apart, though the
 * doubles nearest to them are not. */
#ifndef MODEL_NUMBER_ORDER_H
#define MODEL_NUMBER_ORDER_H

#include <stdbool.h>

#include "base/span.h"

/* Whether a canonical JSON value is a number. */
static inline bool number_is(struct span canonical) {
  return canonical.len > 0 && (canonical.data[0] == '-' || (canonical.data[0] >= '0' && canonical.data[0] <= '9'));
}
/* <0, 0, >0 as the canonical number a is less than, equal to or greater than b. */
int number_compare(struct span a, struct span b);
/* Whether `high` is at most `gap` above `low`; all are canonical numbers. */
bool number_within(struct span low, struct span high, struct span gap);

#endif
