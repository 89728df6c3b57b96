#include "domain/filter.h"

#include <math.h>

static const double day_us = 86400e6;

static bool excludes(const struct query *query, struct span source) {
  size_t low = 0, high = query->excluded_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = span_compare(query->excluded[middle], source);
    if (order == 0)
      return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

enum verdict filter_source(const struct query *query, struct span source) {
  if (query->has_source && !span_equal(query->source, source))
    return VERDICT_SOURCE;
  return excludes(query, source) ? VERDICT_EXCLUDED : VERDICT_PASSES;
}

enum verdict filter_assertion(const struct query *query, const struct assertion *assertion, double confidence) {
  if (query->has_valid_at && ((assertion->has_valid_from && query->valid_at < assertion->valid_from) ||
                              (assertion->has_valid_to && query->valid_at >= assertion->valid_to)))
    return VERDICT_VALIDITY;
  return confidence < query->min_confidence ? VERDICT_CONFIDENCE : VERDICT_PASSES;
}

const double *filter_trust(const struct query *query, struct span source) {
  size_t low = 0, high = query->override_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = span_compare(query->overrides[middle].source, source);
    if (order == 0)
      return &query->overrides[middle].trust;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

double decay_factor(int64_t age_us, double half_life_days) {
  if (age_us <= 0 || half_life_days <= 0)
    return 1;
  int exponent = 0;
  const double mantissa = frexp(exp2(-((double)age_us / day_us) / half_life_days), &exponent);
  return ldexp(round(ldexp(mantissa, 40)), exponent - 40);
}

int64_t decay_age(const struct assertion *assertion, uint64_t recorded_us, int64_t at) {
  const int64_t since = assertion->has_observed_at ? assertion->observed_at : (int64_t)recorded_us;
  int64_t age = 0;
  if (__builtin_sub_overflow(at, since, &age))
    return at < since ? INT64_MIN : INT64_MAX;
  return age;
}
