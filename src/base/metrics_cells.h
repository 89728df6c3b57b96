/*
 * The layout of the metrics area. Internal to metrics*.c.
 *
 * A cell is claimed by one compare-and-swap of its key, a hash of family and labels that is never 0; whoever looks it
 * up before `named` is set writes the labels, and all write the same. So a process that is killed anywhere in a claim
 * leaves nothing to clean up, and nobody ever waits.
 */
#ifndef BASE_METRICS_CELLS_H
#define BASE_METRICS_CELLS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/metrics.h"

enum {
  LABEL_WORDS = 15,               /* 120 bytes with the NUL */
  HISTOGRAM_BOUNDS_MAX = 15,      /* and one more bucket for +Inf */
  WINDOW_SLOTS = 11,              /* of 30 s: 5 minutes and the one that is being filled */
  WINDOW_LINEAR_BITS = 4,         /* 16 buckets an octave: an error of at most 1/32 */
  WINDOW_BUCKETS = (36 - 3) * 16, /* values up to 2^36 us, which is 19 hours */
  SIMPLE_CELLS = 1024,
  HISTOGRAM_CELLS = 128,
  SUMMARY_CELLS = 4
};

/* What all cells begin with. */
struct metric_cell {
  alignas(64) _Atomic uint64_t key;
  _Atomic uint64_t labels[LABEL_WORDS];
  _Atomic uint32_t family; /* METRIC_ID_COUNT for the overflow cells, which are not shown */
  _Atomic uint32_t named;  /* labels and family are written */
  _Atomic uint64_t value;  /* histograms and summaries: the sum of what was observed */
};

struct histogram_cell {
  struct metric_cell cell;
  _Atomic uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* of each bucket alone; the last is +Inf */
};

/* Observations of 30 s, in buckets whose width grows with the value. */
struct window_slot {
  _Atomic uint64_t period; /* which 30 s of the monotonic clock, from 1 */
  _Atomic uint32_t counts[WINDOW_BUCKETS];
};

struct summary_cell {
  struct metric_cell cell;
  _Atomic uint64_t count;
  struct window_slot slots[WINDOW_SLOTS];
};

/* The last cell of each array is the overflow cell. */
struct metrics {
  struct metric_cell simple[SIMPLE_CELLS + 1];
  struct histogram_cell histograms[HISTOGRAM_CELLS + 1];
  struct summary_cell summaries[SUMMARY_CELLS + 1];
};

/* --- metrics_window.c --- */

/* Counts `value` in the slot of the time `now` (clock_monotonic). */
void window_observe(struct summary_cell *s, uint64_t value, uint64_t now);
/* The quantile (0 to 1) of the 5 minutes before `now`; false if nothing was observed. */
bool window_quantile(const struct summary_cell *s, double quantile, uint64_t now, double *value);

#endif
