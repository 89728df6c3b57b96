/* A set of values, in an arena. */
#ifndef DOMAIN_VALUE_SET_H
#define DOMAIN_VALUE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct value_set {
  struct span *slots; /* len 0: empty (no JSON value is) */
  size_t count, size; /* size: a power of two, or 0 */
};

/* Whether it is in the set. */
bool value_set_has(const struct value_set *set, struct span value);
/* Adds one that is not; borrowed. ERR_NOMEM. */
NODISCARD int value_set_add(struct arena *arena, struct value_set *set, struct span value, struct err *err);

#endif
