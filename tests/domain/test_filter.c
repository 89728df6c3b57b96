#include "domain/filter.h"

#include <math.h>

#include "tests/harness/harness.h"

static const int64_t day = INT64_C(86400000000);

static void test_decay(void) {
  CU_ASSERT_EQUAL(decay_factor(10 * day, 0), 1);
  CU_ASSERT_EQUAL(decay_factor(0, 10), 1);
  CU_ASSERT_EQUAL(decay_factor(-day, 10), 1);
  CU_ASSERT_EQUAL(decay_factor(10 * day, 10), 0.5);
  CU_ASSERT_EQUAL(decay_factor(30 * day, 10), 0.125);
  CU_ASSERT_TRUE(fabs(decay_factor(5 * day, 10) - sqrt(0.5)) < 1e-12);
  CU_ASSERT_EQUAL(decay_factor(INT64_MAX, 1e-300), 0);
  CU_ASSERT_EQUAL(decay_factor(1, 1e300), 1);
  /* 40 bits, whatever the age. */
  for (int64_t age = 1; age < 400 * day; age = age * 3 + 1) {
    int exponent;
    const double bits = ldexp(frexp(decay_factor(age, 7), &exponent), 40);
    CU_ASSERT_EQUAL(bits, floor(bits));
  }
}

static void test_age(void) {
  const struct assertion seen = {.has_observed_at = true, .observed_at = 1000}, unseen = {.confidence = 1};
  const struct assertion early = {.has_observed_at = true, .observed_at = INT64_MIN};
  CU_ASSERT_EQUAL(decay_age(&seen, 5000, 9000), 8000);
  CU_ASSERT_EQUAL(decay_age(&unseen, 5000, 9000), 4000);
  CU_ASSERT_EQUAL(decay_age(&seen, 5000, 500), -500);
  CU_ASSERT_EQUAL(decay_age(&early, 5000, 9000), INT64_MAX);
}

static void test_validity(void) {
  const struct assertion a = {.has_valid_from = true, .valid_from = 10, .has_valid_to = true, .valid_to = 20};
  const struct assertion always = {.confidence = 1};
  static const struct {
    int64_t at;
    bool holds;
  } table[] = {{9, false}, {10, true}, {19, true}, {20, false}};
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    const struct query query = {.has_valid_at = true, .valid_at = table[i].at};
    CU_ASSERT_EQUAL(filter_assertion(&query, &a, 1), table[i].holds ? VERDICT_PASSES : VERDICT_VALIDITY);
    CU_ASSERT_EQUAL(filter_assertion(&query, &always, 1), VERDICT_PASSES);
  }
  const struct query bold = {.min_confidence = 0.5};
  CU_ASSERT_EQUAL(filter_assertion(&bold, &a, 0.5), VERDICT_PASSES);
  CU_ASSERT_EQUAL(filter_assertion(&bold, &a, 0.49), VERDICT_CONFIDENCE);
}

static void test_sources(void) {
  const struct span excluded[] = {span_str(""), span_str("s/a"), span_str("s/c")};
  const struct trust_override overrides[] = {{span_str(""), 0.1}, {span_str("s/b"), 0.2}, {span_str("s/d"), 0.3}};
  const struct query query = {.excluded = excluded, .excluded_count = 3, .overrides = overrides, .override_count = 3};
  static const char *const sources[] = {"", "s/a", "s/b", "s/c", "s/d", "s", "s/e"};
  static const bool out[] = {true, true, false, true, false, false, false};
  for (size_t i = 0; i < HARNESS_COUNT(sources); i++)
    CU_ASSERT_EQUAL(filter_source(&query, span_str(sources[i])), out[i] ? VERDICT_EXCLUDED : VERDICT_PASSES);
  CU_ASSERT_EQUAL(*filter_trust(&query, span_str("")), 0.1);
  CU_ASSERT_EQUAL(*filter_trust(&query, span_str("s/b")), 0.2);
  CU_ASSERT_EQUAL(*filter_trust(&query, span_str("s/d")), 0.3);
  CU_ASSERT_PTR_NULL(filter_trust(&query, span_str("s/c")));
  const struct query one = {.has_source = true, .source = span_str("s/a")};
  CU_ASSERT_EQUAL(filter_source(&one, span_str("s/a")), VERDICT_PASSES);
  CU_ASSERT_EQUAL(filter_source(&one, span_str("")), VERDICT_SOURCE);
}

int main(void) {
  static const struct test_case cases[] = {
      {"confidence halves with each half-life, in 40 bits", test_decay},
      {"an age counts from the observation, else from the record", test_age},
      {"validity is half open, and confidence at least what is asked for", test_validity},
      {"sources are excluded and trusted by name", test_sources},
  };
  return harness_run("domain/filter", cases, HARNESS_COUNT(cases));
}
