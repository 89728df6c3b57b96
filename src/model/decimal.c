#include "model/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (zeros + out->count >= DECIMAL_DIGITS_MAX)
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

void decimal_from_integer(int64_t value, struct decimal *out) {
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  out->negative = value < 0;
  out->count = 0;
  out->point = 0;
  for (uint64_t rest = magnitude; rest > 0; rest /= 10)
    out->point++;
  int64_t at = out->point;
  for (; magnitude > 0; magnitude /= 10) {
    unsigned digit = (unsigned)(magnitude % 10);
    at--;
    if (out->count == 0 && digit > 0)
      out->count = (unsigned)at + 1;
    out->digits[at] = (char)('0' + digit);
  }
}

/* Up to 15 digits and a power of ten up to 22 are doubles exactly, so that one multiplication or division rounds once,
 * to nearest (W. Clinger, "How to read floating point numbers accurately", 1990). False: it has more. */
static bool to_double_exactly(const struct decimal *decimal, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  int64_t exponent = decimal->point - decimal->count;
  if (decimal->count > DBL_DIG || exponent < -22 || exponent > 22)
    return false;
  double value = 0;
  for (unsigned i = 0; i < decimal->count; i++)
    value = value * 10 + (decimal->digits[i] - '0');
  value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
  *out = decimal->negative ? -value : value;
  return true;
}

double decimal_to_double(const struct decimal *decimal) {
  double value;
  if (to_double_exactly(decimal, &value))
    return value;
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
