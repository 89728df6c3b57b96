/* What a lens believes about a topic, as JSON. Internal to the query. */
#ifndef DOMAIN_RESOLVE_H
#define DOMAIN_RESOLVE_H

#include "domain/walk.h"

/* Appends the topic's entry of `resolved`; `first` is its first assertion in the order of the answer. */
NODISCARD int resolve_topic(struct walk *walk, struct topic *topic, const struct entry *first, struct buf *out,
                            struct err *err);

#endif
