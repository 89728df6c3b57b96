/* The parts of a timeline. Internal to timeline*.c. */
#ifndef DOMAIN_TIMELINE_H
#define DOMAIN_TIMELINE_H

#include "domain/walk.h"

enum { TIMELINE_EVENTS_MAX = 1000 };

/* A window of seqs, and what was found in it. */
struct window {
  struct span path, predicate; /* predicate.data NULL: any */
  uint64_t after, until;       /* what lies in (after, until] */
  uint64_t *seqs;              /* of the assertions that pass */
  size_t count, capacity;
  size_t rows; /* read, at most `capacity` */
  bool whole;  /* false: it holds more than there is room for */
  uint64_t events[TIMELINE_EVENTS_MAX];
  size_t event_count;
  uint64_t topic_seq; /* of an assertion that one of the events is about */
};

/* Whether the scan stands in the topic, or the path. */
bool timeline_in_scope(const struct walk *walk, const struct window *w);
/* Steps from a source that does not pass to one that may. */
NODISCARD int timeline_skip_source(struct walk *walk, const struct window *w, struct err *err);
/* Reads the current row, of a source that passes. */
NODISCARD int timeline_read_row(struct walk *walk, bool *passes, struct err *err);

/* --- timeline_events.c --- */

/* Finds the retractions and reinstatements of the window that are about an assertion which passes. w->whole becomes
 * false if there are too many to tell. */
NODISCARD int timeline_find_events(struct walk *walk, struct window *w, struct err *err);

#endif
