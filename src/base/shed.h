/*
 * When to refuse work because there is more of it than can be done. A queue that never empties makes everybody wait and
 * serves nobody faster; so while it stands, what has waited too long in it is refused at once, and what is served is
 * served in time. Controlled delay as in B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015: if for a whole interval
 * even the shortest wait was longer than the target, the queue stands.
 */
#ifndef BASE_SHED_H
#define BASE_SHED_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SHED_TARGET_US = 50 * 1000,
  SHED_INTERVAL_US = 100 * 1000,
  SHED_WAIT_MAX_US = 2 * SHED_TARGET_US /* what is served while the queue stands has waited no longer */
};

/* Zeroed at first. */
struct shed {
  uint64_t interval_end;
  uint64_t least_us; /* the shortest wait of this interval */
  bool any;          /* there was one */
  bool standing;     /* the queue stood in the last interval */
};

/* Notes work that waited `waited_us`, and whether it is to be refused; `now_us` is clock_monotonic(). */
bool shed_refuses(struct shed *shed, uint64_t waited_us, uint64_t now_us);

#endif
