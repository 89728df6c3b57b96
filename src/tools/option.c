#include "tools/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/text.h"
#include "tools/tool.h"

enum { HELP_COLUMN = 28, COMPLAINT_MAX = 4096 };

/* --- help --- */

static void print_option(FILE *out, const char *name, const char *argument, const char *help) {
  int used = fprintf(out, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
  if (used < 0)
    return;
  if (used > HELP_COLUMN - 2)
    fprintf(out, "\n%*s%s\n", HELP_COLUMN, "", help);
  else
    fprintf(out, "%*s%s\n", HELP_COLUMN - used, "", help);
}

void option_help(const struct option_usage *usage, FILE *out) {
  fprintf(out, "Usage: stemedb %s [OPTION]...%s%s\n%s", usage->name, *usage->operands ? " " : "", usage->operands,
          usage->text);
  for (size_t i = 0; i < usage->group_count; i++) {
    const struct option_group *group = &usage->groups[i];
    if (group->count == 0)
      continue;
    fprintf(out, "\n%s:\n", group->title);
    for (size_t j = 0; j < group->count; j++)
      print_option(out, group->specs[j].name, group->specs[j].argument, group->specs[j].help);
  }
  print_option(out, "help", NULL, "print this");
}

int option_complain(const struct option_usage *usage, FILE *errors, const char *fmt, ...) {
  char text[COMPLAINT_MAX];
  struct buf shown;
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  buf_init(&shown, sizeof(text) * 4);
  text_show(&shown, span_str(text));
  fprintf(errors, "stemedb %s: %.*s\nTry: stemedb %s --help\n", usage->name, (int)shown.len, (const char *)shown.data,
          usage->name);
  buf_free(&shown);
  return TOOL_USAGE;
}

/* --- values --- */

static bool parse_count(const char *text, struct option_count *count) {
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  errno = 0;
  count->value = strtoumax(text, &end, 10);
  count->given = true;
  return *end == '\0' && errno == 0;
}

static const char *skip_digits(const char *p) {
  while (*p >= '0' && *p <= '9')
    p++;
  return p;
}

/* RFC 8259 section 6. */
static bool is_number(const char *p) {
  const char *start;
  p += *p == '-';
  start = p;
  p = skip_digits(p);
  if (p == start || (*start == '0' && p != start + 1))
    return false;
  if (*p == '.') {
    start = ++p;
    if ((p = skip_digits(p)) == start)
      return false;
  }
  if (*p == 'e' || *p == 'E') {
    p++;
    p += *p == '+' || *p == '-';
    start = p;
    if ((p = skip_digits(p)) == start)
      return false;
  }
  return *p == '\0';
}

/* Stores the value of an option; NULL, or what is wrong with it. */
static const char *store(const struct option_spec *spec, const char *value, void *member) {
  struct option_list *list = member;
  switch (spec->kind) {
  case OPTION_FLAG: *(bool *)member = true; return NULL;
  case OPTION_TEXT: *(const char **)member = value; return NULL;
  case OPTION_COUNT: return parse_count(value, member) ? NULL : "is no whole number from 0 to 2^64 - 1";
  case OPTION_NUMBER: *(const char **)member = value; return is_number(value) ? NULL : "is no number";
  case OPTION_LIST:
    if (list->count == OPTION_LIST_MAX)
      return "is one too many: 64 may be given";
    list->items[list->count++] = value;
    return NULL;
  }
  return "cannot be kept";
}

/* --- the command line --- */

static const struct option_spec *find(const struct option_usage *usage, const char *name, size_t len, void **member) {
  for (size_t i = 0; i < usage->group_count; i++) {
    const struct option_group *group = &usage->groups[i];
    for (size_t j = 0; j < group->count; j++) {
      const struct option_spec *spec = &group->specs[j];
      if (strlen(spec->name) == len && memcmp(spec->name, name, len) == 0) {
        *member = (char *)group->target + spec->offset;
        return spec;
      }
    }
  }
  return NULL;
}

/* Takes the option argv[*at]; -1, or the exit status of a mistake. */
static int take_option(const struct option_usage *usage, int argc, char **argv, int *at, FILE *errors) {
  const char *name = argv[*at] + 2;
  const char *equals = strchr(name, '=');
  size_t len = equals ? (size_t)(equals - name) : strlen(name);
  void *member;
  const struct option_spec *spec = find(usage, name, len, &member);
  const char *value = equals ? equals + 1 : NULL;
  if (!spec)
    return option_complain(usage, errors, "there is no option --%.*s", (int)len, name);
  if (!spec->argument && value)
    return option_complain(usage, errors, "--%s takes no value", spec->name);
  if (spec->argument && !value) {
    if (*at + 1 >= argc)
      return option_complain(usage, errors, "--%s needs %s", spec->name, spec->argument);
    value = argv[++*at];
  }
  const char *wrong = store(spec, value, member);
  return wrong ? option_complain(usage, errors, "--%s: %s %s", spec->name, value, wrong) : -1;
}

int option_parse(const struct option_usage *usage, int argc, char **argv, struct option_operands *operands, FILE *out,
                 FILE *errors) {
  int kept = 1;
  bool options_end = false;
  for (int at = 1; at < argc; at++) {
    if (options_end || argv[at][0] != '-' || argv[at][1] == '\0') {
      argv[kept++] = argv[at];
    } else if (strcmp(argv[at], "--") == 0) {
      options_end = true;
    } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
      option_help(usage, out);
      return TOOL_DONE;
    } else if (argv[at][1] != '-') {
      return option_complain(usage, errors, "there is no option %s (an operand like it is put after --)", argv[at]);
    } else {
      int status = take_option(usage, argc, argv, &at, errors);
      if (status >= 0)
        return status;
    }
  }
  operands->count = (size_t)kept - 1;
  operands->items = argv + 1;
  if (operands->count < usage->operands_least)
    return option_complain(usage, errors, "%s is missing", usage->operands);
  if (operands->count > usage->operands_most)
    return option_complain(usage, errors, "%s is one too many", operands->items[usage->operands_most]);
  return -1;
}
