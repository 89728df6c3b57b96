/* Why a lens believes what it believes of a topic. Internal to the query. */
#ifndef DOMAIN_EXPLAIN_H
#define DOMAIN_EXPLAIN_H

#include "base/buf.h"
#include "domain/walk.h"

/* What an explanation lists at most: assertions that count, and others; of these so many of each source. */
enum { EXPLAIN_HEADS_MAX = 200, EXPLAIN_OTHERS_MAX = 200, EXPLAIN_OF_SOURCE_MAX = 20 };

/* Appends {"considered":[…],"left_out":[…],"complete":…} of a topic that was weighed; `complete` is false if something
 * had to be left away. The numbers are those that the lens has decided by. */
NODISCARD int explain_render(struct walk *walk, struct topic *topic, struct buf *out, struct err *err);

#endif
