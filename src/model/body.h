/* Walking a stored canonical body: no white space, so that a few bytes decide. Internal to model/. */
#ifndef MODEL_BODY_H
#define MODEL_BODY_H

#include <stdbool.h>

#include "base/span.h"

/* A place in a body that is being walked. */
struct body_cursor {
  const unsigned char *at, *end;
};

/* One member: name and value as they stand in the body, the name without its quotes. */
struct body_member {
  struct span name, value;
};

/* Starts on the object `body`; false if it is not one. */
bool body_begin(struct body_cursor *cursor, struct span body);
/* Takes the next member; *more is false, with the cursor at the end, when there is none. False: it is not the object
 * that it should be. What is inside a value is only skipped over, not checked. */
bool body_next(struct body_cursor *cursor, struct body_member *member, bool *more);
/* The span of the member `value` of an assertion's body; false if there is none. It is the last one, since members are
 * sorted. */
bool body_value(struct span body, struct span *value);

#endif
