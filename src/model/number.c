#include "model/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/canonical.h"

enum {
  DIGITS_MAX = 19,       /* of 2^63 */
  DOUBLE_DIGITS_MAX = 17 /* of any shortest form */
};

/* An exponent is never counted further than this: far beyond any double, even behind 4 GiB of zeros. */
static const int64_t exponent_max = INT64_C(1000000000000000);

static bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}

/* The exponent at p, behind the "e"; cut off at exponent_max. */
static int64_t read_exponent(const unsigned char *p, const unsigned char *end) {
  int64_t value = 0;
  bool minus = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+'))
    p++;
  for (; p < end && is_digit(*p); p++)
    if (value < exponent_max)
      value = value * 10 + (*p - '0');
  return minus ? -value : value;
}

bool decimal_read(struct span text, struct decimal *out) {
  const unsigned char *p = text.data, *end = p + text.len;
  int64_t point = 0, zeros = 0; /* zeros: seen after the last digit that was kept */
  bool fraction = false;
  out->negative = p < end && *p == '-';
  out->count = 0;
  for (p += out->negative; p < end; p++) {
    if (*p == '.') {
      fraction = true;
      continue;
    }
    if (!is_digit(*p))
      break;
    if (*p == '0') {
      if (out->count == 0)
        point -= fraction; /* a leading zero */
      zeros += out->count > 0;
      point += out->count > 0 && !fraction;
      continue;
    }
    if (zeros + out->count >= DIGITS_MAX)
      return false;
    for (; zeros > 0; zeros--)
      out->digits[out->count++] = '0';
    out->digits[out->count++] = (char)*p;
    point += !fraction;
  }
  if (p < end)
    point += read_exponent(p + 1, end);
  out->point = out->count ? point : 0;
  return true;
}

double decimal_to_double(const struct decimal *decimal) {
  if (decimal->count == 0)
    return 0;
  if (decimal->point > 400)
    return decimal->negative ? -HUGE_VAL : HUGE_VAL;
  if (decimal->point < -400)
    return 0;
  /* Without a decimal point the locale has no say; strtod rounds to nearest. */
  char text[48];
  snprintf(text, sizeof(text), "%s%.*se%d", decimal->negative ? "-" : "", (int)decimal->count, decimal->digits,
           (int)decimal->point - (int)decimal->count);
  return strtod(text, NULL);
}

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

/* The `count` digits nearest to `value`. */
static void round_to_digits(double value, unsigned count, struct decimal *out) {
  char text[64];
  snprintf(text, sizeof(text), "%.*e", (int)count - 1, fabs(value));
  const char *p = text;
  out->negative = value < 0;
  out->count = 0;
  for (; *p != 'e'; p++)
    if (is_digit((unsigned char)*p)) /* skips the locale's decimal point */
      out->digits[out->count++] = *p;
  out->point = strtol(p + 1, NULL, 10) + 1;
}

void decimal_shortest(double value, struct decimal *out) {
  int exponent;
  bool power_of_two = fabs(frexp(value, &exponent)) == 0.5;
  for (unsigned count = isnormal(value) ? 15 : 1; count <= DOUBLE_DIGITS_MAX; count++) {
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
  while (out->count > 1 && out->digits[out->count - 1] == '0')
    out->count--;
}

static char *put(char *p, const char *data, size_t len) {
  memcpy(p, data, len);
  return p + len;
}

static char *put_zeros(char *p, int64_t count) {
  for (; count > 0; count--)
    *p++ = '0';
  return p;
}

/* ECMA-262, Number::toString, steps 6 to 12; at most 25 characters. */
static size_t format_double(const struct decimal *d, char out[40]) {
  char *p = out;
  size_t count = d->count;
  int64_t point = d->point;
  if (d->negative)
    *p++ = '-';
  if ((int64_t)count <= point && point <= 21) {
    p = put_zeros(put(p, d->digits, count), point - (int64_t)count);
  } else if (0 < point && point <= 21) {
    p = put(p, d->digits, (size_t)point);
    *p++ = '.';
    p = put(p, d->digits + point, count - (size_t)point);
  } else if (-6 < point && point <= 0) {
    p = put(put_zeros(put(p, "0.", 2), -point), d->digits, count);
  } else {
    *p++ = d->digits[0];
    if (count > 1) {
      *p++ = '.';
      p = put(p, d->digits + 1, count - 1);
    }
    p += snprintf(p, 8, "e%c%d", point > 0 ? '+' : '-', abs((int)point - 1));
  }
  *p = 0;
  return (size_t)(p - out);
}

/* Writes an integer in [-2^63, 2^63-1]; its length, or 0 if it is none. */
static size_t format_integer(const struct decimal *d, char out[40]) {
  if (d->point < d->count || d->point > DIGITS_MAX)
    return 0;
  uint64_t magnitude = 0; /* 19 digits fit */
  for (int64_t i = 0; i < d->point; i++)
    magnitude = magnitude * 10 + (i < d->count ? (uint64_t)(d->digits[i] - '0') : 0);
  if (magnitude > (uint64_t)INT64_MAX + d->negative)
    return 0;
  char *p = out;
  if (d->negative)
    *p++ = '-';
  p = put_zeros(put(p, d->digits, d->count), d->point - d->count);
  *p = 0;
  return (size_t)(p - out);
}

/* Whether the number is the shortest form of the double that is nearest to it. */
static bool is_shortest(const struct decimal *d) {
  /* Up to 15 digits survive the way to a double and back (C11 5.2.4.2.2, DBL_DIG), so no shorter ones give the same
   * double; the range is well inside that of normal doubles. */
  if (d->count <= 15 && d->point >= -290 && d->point <= 290)
    return true;
  if (d->count > DOUBLE_DIGITS_MAX)
    return false;
  double nearest = decimal_to_double(d);
  if (isinf(nearest) || nearest == 0)
    return false;
  struct decimal shortest;
  decimal_shortest(nearest, &shortest);
  return shortest.point == d->point && shortest.count == d->count && memcmp(shortest.digits, d->digits, d->count) == 0;
}

size_t number_canonical(struct span text, char out[40]) {
  struct decimal d;
  if (!decimal_read(text, &d))
    return 0;
  if (d.count == 0) {
    memcpy(out, "0", 2);
    return 1;
  }
  size_t len = format_integer(&d, out);
  if (len)
    return len;
  return is_shortest(&d) ? format_double(&d, out) : 0;
}

double number_to_double(struct span canonical) {
  static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  struct decimal d;
  if (!decimal_read(canonical, &d)) /* not canonical: more digits than are ever written */
    return 0;
  int64_t places = (int64_t)d.count - d.point;
  if (d.count > 15 || places < 0 || places > 15)
    return decimal_to_double(&d);
  /* Both are exact, so that the one division rounds correctly. */
  double digits = 0;
  for (unsigned i = 0; i < d.count; i++)
    digits = digits * 10 + (d.digits[i] - '0');
  return (d.negative ? -digits : digits) / powers[places];
}

bool number_in_unit(struct span canonical) {
  struct decimal d;
  if (canonical.len == 0 || !decimal_read(canonical, &d))
    return false;
  if (d.count == 0 || d.negative)
    return d.count == 0;
  return d.point <= 0 || (d.point == 1 && d.count == 1 && d.digits[0] == '1');
}

bool canonical_number(struct span text, char out[40]) {
  return number_canonical(text, out) > 0;
}

void canonical_double(double value, char out[40]) {
  static const double limit = 9223372036854775808.0; /* 2^63 */
  if (value >= -limit && value < limit && value == trunc(value)) {
    snprintf(out, 40, "%" PRId64, (int64_t)value);
    return;
  }
  struct decimal shortest;
  decimal_shortest(value, &shortest);
  format_double(&shortest, out);
}
