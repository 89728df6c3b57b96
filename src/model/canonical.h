/*
 * The canonical form: RFC 8785 (members sorted by UTF-16 code units, no white space, shortest numbers), with one
 * departure: a number whose exact value is an integer in [-2^63, 2^63-1] is written as plain decimal digits. A number
 * whose shortest double form has another decimal value than what was sent is refused, never rounded.
 */
#ifndef MODEL_CANONICAL_H
#define MODEL_CANONICAL_H

#include "model/field_errors.h"
#include "model/json.h"

/* Appends the canonical form of `token`. Numbers that cannot be kept exactly and member names with NUL are added to
 * `errors` under `pointer` (a JSON Pointer, RFC 6901, of the token). Returns 0 also then; ERR_NOMEM. */
NODISCARD int canonical_value(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                              struct field_errors *errors, struct buf *out, struct err *err);

/* Writes the canonical form of a JSON number into out[40], NUL-terminated; false if it cannot be kept exactly. */
NODISCARD bool canonical_number(struct span text, char out[40]);

/* The ECMAScript form of a finite double (ECMA-262 Number::toString, RFC 8785 section 3.2.2.3) into out[40]; integers
 * of the 64-bit range as plain digits. For numbers that StemeDB computes itself. */
void canonical_double(double value, char out[40]);

#endif
