/* The contested topics, most contested first. */
#ifndef DOMAIN_CONFLICTS_H
#define DOMAIN_CONFLICTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/segment.h"
#include "projection/snapshot.h"

struct conflicts_request {
  struct span prefix;    /* concepts at or below it; len 0: all */
  struct span predicate; /* data NULL: any */
  double min_conflict;   /* at least this much; 0: every topic that has more than one group */
  uint32_t limit;
  uint64_t snapshot; /* at most mark->visible_seq */
  bool after;        /* begin after this place */
  double score;
  struct span key;
};

/* Where the page ends, if there is more. The key is in the arena. */
struct conflicts_end {
  bool more;
  double score;
  struct span key;
};

/*
 * Appends a JSON array of what `skeptic` resolves of the topics, in the order of conflict (descending), path and
 * predicate (by bytes). Topics whose values add up do not compete, and are left out. One pass over all topics that
 * sources ever disagreed about; memory is that of the page. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int conflicts_render(const struct reader *reader, const struct watermark *mark,
                               const struct conflicts_request *request, struct arena *arena, struct buf *out,
                               struct conflicts_end *end, struct err *err);

#endif
