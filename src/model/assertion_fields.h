/* The fields of an assertion's body, and the body cut into them. Internal to model/. */
#ifndef MODEL_ASSERTION_FIELDS_H
#define MODEL_ASSERTION_FIELDS_H

#include <stdbool.h>

#include "base/span.h"

/* In the order in which the canonical body has them: by name. The value is the last. */
enum assertion_field {
  FIELD_CONCEPT_PATH,
  FIELD_CONFIDENCE,
  FIELD_DERIVED_FROM,
  FIELD_OBSERVED_AT,
  FIELD_PREDICATE,
  FIELD_SOURCE,
  FIELD_VALID_FROM,
  FIELD_VALID_TO,
  FIELD_VALUE,
  FIELD_COUNT
};

struct assertion_field_form {
  const char *name;
  const char *key; /* "name": with quotes and colon, as the body has it */
  size_t name_len, key_len;
  char first; /* byte of the value: of a string its quote, of an array its bracket, else 0 */
};

extern const struct assertion_field_form assertion_fields[FIELD_COUNT];

/* A canonical body in pieces, borrowed from it: of a string what is between its quotes, still escaped. An absent field
 * has data NULL. */
struct assertion_pieces {
  struct span fields[FIELD_COUNT];
  unsigned escaped; /* bit f: the string of field f has a backslash */
};

/* Cuts a body; false if it has another form than the canonical body of an assertion. What is inside the pieces is not
 * checked. */
bool assertion_split(struct span body, struct assertion_pieces *out);

#endif
