/* The topics, (concept, predicate)s, that a set of assertions is about. */
#ifndef DOMAIN_TOUCHED_H
#define DOMAIN_TOUCHED_H

#include "projection/cover.h"

struct touched_topic {
  struct span path, predicate;
  uint64_t hash;
};

struct touched;

/* Collects those of all assertions that the cover makes inactive, up to `most` topics. ERR_NOMEM, ERR_BUSY,
 * ERR_CORRUPT. */
NODISCARD int touched_collect(const struct reader *reader, const struct cover *cover, size_t most, struct touched **out,
                              struct err *err);
/* Takes NULL. */
void touched_free(struct touched *touched);
/* By path and predicate, bytewise. *complete is false if there were more. */
const struct touched_topic *touched_topics(const struct touched *touched, size_t *count, bool *complete);

#endif
