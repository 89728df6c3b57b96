/* The tree of concepts, a level at a time. */
#ifndef DOMAIN_CONCEPTS_H
#define DOMAIN_CONCEPTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/segment.h"
#include "projection/snapshot.h"

/* A concept's own assertions are counted up to this number. */
enum { CONCEPTS_OWN_MAX = 100 };

struct concepts_request {
  struct span prefix; /* the parent; len 0: the roots are listed */
  struct span after;  /* children after this last segment; len 0: from the beginning */
  uint32_t limit;
};

struct concepts_end {
  bool more;
  struct span segment; /* the last one of the page, in the arena */
};

/*
 * Appends ,"own":…,"own_more":…,"below":… of the parent (unless it is empty) and ,"children":[…] with the same of each
 * child, in the order of their bytes. Everything that was ever said is counted, retracted or not. What is below a
 * concept is counted by an index and its own assertions up to CONCEPTS_OWN_MAX, so the work is bounded by `limit`
 * alone.
 *
 * The index has no history: *exact tells whether what was read is as of mark->visible_seq; if not, take a newer mark
 * and try again. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int concepts_render(const struct reader *reader, const struct watermark *mark,
                              const struct concepts_request *request, struct arena *arena, struct buf *out,
                              struct concepts_end *end, bool *exact, struct err *err);

#endif
