/* The topics that may be believed differently at two moments, in order. Internal to diff. */
#ifndef DOMAIN_DIFF_TOPICS_H
#define DOMAIN_DIFF_TOPICS_H

#include "domain/diff.h"
#include "domain/inactive.h"

struct diff_topics;

/* `before` and `after` tell what is inactive at either moment; all is borrowed. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT. */
NODISCARD int diff_topics_open(const struct reader *reader, const struct diff_request *request, struct inactive *before,
                               struct inactive *after, struct diff_topics **out, struct err *err);
/* Takes NULL. */
void diff_topics_close(struct diff_topics *topics);
/* The next one after the request's `after`: path 0 predicate 0, good until the next call. */
NODISCARD int diff_topics_next(struct diff_topics *topics, struct span *key, size_t *path_len, bool *found,
                               struct err *err);

#endif
