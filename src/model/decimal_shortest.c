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
  wide gap; /* to the next double */
  int shift;
  int64_t point; /* as in struct decimal */
};

/* False: it is not in [1e-5, 2^52), and its digits would not fit. */
static bool scale(double value, struct scaled *out) {
  static const double least = 1e-5, limit = 4503599627370496.0;
  if (value < least || value >= limit)
    return false;
  int exponent;
  double mantissa = frexp(value, &exponent);
  *out = (struct scaled){.value = (uint64_t)ldexp(mantissa, DBL_MANT_DIG),
                         .gap = 1,
                         .shift = DBL_MANT_DIG - exponent, /* 1 to 69 */
                         .point = DECIMAL_DOUBLE_DIGITS_MAX};
  while (out->value >> out->shift < UINT64_C(10000000000000000)) { /* at most 21 times */
    out->value *= 10;
    out->gap *= 10;
    out->point--;
  }
  return true;
}

/*
 * Rounds the 17 digits to *digits x dropped; false if the result is not read back as the double, which it is if it lies
 * within half a gap. In this range that is all: the number in the middle of two doubles has more than 16 digits, so
 * that there is no tie, and a power of two, whose lower gap is smaller, has at most 16 and is met exactly.
 */
static bool round_scaled(const struct scaled *s, uint64_t dropped, uint64_t *digits) {
  wide unit = (wide)dropped << s->shift;
  *digits = (uint64_t)(s->value >> s->shift) / dropped;
  wide rest = s->value - *digits * unit, distance = rest;
  if (2 * rest > unit || (2 * rest == unit && *digits % 2 == 1)) {
    ++*digits;
    distance = unit - rest;
  }
  return 2 * distance < s->gap;
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
