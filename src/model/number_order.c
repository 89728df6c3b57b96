#include "model/number_order.h"

#include <string.h>

#include "model/decimal.h"
#include "model/number.h"

/* The powers of ten that the digits of canonical numbers stand for: from 5e-324 with 17 digits to 1.7e308, and room for
 * a carry. */
enum { POWER_MIN = -345, POWER_MAX = 312, POWER_COUNT = POWER_MAX - POWER_MIN + 1 };

/* A sum of numbers, digit by digit; a digit may be anything until sum_sign() carries. */
struct sum {
  int digits[POWER_COUNT];
  int64_t least, greatest; /* the powers that are in use */
};

static void sum_add(struct sum *sum, struct span number, int sign) {
  struct decimal d;
  if (!decimal_read(number, &d) || d.count == 0 || d.point >= POWER_MAX || d.point - d.count < POWER_MIN)
    return; /* 0; nothing else is beyond the range */
  for (unsigned i = 0; i < d.count; i++)
    sum->digits[d.point - 1 - i - POWER_MIN] += (d.negative ? -sign : sign) * (d.digits[i] - '0');
  const int64_t least = d.point - d.count, greatest = d.point - 1;
  sum->least = least < sum->least ? least : sum->least;
  sum->greatest = greatest > sum->greatest ? greatest : sum->greatest;
}

static void sum_init(struct sum *sum) {
  memset(sum->digits, 0, sizeof(sum->digits));
  sum->least = POWER_MAX;
  sum->greatest = POWER_MIN;
}

static int sum_sign(const struct sum *sum) {
  int carry = 0;
  bool zero = true;
  for (int64_t power = sum->least; power <= sum->greatest; power++) {
    const int total = sum->digits[power - POWER_MIN] + carry, digit = (total % 10 + 10) % 10;
    zero = zero && digit == 0;
    carry = (total - digit) / 10;
  }
  return carry ? (carry < 0 ? -1 : 1) : !zero;
}

int number_compare(struct span a, struct span b) {
  /* Rounding to the nearest double keeps the order, but for numbers that round to the same. */
  const double x = number_to_double(a), y = number_to_double(b);
  struct sum sum;
  if (x != y)
    return x < y ? -1 : 1;
  sum_init(&sum);
  sum_add(&sum, a, 1);
  sum_add(&sum, b, -1);
  return sum_sign(&sum);
}

bool number_within(struct span low, struct span high, struct span gap) {
  struct sum sum;
  sum_init(&sum);
  sum_add(&sum, low, 1);
  sum_add(&sum, gap, 1);
  sum_add(&sum, high, -1);
  return sum_sign(&sum) >= 0;
}
