/* What is said about one (concept, predicate), grouped and weighed: the arithmetic of the lenses, in the plainest way.
 */
#ifndef TESTS_KNOWLEDGE_TOPIC_H
#define TESTS_KNOWLEDGE_TOPIC_H

#include "tests/knowledge/model.h"

/* An assertion that takes part. */
struct item {
  const struct fact *fact;
  double confidence, trust; /* decayed, overridden */
  int tier;
  bool retracted; /* is listed, and counts for nothing */
  bool head;      /* its source's newest */
  double level;   /* of its group among the groups (ties share one), 0 if it does not count */
};

struct group {
  struct item **heads; /* by source; owned */
  size_t count;
  struct item *winner;
  double weight, level, share;
};

struct groups {
  struct group *list; /* best first; owned */
  size_t count;
  double conflict;
};

/* Groups heads; neighbouring numbers at most `tolerance` apart (< 0: none) share a group. Sets the items' levels. */
void model_groups_make(struct item **heads, size_t count, double tolerance, struct groups *out);
void model_groups_clear(struct groups *groups);
const char *model_groups_status(const struct groups *groups);
/* Shannon entropy of shares over log2 of their number, to 12 decimals. */
double model_conflict(const double *shares, size_t count);

#endif
