#include "tests/harness/harness.h"

#include <time.h>

#include "model/timestamp.h"

static bool parse(const char *text, int64_t *us) {
  const char *reason;
  bool ok = timestamp_parse(span_str(text), us, &reason);
  CU_ASSERT(ok == (reason == NULL));
  return ok;
}

/* The canonical form of a time, "" if it is not one. */
static const char *canonical(const char *text, char out[TIMESTAMP_SIZE]) {
  int64_t us;
  out[0] = 0;
  if (parse(text, &us))
    timestamp_format_short(us, out);
  return out;
}

static void test_good(void) {
  static const char *const pairs[][2] = {
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
      {"2026-11-24T21:43:15.123456Z", "2026-11-24T21:43:15.123456Z"},
      {"2026-11-24t21:43:15.100z", "2026-11-24T21:43:15.1Z"},
      {"2026-11-24T21:43:15.000000Z", "2026-11-24T21:43:15Z"},
      {"2026-11-24T21:43:15.000001+00:00", "2026-11-24T21:43:15.000001Z"},
      {"2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00Z"},
      {"2025-12-31T22:30:00-23:59", "2026-01-01T22:29:00Z"},
      {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
      {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
      {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
  };
  char out[TIMESTAMP_SIZE];
  for (size_t i = 0; i < HARNESS_COUNT(pairs); i++)
    CU_ASSERT_STRING_EQUAL(canonical(pairs[i][0], out), pairs[i][1]);
}

static void test_bad(void) {
  static const char *const texts[] = {"",
                                      "2026-11-24",
                                      "2026-11-24T21:43:15",
                                      "2026-11-24 21:43:15Z",
                                      "2026-11-24T21:43Z",
                                      "2026-11-24T21:43:15.Z",
                                      "2026-11-24T21:43:15.1234567Z",
                                      "2026-11-24T21:43:15.1234560Z",
                                      "2026-11-24T21:43:15,5Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T23:60:00Z",
                                      "2026-12-31T23:59:60Z",
                                      "2026-11-24T21:43:15-00:00",
                                      "2026-11-24T21:43:15+24:00",
                                      "2026-11-24T21:43:15+01:60",
                                      "2026-11-24T21:43:15+0100",
                                      "2026-11-24T21:43:15+01",
                                      "2026-11-24T21:43:15Z ",
                                      " 2026-11-24T21:43:15Z",
                                      "2026-11-24T21:43:15ZZ",
                                      "2026-00-24T21:43:15Z",
                                      "2026-13-24T21:43:15Z",
                                      "2026-02-29T21:43:15Z",
                                      "1900-02-29T21:43:15Z",
                                      "2026-04-31T21:43:15Z",
                                      "2026-11-00T21:43:15Z",
                                      "0000-01-01T00:00:00Z",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "12026-11-24T21:43:15Z",
                                      "2026-1-24T21:43:15Z",
                                      "2026-+1-24T21:43:15Z",
                                      "-026-11-24T21:43:15Z"};
  int64_t us;
  for (size_t i = 0; i < HARNESS_COUNT(texts); i++)
    CU_ASSERT_FALSE(parse(texts[i], &us));
}

static void test_reasons(void) {
  int64_t us;
  const char *reason;
  CU_ASSERT_FALSE(timestamp_parse(span_str("2026-12-31T23:59:60Z"), &us, &reason));
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, "leap second"));
  CU_ASSERT_FALSE(timestamp_parse(span_str("2026-12-31T23:59:59.1234567Z"), &us, &reason));
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, "6 fractional digits"));
  CU_ASSERT_FALSE(timestamp_parse(span_str("2026-12-31T23:59:59-00:00"), &us, &reason));
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, "-00:00"));
  CU_ASSERT_FALSE(timestamp_parse(span_str("2026-02-30T23:59:59Z"), &us, &reason));
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, "calendar"));
  CU_ASSERT_FALSE(timestamp_parse(span_str("2026-02-20T23:59:59"), &us, &reason));
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, "offset"));
}

static void test_prefixes(void) {
  static const char text[] = "2026-11-24T21:43:15.123456+01:00";
  const char *reason;
  int64_t us;
  for (size_t len = 0; len < sizeof(text) - 1; len++)
    CU_ASSERT_FALSE(timestamp_parse(span_of(text, len), &us, &reason));
  CU_ASSERT(timestamp_parse(span_of(text, sizeof(text) - 1), &us, &reason));
}

/* Every day of the years 1 to 9999 against the C library. */
static void test_calendar(void) {
  unsigned wrong = 0;
  for (int64_t day = -719162; day <= 2932896; day++) {
    time_t seconds = (time_t)(day * 86400 + 3661);
    struct tm tm;
    char expected[64], text[TIMESTAMP_SIZE];
    int64_t us = (int64_t)seconds * 1000000 + 5, back = 0;
    gmtime_r(&seconds, &tm);
    snprintf(expected, sizeof(expected), "%04d-%02d-%02dT01:01:01.000005Z", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday);
    timestamp_format(us, text);
    const char *reason;
    wrong += strcmp(text, expected) != 0 || !timestamp_parse(span_str(text), &back, &reason) || back != us;
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void test_format(void) {
  char out[TIMESTAMP_SIZE];
  timestamp_format(0, out);
  CU_ASSERT_STRING_EQUAL(out, "1970-01-01T00:00:00.000000Z");
  timestamp_format(-1, out);
  CU_ASSERT_STRING_EQUAL(out, "1969-12-31T23:59:59.999999Z");
  timestamp_format(INT64_MAX, out);
  CU_ASSERT_STRING_EQUAL(out, "9999-12-31T23:59:59.999999Z");
  timestamp_format_short(INT64_MIN, out);
  CU_ASSERT_STRING_EQUAL(out, "0001-01-01T00:00:00Z");
}

int main(void) {
  static const struct test_case cases[] = {
      {"RFC 3339 times are accepted and written canonically", test_good},
      {"what is no time is refused", test_bad},
      {"the reason says what is wrong with a time", test_reasons},
      {"every prefix of a time is refused", test_prefixes},
      {"every day of 9999 years is that of the C library", test_calendar},
      {"times before 1970 and out of range are formatted", test_format},
  };
  return harness_run("timestamp", cases, HARNESS_COUNT(cases));
}
