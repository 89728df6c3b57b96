/* Random histories and questions, the same for a seed in every run. */
#ifndef TESTS_KNOWLEDGE_CHANCE_H
#define TESTS_KNOWLEDGE_CHANCE_H

#include "tests/knowledge/plan.h"

struct chance {
  uint64_t state;
  /* How many of each list a history draws from. */
  unsigned paths, predicates, sources, values, confidences;
  /* Of a hundred steps. */
  unsigned settings, retractions, reinstatements, derived, validity;
};

/* A stream of random numbers and the shape of a history. */
void chance_init(struct chance *chance, uint64_t seed);
unsigned chance_below(struct chance *chance, unsigned n);
/* A history of `count` steps. */
void chance_plan(struct chance *chance, size_t count, struct plan *out);
void plan_free(struct plan *plan);
/* A question about it, of whose steps `done` were sent. */
void chance_question(struct chance *chance, size_t done, struct question *out);

#endif
