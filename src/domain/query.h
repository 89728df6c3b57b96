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
#include "domain/moment.h"
#include "domain/settings.h"
#include "model/field_errors.h"
#include "projection/snapshot.h"

enum { QUERY_LIMIT_DEFAULT = 100, QUERY_LIMIT_MAX = 1000, QUERY_SOURCES_MAX = 1000 };

/* The trust of a source for one query; source len 0: anonymous. */
struct trust_override {
  struct span source;
  double trust;
};

/* A validated query; spans borrow from the request. */
struct query {
  struct span concept_path;
  bool subtree;
  struct span predicate; /* data NULL: any */
  bool has_source;
  struct span source; /* filter; len 0 with has_source: anonymous ones */
  const struct lens *lens;
  struct moment as_of;
  bool has_valid_at;
  int64_t valid_at;                       /* microseconds since 1970 */
  bool decay;                             /* confidence halves with each half-life of its source */
  double min_confidence;                  /* 0: none */
  bool include_retracted;                 /* retracted ones are listed; they never count */
  const struct span *excluded;            /* sources, ascending by bytes; len 0: anonymous */
  size_t excluded_count;                  /* at most QUERY_SOURCES_MAX */
  const struct trust_override *overrides; /* ascending by source */
  size_t override_count;                  /* at most QUERY_SOURCES_MAX */
  bool aliases;                           /* of the concept's whole class; not with subtree */
  bool explain;
  uint32_t limit;     /* 1 to QUERY_LIMIT_MAX */
  struct span cursor; /* data NULL: first page */
  uint64_t rows_max;  /* so many assertions are read at most, then ERR_NOMEM; 0: no bound */
};

/*
 * Runs it against the snapshot in `mark` and appends the answer's JSON object to `out`. `cache` keeps settings from one
 * answer to the next; it is the calling thread's, or NULL. What only shows when it is run
 * is added to `errors` (as_of above the newest seq, malformed cursor or one of another query: status 422) and 0 is
 * returned, `out` being as it was; ERR_CONFLICT: the cursor is of another branch (409); ERR_NOMEM: more candidates than
 * one answer may hold (the arena's cap) or a longer answer than `out` may hold, with a text that says how to narrow the
 * query; ERR_BUSY; ERR_CORRUPT. After an error `out` may hold part of an answer.
 */
NODISCARD int query_run(const struct reader *reader, const struct watermark *mark, struct settings_cache *cache,
                        const struct query *query, struct arena *arena, struct field_errors *errors, struct buf *out,
                        struct err *err);

#endif
