/* Moments in RFC 3339 form. */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { TIMESTAMP_SIZE = 28 }; /* "2026-11-24T21:43:15.123456Z" and NUL */

/* Parses an RFC 3339 date-time of the years 0001 to 9999 with any offset and up to 6 fractional digits. *us is
 * microseconds since 1970 (may be negative). False: not one (a leap second, more digits or -00:00 included); *reason
 * says why. */
bool timestamp_parse(struct span text, int64_t *us, const char **reason);
/* With exactly 6 fractional digits: the form of `timestamp`. */
void timestamp_format(int64_t us, char out[TIMESTAMP_SIZE]);
/* The canonical form of a client's time: UTC, `Z`, no trailing zeros in the fraction, none if it is 0. */
void timestamp_format_short(int64_t us, char out[TIMESTAMP_SIZE]);

#endif
