/*
 * What a retraction would do, before it is done: how many assertions it would make inactive, and which resolved answers
 * would flip. Computed from the same cover as the retraction itself, and by resolving each touched topic twice: as it
 * is, and as it would be read.
 */
#ifndef DOMAIN_DRY_RUN_H
#define DOMAIN_DRY_RUN_H

#include "base/arena.h"
#include "base/buf.h"
#include "domain/lens.h"
#include "projection/cover.h"

/* So many flips are told, among so many topics. */
enum { DRY_RUN_FLIPS_MAX = 100, DRY_RUN_TOPICS_MAX = 200000 };

struct dry_run_request {
  const struct retraction *retraction;
  const struct lens *lens; /* one that resolves */
  /* Asked now and then whether to give up (ERR_BUSY); NULL: never. */
  bool (*stopping)(void *context);
  void *context;
};

struct dry_run_result {
  struct cover_counts counts; /* as the retraction's own, were it the next entry */
  uint64_t topics; /* (concept, predicate)s of which something would become inactive; at most …TOPICS_MAX */
  bool complete;   /* all flips are told */
  bool fits;       /* whether the retraction could be made; else nothing but the counts is there */
};

/*
 * Appends to `flips` the first DRY_RUN_FLIPS_MAX topics, by concept path and predicate, whose value would be another
 * one, or none: {"concept_path","predicate","before","after"}, the last two as the members of a query's `resolved`, or
 * null; separated by commas. `mark` is the snapshot. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int dry_run(const struct reader *reader, const struct watermark *mark, const struct dry_run_request *request,
                      struct buf *flips, struct dry_run_result *out, struct err *err);

#endif
