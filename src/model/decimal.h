/* Decimal numbers and doubles, exactly. Independent of the locale. Internal to model/. */
#ifndef MODEL_DECIMAL_H
#define MODEL_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum {
  DECIMAL_DIGITS_MAX = 19,       /* of an integer of 64 bits with a sign */
  DECIMAL_DOUBLE_DIGITS_MAX = 17 /* of the shortest form of a double */
};

/* A decimal number without leading or trailing zeros: 0.DIGITS x 10^point, 0 if count is 0. */
struct decimal {
  bool negative;
  unsigned count;
  char digits[DECIMAL_DIGITS_MAX + 1];
  int64_t point;
};

/* Takes the text of a JSON number apart; false if it has more than DECIMAL_DIGITS_MAX digits. Linear in the text,
 * whatever its exponent. */
bool decimal_read(struct span text, struct decimal *out);
void decimal_from_integer(int64_t value, struct decimal *out);
/* The nearest double; infinite beyond the range. */
double decimal_to_double(const struct decimal *decimal);
/* The shortest decimal number that is read back as `value` (finite, not 0), the nearest of that length: ECMA-262,
 * Number::toString, step 5 with note 2. */
void decimal_shortest(double value, struct decimal *out);

#endif
