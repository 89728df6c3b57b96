/* What is believed at two moments, where it differs, and why. */
#ifndef DOMAIN_DIFF_H
#define DOMAIN_DIFF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/segment.h"
#include "domain/lens.h"
#include "projection/snapshot.h"

/* A page looks at no more topics than this, so it may be short of `limit` and yet not be the last. */
enum { DIFF_TOPICS_MAX = 4096 };

struct diff_request {
  uint64_t from, to;       /* seqs, from <= to <= mark->visible_seq */
  struct span prefix;      /* concepts at or below it; len 0: all */
  const struct lens *lens; /* one that resolves */
  uint32_t limit;
  struct span after; /* path 0 predicate 0: topics after this one; len 0: from the beginning */
};

struct diff_end {
  bool more;
  struct span key; /* of the last topic that was looked at, in the arena */
};

/*
 * Appends a JSON array of the topics whose resolved answers differ in anything but the id of the winner, by path and
 * predicate. Where little happened between the moments, the topics to compare are found from what did: entries, what
 * retractions and reinstatements changed, what settings bear upon; else all topics are walked. Either way every topic
 * that can differ is resolved at both moments. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int diff_render(const struct reader *reader, const struct watermark *mark, const struct diff_request *request,
                          struct arena *arena, struct buf *out, struct diff_end *end, struct err *err);

#endif
