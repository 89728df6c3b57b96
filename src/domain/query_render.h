/* The answer to a query, as JSON. Internal to the query. */
#ifndef DOMAIN_QUERY_RENDER_H
#define DOMAIN_QUERY_RENDER_H

#include "domain/walk.h"

/* What an answer says of the moment that it is about. */
struct answer_moment {
  uint64_t seq, time_us; /* time_us counts only if seq > 0 */
  int64_t decayed_at;    /* with query.decay: the moment that confidence decays to */
  const struct watermark *mark;
};

/* Appends the whole answer. The walk has run. */
NODISCARD int query_render(struct walk *walk, const struct reader *reader, const struct answer_moment *moment,
                           struct buf *out, struct err *err);

#endif
