/* What a row of concept.kv keeps of an assertion: all that an answer shows, without what its key says already. */
#ifndef PROJECTION_COVERING_H
#define PROJECTION_COVERING_H

#include <stdbool.h>

#include "projection/gather.h"
#include "projection/index.h"
#include "projection/pack.h"

/* Fills in the row of an assertion but for its key; what it refers to is in the entry or in the arena. It is covered
 * unless it would be large. ERR_NOMEM. */
NODISCARD int covering_describe(struct gather *gather, const struct item *item, struct pack_row *row, struct err *err);
/* Makes the record of a covered row again in `record` (emptied first), but for the server section, which has those two
 * items only; `body` is for the work. Ask buf_check(record). */
void covering_record(const struct pack_row *row, struct span path, struct span predicate, struct span source,
                     struct buf *body, struct buf *record);

#endif
