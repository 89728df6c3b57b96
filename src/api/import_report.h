/* What an import has done so far, and the answer that says it. */
#ifndef API_IMPORT_REPORT_H
#define API_IMPORT_REPORT_H

#include "api/http.h"

enum { REPORT_ERRORS_MAX = 100, REPORT_DETAIL_MAX = 512 };

struct report_error {
  uint64_t line;
  size_t len;
  char detail[REPORT_DETAIL_MAX];
};

struct import_report {
  /* Of all lines up to last_line, every one of which is stored, known or refused. */
  uint64_t accepted, duplicates, rejected, last_seq, last_line;
  size_t error_count;
  struct report_error errors[REPORT_ERRORS_MAX]; /* of the first lines that are wrong, ascending */
};

/* Notes what is wrong with a line, for people; UTF-8, cut where it is too long. Only the first lines are kept, in
 * whatever order they come. */
void report_add_error(struct import_report *report, uint64_t line, struct span detail);
/* The answer of an import that came to its end: 200. */
void report_answer(const struct import_report *report, struct span batch, struct exchange *exchange);
/* Of one that did not: a problem with the same members and last_line. */
void report_problem(const struct import_report *report, struct span batch, struct exchange *exchange, int status,
                    const char *detail);

#endif
