#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tools/progress.h"

static bool renders(struct progress_state state, uint64_t elapsed_ms, size_t columns, const char *wanted) {
  char line[256];
  progress_render(line, sizeof(line), columns, "lines", state, elapsed_ms);
  bool same = strcmp(line, wanted) == 0;
  if (!same)
    printf("# %s\n", line);
  return same;
}

static void a_bar_shows_how_far_it_is(void) {
  struct progress_state state = {.units = 1234567, .done = 450000000, .total = 1000000000, .bytes = true};
  CU_ASSERT(renders(state, 20000, 200,
                    "[=========>          ]  45%  1,234,567 lines, 61,728/s  450.0 MB of 1.0 GB  24 s left"));
}

static void what_has_no_known_end_has_no_bar(void) {
  CU_ASSERT(
      renders((struct progress_state){.units = 10, .done = 999, .bytes = true}, 100, 200, "10 lines, 100/s  999 B"));
  CU_ASSERT(renders((struct progress_state){.units = 0}, 0, 200, "0 lines, 0/s"));
}

static void the_end_is_100_percent(void) {
  CU_ASSERT(renders((struct progress_state){.units = 5, .done = 5, .total = 5}, 1000, 200,
                    "[====================] 100%  5 lines, 5/s"));
  CU_ASSERT(renders((struct progress_state){.units = 9, .done = 9, .total = 5}, 1000, 200,
                    "[====================] 100%  9 lines, 9/s"));
}

static void long_times_are_told_in_minutes_and_hours(void) {
  CU_ASSERT(renders((struct progress_state){.units = 1, .done = 1, .total = 3}, 100000, 200,
                    "[======>             ]  33%  1 lines, 0/s  3 min 20 s left"));
  CU_ASSERT(renders((struct progress_state){.units = 1, .done = 1, .total = 2}, 7260000, 200,
                    "[==========>         ]  50%  1 lines, 0/s  2 h 01 min left"));
}

static void it_is_no_wider_than_the_terminal(void) {
  CU_ASSERT(renders((struct progress_state){.units = 5, .done = 5, .total = 5}, 1000, 10, "[========="));
}

static void what_is_no_terminal_gets_nothing(void) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  struct progress progress;
  progress_begin(&progress, out, (struct screen){.columns = 80}, "lines");
  progress_show(&progress, (struct progress_state){.units = 1});
  progress_end(&progress);
  fclose(out);
  CU_ASSERT_EQUAL(size, 0);
  free(text);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a bar shows how far it is", a_bar_shows_how_far_it_is},
      {"what has no known end has no bar", what_has_no_known_end_has_no_bar},
      {"the end is 100 percent", the_end_is_100_percent},
      {"long times are told in minutes and hours", long_times_are_told_in_minutes_and_hours},
      {"it is no wider than the terminal", it_is_no_wider_than_the_terminal},
      {"what is no terminal gets nothing", what_is_no_terminal_gets_nothing},
  };
  return harness_run("progress", cases, HARNESS_COUNT(cases));
}
