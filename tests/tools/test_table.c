#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tools/table.h"
#include "tools/text.h"

static const struct table_column columns[] = {
    {"SEQ", TABLE_RIGHT}, {"VALUE", TABLE_SHRINK}, {"SOURCE", TABLE_SHRINK}, {"ID", TABLE_PLAIN}};

/* Prints rows of 4 cells. */
static bool prints(const char *record, size_t width, const char *const *cells, size_t count, const char *wanted) {
  struct table *table = table_create(record, columns, 4);
  struct screen screen = {.terminal = width > 0, .columns = width};
  struct err err;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  for (size_t i = 0; i < count; i++)
    table_add_text(table, cells[i]);
  CU_ASSERT_EQUAL(table_print(table, &screen, out, &err), 0);
  fclose(out);
  bool same = strcmp(text, wanted) == 0;
  if (!same)
    printf("# printed:\n%s", text);
  free(text);
  table_free(table);
  return same;
}

static void a_terminal_gets_columns(void) {
  static const char *const cells[] = {"9", "\"57\"", "source/a", "id1", "10", "東京", "s", "id2"};
  CU_ASSERT(prints("r", 80, cells, 8,
                   "SEQ  VALUE  SOURCE\n"
                   "  9  \"57\"   source/a\n"
                   " 10  東京   s\n"));
}

static void a_pipe_gets_all_cells(void) {
  static const char *const cells[] = {"9", "a\tb\nc", "", "id1"};
  CU_ASSERT(prints("assertion", 0, cells, 4, "assertion\t9\ta\\x09b\\x0ac\t\tid1\n"));
  CU_ASSERT(prints(NULL, 0, cells, 4, "9\ta\\x09b\\x0ac\t\tid1\n"));
}

static void the_widest_column_is_cut_first(void) {
  static const char *const cells[] = {"1", "abcdefghijklmnopqrstuvwxyz", "source/a", "id"};
  CU_ASSERT(prints(NULL, 30, cells, 4,
                   "SEQ  VALUE            SOURCE\n"
                   "  1  abcdefghijklmn…  source/a\n"));
}

static void a_wide_character_is_not_cut_in_two(void) {
  static const char *const cells[] = {"1", "東京東京東京東京東京", "source/a", "id"};
  CU_ASSERT(prints(NULL, 25, cells, 4,
                   "SEQ  VALUE       SOURCE\n"
                   "  1  東京東京…   source/a\n"));
}

static void columns_keep_a_least_width(void) {
  static const char *const cells[] = {"1", "abcdefghijklmn", "opqrstuvwxyz", "id"};
  CU_ASSERT(prints(NULL, 5, cells, 4,
                   "SEQ  VALUE     SOURCE\n"
                   "  1  abcdefg…  opqrstu…\n"));
}

static void a_value_of_64_kib_is_cut_at_once(void) {
  char *value = calloc(1, (64 << 10) + 1);
  memset(value, 'x', 64 << 10);
  const char *cells[] = {"1", value, "source/a", "id"};
  CU_ASSERT(prints(NULL, 30, cells, 4,
                   "SEQ  VALUE            SOURCE\n"
                   "  1  xxxxxxxxxxxxxx…  source/a\n"));
  free(value);
}

static void escapes_count_as_they_are_shown(void) {
  static const char *const cells[] = {"1", "\033[2J", "s", "id"};
  CU_ASSERT(prints(NULL, 80, cells, 4,
                   "SEQ  VALUE    SOURCE\n"
                   "  1  \\x1b[2J  s\n"));
}

static void a_row_that_is_not_whole_is_not_counted(void) {
  struct table *table = table_create(NULL, columns, 4);
  for (int i = 0; i < 7; i++)
    table_add_count(table, 1);
  CU_ASSERT_EQUAL(table_rows(table), 1);
  table_free(table);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a terminal gets columns under their titles", a_terminal_gets_columns},
      {"a pipe gets all cells, separated by tabs", a_pipe_gets_all_cells},
      {"the widest column is cut first", the_widest_column_is_cut_first},
      {"a wide character is not cut in two", a_wide_character_is_not_cut_in_two},
      {"columns keep a least width on a narrow terminal", columns_keep_a_least_width},
      {"a value of 64 KiB is cut at once", a_value_of_64_kib_is_cut_at_once},
      {"escapes count as they are shown", escapes_count_as_they_are_shown},
      {"a row that is not whole is not counted", a_row_that_is_not_whole_is_not_counted},
  };
  text_locale();
  return harness_run("table", cases, HARNESS_COUNT(cases));
}
