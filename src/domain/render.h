/* Entries as JSON: answers are spliced from stored bytes, never rebuilt. */
#ifndef DOMAIN_RENDER_H
#define DOMAIN_RENDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/entry.h"

/* Appends an assertion as queries show it: {"id","seq","timestamp","status", ["recorded_by"], ["batch"], then the
 * stored body's members}. */
NODISCARD int render_assertion(struct buf *out, const struct entry *entry, struct err *err);
/* Appends an entry as the feed shows it: {"kind","seq","id","timestamp","salt","recorded_by"…: all of the server
 * section, then the body's members}, with everything that is needed to recompute id and leaf. */
NODISCARD int render_feed_entry(struct buf *out, const struct entry *entry, struct err *err);

#endif
