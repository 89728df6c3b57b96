#include "ops/doctor.h"

#include <stdio.h>

#include "tools/tool.h"

/* Exit statuses of doctor: by the worst finding. */
enum { DOCTOR_EXIT_WELL = 0, DOCTOR_EXIT_MINDED = 1, DOCTOR_EXIT_STOPS = 3 };

static void tell(void *ctx, enum doctor_grade grade, const char *finding, const char *advice) {
  (void)ctx;
  printf("%s: %s\n  %s\n", grade == DOCTOR_STOPS ? "stops a start" : "minded", finding, advice);
}

int tool_doctor(const struct tool *tool, int argc, char **argv) {
  enum doctor_grade worst = DOCTOR_WELL;
  struct err err;
  if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
    return tool_usage(argv[0]);
  const char *home = argc == 2 ? argv[1] : tool->home;
  int rc = doctor_run(home, tell, NULL, &worst, &err);
  if (rc) {
    log_error(&tool->log, "%s", err.text);
    return TOOL_FAILED;
  }
  if (worst == DOCTOR_WELL)
    printf("%s: nothing is wrong with what a start reads\n", home);
  return worst == DOCTOR_WELL ? DOCTOR_EXIT_WELL : worst == DOCTOR_MINDED ? DOCTOR_EXIT_MINDED : DOCTOR_EXIT_STOPS;
}
