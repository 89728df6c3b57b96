/*
 * What an examination found: each finding with its place, told as it is met or kept for one JSON document; counted
 * always, told up to a limit. And how far it has come, on a terminal.
 */
#ifndef OPS_REPORT_H
#define OPS_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* Where: what does not apply is left zero. */
struct place {
  const char *file;     /* borrowed; NULL: none in particular */
  bool has_page;        /* page and offset count */
  bool has_offset;      /* offset counts */
  uint32_t page;        /* of a .kv file */
  uint64_t offset;      /* in the file; in a dump: the line */
  uint64_t seq, to_seq; /* an entry, or entries seq..to_seq; 0: none */
};

enum { REPORT_TOLD_MAX = 1000 };

/* Told of everything as it is met. */
typedef void report_listener(void *ctx, const char *kind, bool damage, const struct place *place, const char *text);

struct report {
  FILE *out;                 /* findings go here as they are met; NULL: kept in `json` alone */
  bool progress;             /* show it on standard error */
  uint64_t findings;         /* damage */
  uint64_t notes;            /* what is worth knowing and no damage */
  struct buf json;           /* the told ones, objects with commas between */
  uint64_t shown_us;         /* when progress was shown last */
  bool shown;                /* a progress line stands there */
  const char *doing;         /* of that line; borrowed */
  report_listener *listener; /* NULL: none */
  void *listener_ctx;
};

/* `json`: nothing is written until report_json(). Progress is shown if standard error is a terminal. */
void report_open(struct report *report, bool json);
void report_close(struct report *report);
/* Damage. `kind` is a word for programs ("page", "entry"), constant text. */
void report_finding(struct report *report, const char *kind, const struct place *place, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void report_note(struct report *report, const char *kind, const struct place *place, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Appends {"kind", "damage", place's members, "text"} of all that were told, as a JSON array. */
void report_json(const struct report *report, struct buf *out);
/* "Checking pages: 40% (1.2 of 3.0 GB)"; at most ten times a second. */
void report_progress(struct report *report, const char *doing, uint64_t done, uint64_t total);
/* Takes the line away. */
void report_progress_end(struct report *report);

#endif
