/* Assertions: from a client's JSON to the canonical body, and from a stored body to its fields. */
#ifndef MODEL_ASSERTION_H
#define MODEL_ASSERTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/canonical.h"
#include "model/digest.h"
#include "model/field_errors.h"
#include "model/json.h"

enum { ASSERTION_VALUE_MAX = 65536, ASSERTION_DERIVED_MAX = 64 };

/* A stored assertion's fields. Strings are unescaped; spans borrow from the body, or from the arena where an escape had
 * to be undone. */
struct assertion {
  struct span concept_path, predicate, source; /* source: len 0 for anonymous */
  struct span value;                           /* canonical JSON, inside the body */
  double confidence;                           /* 1.0 if absent */
  bool has_observed_at, has_valid_from, has_valid_to;
  int64_t observed_at, valid_from, valid_to; /* microseconds since 1970 */
  struct span derived_from;                  /* the canonical JSON array, or len 0 */
  size_t derived_count;
};

/* What a client asked to assert, ready for the committer. */
struct assertion_draft {
  struct span body;  /* canonical, in the arena */
  struct span value; /* inside body */
  struct span concept_path, predicate, source;
  const unsigned char *derived; /* derived_count * ID_SIZE bytes in the arena */
  size_t derived_count;
};

/*
 * Validates the object `token` and makes its canonical body. Everything wrong is added to `errors`, with pointers below
 * `pointer` ("" for a single body, "/3" in an array): missing, unknown, out of range, wrong type, inexact number,
 * valid_to not after valid_from, reserved predicate with a value of the wrong type (settings, contract section 1).
 * Returns 0 also then, and *draft is good only if nothing was added; ERR_NOMEM.
 */
NODISCARD int assertion_validate(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                                 struct field_errors *errors, struct assertion_draft *draft, struct err *err);

/* Takes a stored canonical body apart, in one pass and without allocation unless a string is escaped. ERR_CORRUPT if it
 * is not a canonical assertion body. */
NODISCARD int assertion_read(struct arena *arena, struct span body, struct assertion *out, struct err *err);

/* The i-th id of derived_from (0 <= i < derived_count). */
void assertion_derived_id(const struct assertion *assertion, size_t i, unsigned char id[ID_SIZE]);

#endif
