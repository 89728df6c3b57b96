/* All that is wrong with the fields of one request: {pointer, detail} pairs, answered together with status 422. */
#ifndef MODEL_FIELD_ERRORS_H
#define MODEL_FIELD_ERRORS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum { FIELD_ERRORS_MAX = 100 };

struct field_error {
  struct span pointer; /* JSON Pointer (RFC 6901), in the arena */
  struct span detail;  /* for people, in the arena */
};

struct field_errors {
  struct arena *arena;
  size_t count; /* all of them; the first FIELD_ERRORS_MAX are kept */
  struct field_error items[FIELD_ERRORS_MAX];
};

void field_errors_init(struct field_errors *errors, struct arena *arena);
/* Adds one. `pointer` is the parent's pointer, `name` (may be NULL) its member, escaped here ("~" as "~0", "/" as
 * "~1"). */
void field_errors_add(struct field_errors *errors, struct span pointer, const char *name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The pointer `parent` "/" `name` escaped, in the arena; data is NULL without memory. */
struct span field_pointer(struct arena *arena, struct span parent, struct span name);
struct span field_pointer_index(struct arena *arena, struct span parent, size_t index);

#endif
