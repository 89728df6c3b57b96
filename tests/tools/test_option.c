#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tools/option.h"
#include "tools/text.h"
#include "tools/tool.h"

enum { ARGUMENTS_MAX = 100 };

struct target {
  bool flag;
  const char *text, *number;
  struct option_count count;
  struct option_list list;
};

static const struct option_spec specs[] = {
    {"flag", NULL, "a flag", OPTION_FLAG, offsetof(struct target, flag)},
    {"text", "TEXT", "a text", OPTION_TEXT, offsetof(struct target, text)},
    {"number", "NUMBER", "a number", OPTION_NUMBER, offsetof(struct target, number)},
    {"count", "N", "a count", OPTION_COUNT, offsetof(struct target, count)},
    {"list", "ITEM", "a list", OPTION_LIST, offsetof(struct target, list)},
};

/* A run of the parser: what it was given and what it made of it. */
struct run {
  struct target target;
  struct option_operands operands;
  char *argv[ARGUMENTS_MAX];
  char *out, *errors;
  int status;
};

static void parse(struct run *run, const char *const *arguments, size_t count) {
  struct option_group group = {"Options", specs, sizeof(specs) / sizeof(specs[0]), &run->target};
  struct option_usage usage = {"try", "A [B]", "Tries.\n", 1, 2, &group, 1};
  size_t out_size, errors_size;
  memset(run, 0, sizeof(*run));
  FILE *out = open_memstream(&run->out, &out_size), *errors = open_memstream(&run->errors, &errors_size);
  run->argv[0] = "try";
  for (size_t i = 0; i < count; i++)
    run->argv[i + 1] = (char *)(uintptr_t)arguments[i];
  run->status = option_parse(&usage, (int)count + 1, run->argv, &run->operands, out, errors);
  fclose(out);
  fclose(errors);
}

static void end(struct run *run) {
  free(run->out);
  free(run->errors);
}

#define PARSE(run, ...)                                                                                                \
  parse(run, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void options_end_in_the_struct(void) {
  struct run run;
  PARSE(&run, "a", "--flag", "--text", "x", "--number=-1.5e3", "--count", "18446744073709551615", "--list=1", "b",
        "--list", "2", "--text=");
  CU_ASSERT_EQUAL(run.status, -1);
  CU_ASSERT_TRUE(run.target.flag);
  CU_ASSERT_STRING_EQUAL(run.target.text, "");
  CU_ASSERT_STRING_EQUAL(run.target.number, "-1.5e3");
  CU_ASSERT_TRUE(run.target.count.given && run.target.count.value == UINT64_MAX);
  CU_ASSERT_EQUAL(run.target.list.count, 2);
  CU_ASSERT_STRING_EQUAL(run.target.list.items[1], "2");
  CU_ASSERT_EQUAL(run.operands.count, 2);
  CU_ASSERT_STRING_EQUAL(run.operands.items[0], "a");
  CU_ASSERT_STRING_EQUAL(run.operands.items[1], "b");
  end(&run);
}

static void two_dashes_end_the_options(void) {
  struct run run;
  PARSE(&run, "--", "--flag", "-");
  CU_ASSERT_EQUAL(run.status, -1);
  CU_ASSERT_FALSE(run.target.flag);
  CU_ASSERT_STRING_EQUAL(run.operands.items[0], "--flag");
  CU_ASSERT_STRING_EQUAL(run.operands.items[1], "-");
  end(&run);
}

static void a_value_may_look_like_an_option(void) {
  struct run run;
  PARSE(&run, "a", "--text", "--flag");
  CU_ASSERT_EQUAL(run.status, -1);
  CU_ASSERT_STRING_EQUAL(run.target.text, "--flag");
  CU_ASSERT_FALSE(run.target.flag);
  end(&run);
}

static bool refuses(const char *const *arguments, size_t count, const char *words) {
  struct run run;
  parse(&run, arguments, count);
  bool good = run.status == TOOL_USAGE && strstr(run.errors, words) && strstr(run.errors, "stemedb try --help");
  if (!good)
    printf("# status %d, said %s\n", run.status, run.errors);
  end(&run);
  return good;
}

#define REFUSES(words, ...)                                                                                            \
  CU_ASSERT(                                                                                                           \
      refuses((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), words))

static void mistakes_are_told(void) {
  REFUSES("there is no option --nothing", "a", "--nothing=1");
  REFUSES("there is no option --fla", "a", "--fla");
  REFUSES("there is no option -f", "a", "-f");
  REFUSES("--flag takes no value", "a", "--flag=1");
  REFUSES("--text needs TEXT", "a", "--text");
  REFUSES("A [B] is missing", "--flag");
  REFUSES("c is one too many", "a", "b", "c");
  REFUSES("no option --\\x1b[2J", "--\033[2J");
}

static void numbers_are_checked(void) {
  static const char *const counts[] = {"", "-1", "+1", " 1", "1 ", "1.0", "18446744073709551616", "x", "0x1"};
  static const char *const numbers[] = {"", "-", "01", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "1 ", "+1", "0x1"};
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    REFUSES("is no whole number", "a", "--count", counts[i]);
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    REFUSES("is no number", "a", "--number", numbers[i]);
  static const char *const good[] = {"0", "-0", "1", "0.5", "1e5", "1E-5", "10.25e+3"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    struct run run;
    PARSE(&run, "a", "--number", good[i]);
    CU_ASSERT_EQUAL(run.status, -1);
    end(&run);
  }
}

static void a_list_has_an_end(void) {
  const char *arguments[OPTION_LIST_MAX + 2] = {"a"};
  for (size_t i = 0; i <= OPTION_LIST_MAX; i++)
    arguments[i + 1] = "--list=x";
  struct run run;
  parse(&run, arguments, OPTION_LIST_MAX + 1);
  CU_ASSERT_EQUAL(run.status, -1);
  CU_ASSERT_EQUAL(run.target.list.count, OPTION_LIST_MAX);
  end(&run);
  CU_ASSERT(refuses(arguments, OPTION_LIST_MAX + 2, "one too many"));
}

static void help_names_every_option(void) {
  struct run run;
  PARSE(&run, "--flag", "--help", "--nothing");
  CU_ASSERT_EQUAL(run.status, TOOL_DONE);
  CU_ASSERT_PTR_NOT_NULL(strstr(run.out, "Usage: stemedb try [OPTION]... A [B]\nTries.\n"));
  for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
    CU_ASSERT_PTR_NOT_NULL(strstr(run.out, specs[i].help));
  CU_ASSERT_STRING_EQUAL(run.errors, "");
  end(&run);
}

int main(void) {
  static const struct test_case cases[] = {
      {"options end in the struct, operands beside it", options_end_in_the_struct},
      {"two dashes end the options", two_dashes_end_the_options},
      {"a value may look like an option", a_value_may_look_like_an_option},
      {"mistakes are told", mistakes_are_told},
      {"numbers are checked", numbers_are_checked},
      {"a list takes 64 items", a_list_has_an_end},
      {"help names every option", help_names_every_option},
  };
  text_locale();
  return harness_run("option", cases, HARNESS_COUNT(cases));
}
