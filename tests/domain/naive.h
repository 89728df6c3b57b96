/* The answers that queries should give, worked out from the whole list of assertions in the plainest way. */
#ifndef TESTS_DOMAIN_NAIVE_H
#define TESTS_DOMAIN_NAIVE_H

#include "domain/query.h"
#include "tests/domain/world.h"

/* All assertions that a query answers with, over all its pages, as of `snapshot`. */
struct naive {
  const struct fact **items; /* in order; owned */
  size_t count;
  bool *is_head; /* of every assertion up to the snapshot, by seq - 1; owned, as the next two */
  double *trust, *level;
};

void naive_answer(const struct world *world, const struct query *query, uint64_t snapshot, struct naive *out);
void naive_free(struct naive *naive);
/* The answer's JSON of the page of items [from, from + query->limit), up to and without the next_cursor member's value.
 * The caller frees it. */
char *naive_page(const struct world *world, const struct query *query, uint64_t snapshot, const struct naive *naive,
                 size_t from);
/* How many entries of `resolved` that page has. */
size_t naive_resolved(const char *page);

#endif
