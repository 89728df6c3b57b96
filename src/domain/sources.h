/* The sources: how much each said, and how often the others agree. */
#ifndef DOMAIN_SOURCES_H
#define DOMAIN_SOURCES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/segment.h"
#include "projection/snapshot.h"

struct sources_request {
  struct span prefix; /* sources at or below this path; len 0: all, anonymous too */
  uint32_t limit;
  uint64_t snapshot; /* at most mark->visible_seq */
  bool after;        /* begin after the source `last` (len 0: anonymous) */
  struct span last;
};

struct sources_end {
  bool more;
  struct span last; /* of the page, in the arena */
};

/*
 * Appends a JSON array of the sources that had said something by the snapshot, by bytes, anonymous (null) first.
 *
 * A source's agreement is the share of its heads (one for each topic that it has an active assertion about) that are in
 * the group of the consensus winner. Where nobody ever disagreed there is nothing to look at: heads are counted by the
 * posting list of first assertions, and only topics with ballots are resolved, all of them in one pass for a page. What
 * was retracted is looked up one by one where a later assertion of the same source may have taken its place. ERR_NOMEM,
 * ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int sources_render(const struct reader *reader, const struct watermark *mark,
                             const struct sources_request *request, struct arena *arena, struct buf *out,
                             struct sources_end *end, struct err *err);

#endif
