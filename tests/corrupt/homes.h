/* Homes to mutilate: one as a killed node left it, the same after a clean start and stop, and copies of them. */
#ifndef TESTS_CORRUPT_HOMES_H
#define TESTS_CORRUPT_HOMES_H

#include <stdint.h>

#include "store/walscan.h"
#include "tests/corrupt/start.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 1200, CHECKPOINT = 700, PER_TXN = 2 };

struct homes {
  const char *good;           /* the data folder as the killed node left it */
  const char *settled;        /* the same after a clean start and stop */
  const char *work;           /* where copies are mutilated */
  struct walscan whole;       /* of the log of `good` */
  struct start_result result; /* of the last start */
};

/* The program's own. */
extern struct homes homes;

void homes_make(void);
/* A fresh copy of a data folder, in the same place each time. */
const char *homes_copy(const char *from);
/* The history's file. */
const char *homes_history(const char *data_dir);
void homes_start(const char *data_dir, enum start_way way);
/* Returns `met`; prints what was found if it is not what was expected. */
bool homes_expect(const char *what, bool met);
/* Whether the last start logged these words; NULL is always there. */
bool homes_says(const char *words);
/* Life goes on with the new log: writes, a crash, a restart. */
void homes_go_on(const char *data_dir);
/* Rewrites the mark with this seq; what is not 0 is mixed into history id and branch. */
void homes_set_mark(const char *data_dir, uint64_t seq, int history_change, int branch_change);

#endif
