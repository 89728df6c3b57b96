/* What a query lets count: its filters, and what confidence is worth by then. Pure functions. */
#ifndef DOMAIN_FILTER_H
#define DOMAIN_FILTER_H

#include "domain/query.h"
#include "model/assertion.h"

/* Why an assertion counts or not. */
enum verdict {
  VERDICT_PASSES,
  VERDICT_SOURCE,     /* is not of the source that is asked for */
  VERDICT_EXCLUDED,   /* its source is excluded */
  VERDICT_CONFIDENCE, /* is less confident than asked for */
  VERDICT_VALIDITY    /* does not hold at the time asked for */
};

/* What the query thinks of a source (len 0: anonymous), before any assertion of it is read. */
enum verdict filter_source(const struct query *query, struct span source);
/* What it thinks of an assertion of a source that passes; `confidence` is what decay left. Validity is half open. */
enum verdict filter_assertion(const struct query *query, const struct assertion *assertion, double confidence);
/* The query's own trust in a source; NULL if it says nothing of it. */
const double *filter_trust(const struct query *query, struct span source);

/* What is left of confidence after `age_us` (negative: 0): 2^(-age/half-life), rounded to 40 bits, so that it is the
 * same on every machine. half_life_days 0: 1. */
double decay_factor(int64_t age_us, double half_life_days);
/* An assertion's age at the moment `at`: from when it was observed, else from when it was recorded (microseconds since
 * 1970); cut off at the range. */
int64_t decay_age(const struct assertion *assertion, uint64_t recorded_us, int64_t at);

#endif
