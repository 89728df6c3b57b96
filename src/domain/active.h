/*
 * The active assertions of a snapshot, in the order of concept_scan: the one gate through which every reading by
 * concept passes. An assertion is active when it exists as of the snapshot and no retraction that stands as of it
 * covers it. Inactive ones are passed over; where many lie together, without reading them. Where nothing was retracted
 * up to the snapshot the gate does nothing.
 */
#ifndef DOMAIN_ACTIVE_H
#define DOMAIN_ACTIVE_H

#include "model/name.h"
#include "projection/snapshot.h"

struct active_gate;

struct active_scan {
  struct concept_scan *scan; /* owned */
  struct active_gate *gate;  /* owned; NULL: everything up to the snapshot is active */
  uint64_t snapshot;
  bool all;                    /* set by the owner before the first seek: retracted ones pass, too */
  bool retracted;              /* whether the current row is; only with `all` */
  uint64_t seeks;              /* how often it was positioned anew: tells whether a callee moved it */
  uint64_t reads;              /* rows that were looked at, passed over or not */
  uint64_t passed, passed_max; /* inactive ones that were passed over; so many may be, then ERR_NOMEM (0: any number) */
  bool found;                  /* whether there is a current row */
  bool scoped, scope_below;    /* active_set_scope(); the path, then the predicate (len 0: any) */
  size_t scope_path, scope_predicate;
  unsigned char scope[NAME_PATH_MAX + 1 + NAME_PREDICATE_MAX];
  struct concept_row row;
};

NODISCARD int active_open(const struct reader *reader, uint64_t snapshot, struct active_scan *out, struct err *err);
/* Releases what it holds; all zero is fine. */
void active_close(struct active_scan *scan);
/* Until the next call, only the rows of this path, or with `below` of all that begin with it, matter, and of those only
 * this predicate's if its data is not NULL: a scan that meets an inactive row outside, or one above its snapshot, ends
 * there, instead of passing over what may be very many. */
void active_set_scope(struct active_scan *scan, struct span path, bool below, struct span predicate);
/* As the functions of concept_scan, among active assertions only; the spans may be those of the current row. */
NODISCARD int active_seek(struct active_scan *scan, struct span path, struct span predicate, struct span source,
                          uint64_t seq, struct err *err);
NODISCARD int active_next(struct active_scan *scan, struct err *err);
NODISCARD int active_next_source(struct active_scan *scan, struct err *err);
NODISCARD int active_next_predicate(struct active_scan *scan, struct err *err);
NODISCARD int active_next_path(struct active_scan *scan, struct err *err);

/* Whether the assertion `seq`, at most the snapshot, is active. */
NODISCARD int active_is(struct active_scan *scan, uint64_t seq, bool *active, struct err *err);

/* Whether there is a current row, and it is about this (concept, predicate) / of this source, too. */
static inline bool active_in_topic(const struct active_scan *scan, struct span path, struct span predicate) {
  return scan->found && span_equal(scan->row.predicate, predicate) && span_equal(scan->row.path, path);
}

static inline bool active_in_run(const struct active_scan *scan, struct span path, struct span predicate,
                                 struct span source) {
  return active_in_topic(scan, path, predicate) && span_equal(scan->row.source, source);
}

#endif
