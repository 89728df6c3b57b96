/* The archiver among the node's processes: it is in no environment, so its end harms nobody, and it alone is started
 * again, with back-off. Where there is no archive_target there is none. */
#ifndef SUPERVISOR_ARCHIVER_H
#define SUPERVISOR_ARCHIVER_H

#include <stdint.h>

struct node;

struct archiver {
  uint64_t started_us; /* clock_monotonic() of its last start */
  uint64_t due_us;     /* of the next one */
  unsigned failures;   /* short lives in a row */
};

/* Starts it if it is due. */
void archiver_tick(struct node *node, uint64_t now);
/* It ended, with this wait status; it was reaped. */
void archiver_ended(struct node *node, int status);
/* The node stops and the committer has closed: the archiver takes the rest, then the node is over. */
void archiver_finish(struct node *node);

#endif
