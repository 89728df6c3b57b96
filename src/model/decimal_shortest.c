#include "model/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(FLT_RADIX == 2 && DBL_MANT_DIG == 53 && FLT_EVAL_METHOD == 0, "doubles are IEEE 754 binary64");

/* --- any double, by the C library --- */

/* Adds one unit in the last of the digits. */
static void increment(struct decimal *decimal) {
  for (unsigned i = decimal->count; i-- > 0;) {
    if (decimal->digits[i] != '9') {
      decimal->digits[i]++;
      return;
    }
    decimal->digits[i] = '0';
  }
  decimal->digits[0] = '1';
  decimal->point++;
}

static void strip_zeros(struct decimal *decimal) {
  while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
    decimal->count--;
}

/* The `count` digits nearest to `value`. */
static void round_to_digits(double value, unsigned count, struct decimal *out) {
  char text[64];
  snprintf(text, sizeof(text), "%.*e", (int)count - 1, fabs(value));
  const char *p = text;
  out->negative = value < 0;
  out->count = 0;
  for (; *p != 'e'; p++)
    if (*p >= '0' && *p <= '9') /* skips the locale's decimal point */
      out->digits[out->count++] = *p;
  out->point = strtol(p + 1, NULL, 10) + 1;
}

static void shortest_of_any(double value, struct decimal *out) {
  int exponent;
  bool power_of_two = fabs(frexp(value, &exponent)) == 0.5;
  for (unsigned count = isnormal(value) ? DBL_DIG : 1; count <= DECIMAL_DOUBLE_DIGITS_MAX; count++) {
    round_to_digits(value, count, out);
    if (decimal_to_double(out) == value)
      break;
    /* Doubles are half as dense above a power of two as below it: the next greater number of this length can still be
     * read back as it, though a lesser one is nearer. */
    if (power_of_two) {
      increment(out);
      if (decimal_to_double(out) == value)
        break;
    }
  }
  strip_zeros(out);
}

/* --- doubles of everyday size, exactly, in whole numbers --- */

__extension__ typedef unsigned __int128 wide;

/* A positive double in units of 10^-k x 2^-shift, where it is a whole number: value / 2^shift has 17 digits before its
 * point. */
struct scaled {
  wide value;
  wide gap; /* to the next greater double; to the next lesser one it is half of that if `power_of_two` */
  int shift;
  int64_t point; /* as in struct decimal */
  bool even, power_of_two;
};

/* False: it is not in [1e-5, 2^52), and its digits would not fit. */
static bool scale(double value, struct scaled *out) {
  static const double least = 1e-5, limit = 4503599627370496.0;
  if (value < least || value >= limit)
    return false;
  int exponent;
  uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), DBL_MANT_DIG);
  *out = (struct scaled){.value = mantissa,
                         .gap = 1,
                         .shift = DBL_MANT_DIG - exponent, /* 1 to 69 */
                         .point = DECIMAL_DOUBLE_DIGITS_MAX,
                         .even = mantissa % 2 == 0,
                         .power_of_two = (mantissa & (mantissa - 1)) == 0};
  while (out->value >> out->shift < UINT64_C(10000000000000000)) { /* at most 21 times */
    out->value *= 10;
    out->gap *= 10;
    out->point--;
  }
  return true;
}

/* Whether a decimal number at this distance is read back as the double: no other one is nearer, and if one is as near
 * the last bit of this one is 0. */
static bool is_read_back(const struct scaled *s, wide distance, bool below) {
  wide doubled = distance * (s->power_of_two && below ? 4 : 2);
  return doubled < s->gap || (doubled == s->gap && s->even);
}

/* Rounds to digits / 10^dropped of the 17; false if the result is not read back as the double. */
static bool round_scaled(const struct scaled *s, uint64_t dropped, uint64_t *digits) {
  wide unit = (wide)dropped << s->shift;
  *digits = (uint64_t)(s->value >> s->shift) / dropped;
  wide rest = s->value - *digits * unit;
  bool down = 2 * rest < unit || (2 * rest == unit && *digits % 2 == 0);
  if (down && is_read_back(s, rest, true))
    return true;
  ++*digits; /* the nearest one, or above a power of two perhaps the only one: see shortest_of_any */
  return (!down || s->power_of_two) && is_read_back(s, unit - rest, false);
}

void decimal_shortest(double value, struct decimal *out) {
  struct scaled s;
  uint64_t digits, dropped = 100;
  int64_t count = DBL_DIG;
  if (!scale(fabs(value), &s)) {
    shortest_of_any(value, out);
    return;
  }
  for (; !round_scaled(&s, dropped, &digits); dropped /= 10) /* 17 digits are always read back */
    count++;
  decimal_from_integer((int64_t)digits, out);
  out->negative = value < 0;
  out->point += s.point - count;
}
