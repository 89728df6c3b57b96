#include "model/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/canonical.h"
#include "model/decimal.h"

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
  if (d->point < d->count || d->point > DECIMAL_DIGITS_MAX)
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
  if (d->count <= DBL_DIG && d->point >= -290 && d->point <= 290)
    return true;
  if (d->count > DECIMAL_DOUBLE_DIGITS_MAX)
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
  struct decimal d;
  return decimal_read(canonical, &d) ? decimal_to_double(&d) : 0; /* no canonical number has too many digits */
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
  struct decimal d;
  if (value >= -limit && value < limit && value == trunc(value)) {
    decimal_from_integer((int64_t)value, &d);
    if (d.count == 0)
      memcpy(out, "0", 2);
    else
      format_integer(&d, out);
    return;
  }
  decimal_shortest(value, &d);
  format_double(&d, out);
}
