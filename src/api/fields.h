/*
 * Named fields of a request, the same ones whether they come as members of a JSON object or as parameters of a query
 * string: a resource has one table of them, and everything that is wrong is said in one answer.
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "api/request.h"
#include "domain/moment.h"
#include "model/field_errors.h"
#include "model/json.h"

/* Where a field is read: its value is a token of `doc`, or, with doc NULL, a parameter's text. */
struct field_input {
  struct arena *arena;
  struct field_errors *errors;
  const char *name;
  const struct json_doc *doc;
  uint32_t token;
  struct span text;
};

enum field_flags { FIELD_REQUIRED = 1 };

/* One line of a resource's table. `read` checks the value and stores it in `target`, the resource's own struct; what is
 * wrong it adds to input->errors and returns 0. ERR_NOMEM. */
struct field {
  const char *name;
  int flags;
  int (*read)(const struct field_input *input, void *target, struct err *err);
};

/* Reads all members of a JSON object (the root of `doc`). ERR_NOMEM. */
NODISCARD int fields_read_object(struct arena *arena, const struct json_doc *doc, const struct field *fields,
                                 size_t count, struct field_errors *errors, void *target, struct err *err);
/* Reads all parameters of a query string; with count 0 none is allowed. ERR_INVALID (400): it cannot be decoded.
 * ERR_NOMEM. */
NODISCARD int fields_read_query(struct arena *arena, struct span query_string, const struct field *fields, size_t count,
                                struct field_errors *errors, void *target, struct err *err);

/* Adds what is wrong with the field. */
void field_fault(const struct field_input *input, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The readers below return 0 with *good false when they have added a fault. */

NODISCARD int field_string(const struct field_input *input, struct span *out, bool *good, struct err *err);
/* An integer in [least, greatest], in any JSON spelling of it. */
NODISCARD int field_integer(const struct field_input *input, uint64_t least, uint64_t greatest, uint64_t *out,
                            bool *good, struct err *err);
/* A number in [least, greatest]. */
NODISCARD int field_number(const struct field_input *input, double least, double greatest, double *out, bool *good,
                           struct err *err);
/* true or false; as a parameter these words. What is neither is added as a fault, and *out is false. ERR_NOMEM. */
NODISCARD int field_boolean(const struct field_input *input, bool *out, struct err *err);
/* Whether the value is written as a number. */
bool field_is_number(const struct field_input *input);
/* A moment: a seq (number), or an RFC 3339 time (string). */
NODISCARD int field_moment(const struct field_input *input, struct moment *out, bool *good, struct err *err);

#endif
