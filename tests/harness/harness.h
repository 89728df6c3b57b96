/* The frame of a CUnit test program: a table of cases in, TAP out. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct test_case {
  const char *name; /* a sentence: "an unknown flag refuses the record" */
  void (*run)(void);
};

/* Runs the cases of one suite and prints TAP; returns the exit status for main. */
int harness_run(const char *suite, const struct test_case *cases, size_t count);

/* A fresh folder below $TMPDIR or /tmp, removed at exit; the path is good until then. */
const char *harness_folder(void);

#define HARNESS_COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

#endif
