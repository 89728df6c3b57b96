/* How far a long call is: one line on a terminal, written over again a few times a second. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "tools/screen.h"

struct progress {
  FILE *out;
  struct screen screen;
  const char *unit; /* "lines" */
  uint64_t begun_ms, shown_ms;
};

/* How far it is. */
struct progress_state {
  uint64_t units;
  uint64_t done, total; /* of whatever the bar shows; total 0: not known, no bar */
  bool bytes;           /* `done` and `total` are bytes, and shown as such */
};

/* Nothing is ever shown where `out` is no terminal. */
void progress_begin(struct progress *progress, FILE *out, struct screen screen, const char *unit);
void progress_show(struct progress *progress, struct progress_state state);
/* Removes the line. */
void progress_end(struct progress *progress);
/* The line for a state after so many milliseconds, into out[size]; at most `columns` wide. */
void progress_render(char *out, size_t size, size_t columns, const char *unit, struct progress_state state,
                     uint64_t elapsed_ms);

#endif
