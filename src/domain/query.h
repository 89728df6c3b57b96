/* The query: candidates of a concept or subtree as of a moment, ordered and resolved by a lens, as the JSON of the
 * answer. */
#ifndef DOMAIN_QUERY_H
#define DOMAIN_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/segment.h"
#include "domain/lens.h"
#include "model/field_errors.h"
#include "projection/snapshot.h"

enum moment_kind { MOMENT_NOW, MOMENT_SEQ, MOMENT_TIME };

struct moment {
  enum moment_kind kind;
  uint64_t seq;
  int64_t time_us;
};

enum { QUERY_LIMIT_DEFAULT = 100, QUERY_LIMIT_MAX = 1000 };

/* A validated query; spans borrow from the request. */
struct query {
  struct span concept_path;
  bool subtree;
  struct span predicate; /* data NULL: any */
  bool has_source;
  struct span source; /* filter; len 0 with has_source: anonymous ones */
  const struct lens *lens;
  struct moment as_of;
  double min_confidence; /* 0: none */
  uint32_t limit;
  struct span cursor; /* data NULL: first page */
};

/*
 * Runs it against the snapshot in `mark` and appends the answer's JSON object to `out`. What only shows when it is run
 * is added to `errors` (as_of above the newest seq, malformed cursor or one of another query: status 422) and 0 is
 * returned; ERR_CONFLICT: the cursor is of another branch (409); ERR_NOMEM: more candidates than one answer may hold
 * (the arena's cap); ERR_BUSY; ERR_CORRUPT.
 */
NODISCARD int query_run(const struct reader *reader, const struct watermark *mark, const struct query *query,
                        struct arena *arena, struct field_errors *errors, struct buf *out, struct err *err);

/* Resolves a moment to a seq: NOW and later times give mark->visible_seq, before the first 0. ERR_INVALID: a seq above
 * the newest. */
NODISCARD int moment_resolve(const struct reader *reader, const struct watermark *mark, const struct moment *moment,
                             uint64_t *seq, struct err *err);

#endif
