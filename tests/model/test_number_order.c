#include "model/number_order.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/harness.h"

static void test_order(void) {
  /* Ascending; neighbours may round to the same double. */
  static const char *const numbers[] = {"-1.7976931348623157e+308",
                                        "-9223372036854775808",
                                        "-9223372036854775807",
                                        "-1",
                                        "-0.3",
                                        "-5e-324",
                                        "0",
                                        "5e-324",
                                        "0.1",
                                        "0.3",
                                        "1",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "9007199254740994",
                                        "9223372036854775807",
                                        "1e+300",
                                        "1.7976931348623157e+308"};
  const size_t count = HARNESS_COUNT(numbers);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < count; k++) {
      const int order = number_compare(span_str(numbers[i]), span_str(numbers[k]));
      CU_ASSERT_EQUAL(order, (i > k) - (i < k));
      CU_ASSERT_TRUE(number_is(span_str(numbers[i])));
    }
  static const char *const others[] = {"\"1\"", "null", "true", "[1]", "{}"};
  for (size_t i = 0; i < HARNESS_COUNT(others); i++)
    CU_ASSERT_FALSE(number_is(span_str(others[i])));
}

static void test_gaps(void) {
  static const struct {
    const char *low, *high, *gap;
    bool within;
  } table[] = {
      {"0.3", "0.4", "0.1", true}, /* the doubles are further apart */
      {"0.3", "0.4", "0.09999999999999999", false},
      {"-0.1", "0.2", "0.3", true},
      {"1", "1", "0", true},
      {"1", "1.0000000000000002", "0", false},
      {"9007199254740992", "9007199254740993", "1", true},
      {"9007199254740992", "9007199254740993", "0.9999999999999999", false},
      {"-9223372036854775808", "9223372036854775807", "9223372036854775807", false},
      {"-9223372036854775808", "9223372036854775807", "1.8446744073709552e+19", true},
      {"5e-324", "1.7976931348623157e+308", "1.7976931348623157e+308", true},
      {"-5e-324", "1.7976931348623157e+308", "1.7976931348623157e+308", false},
      {"0", "5e-324", "5e-324", true},
      {"999", "1000", "1", true},
      {"95.4", "95.5", "0.1", true},
      {"95.4", "95.51", "0.1", false},
  };
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    const bool within = number_within(span_str(table[i].low), span_str(table[i].high), span_str(table[i].gap));
    CU_ASSERT_EQUAL(within, table[i].within);
    if (within != table[i].within)
      printf("# %s to %s within %s\n", table[i].low, table[i].high, table[i].gap);
  }
}

/* Whole numbers and tenths, against integer arithmetic. */
static void test_against_integers(void) {
  srand(3);
  for (int i = 0; i < 20000; i++) {
    char low[24], high[24], gap[24];
    const int a = rand() % 2001 - 1000, b = a + rand() % 50, g = rand() % 50, tenth = rand() % 9 + 1;
    snprintf(low, sizeof(low), "%d", a);
    snprintf(high, sizeof(high), "%d", b);
    snprintf(gap, sizeof(gap), "%d.%d", g, tenth);
    CU_ASSERT_EQUAL(number_within(span_str(low), span_str(high), span_str(gap)), b - a <= g);
    CU_ASSERT_EQUAL(number_compare(span_str(low), span_str(high)), -(a < b));
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"numbers are ordered exactly, beyond what a double tells apart", test_order},
      {"a gap is that of the decimal numbers", test_gaps},
      {"whole numbers are as far apart as integer arithmetic says", test_against_integers},
  };
  return harness_run("model/number_order", cases, HARNESS_COUNT(cases));
}
