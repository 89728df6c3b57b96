/* Decimal numbers and doubles, exactly. Independent of the locale. Internal to model/. */
#ifndef MODEL_NUMBER_H
#define MODEL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* A decimal number without leading or trailing zeros: 0.DIGITS x 10^point, 0 if count is 0. No integer of 64 bits and
 * no shortest form of a double has more than 19 digits. */
struct decimal {
  bool negative;
  unsigned count;
  char digits[20];
  int64_t point;
};

/* Takes the text of a JSON number apart; false if it has more than 19 digits. Linear in the text, whatever its
 * exponent. */
bool decimal_read(struct span text, struct decimal *out);
/* The shortest decimal number that is read back as `value` (finite, not 0), the nearest of that length: ECMA-262,
 * Number::toString, steps 5 and 6 with note 2. */
void decimal_shortest(double value, struct decimal *out);
/* The nearest double; infinite beyond the range. */
double decimal_to_double(const struct decimal *decimal);

/* Writes the canonical form of a JSON number; its length, or 0 if it cannot be kept exactly. */
size_t number_canonical(struct span text, char out[40]);
/* The double nearest to a canonical number. */
double number_to_double(struct span canonical);
/* Whether a canonical number is in [0, 1]. */
bool number_in_unit(struct span canonical);

#endif
