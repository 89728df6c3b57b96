/* Options and operands of a subcommand: a table of options in, a struct of the subcommand's own out. */
#ifndef TOOLS_OPTION_H
#define TOOLS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
  OPTION_FLAG,   /* bool */
  OPTION_TEXT,   /* const char *, borrowed from argv; the last one given counts */
  OPTION_COUNT,  /* struct option_count: decimal digits, less than 2^64 */
  OPTION_NUMBER, /* const char *: the text of a JSON number */
  OPTION_LIST    /* struct option_list: may be given again and again */
};

enum { OPTION_LIST_MAX = 64 };

struct option_count {
  bool given;
  uint64_t value;
};

struct option_list {
  size_t count;
  const char *items[OPTION_LIST_MAX];
};

struct option_spec {
  const char *name;     /* without the dashes */
  const char *argument; /* what it takes, in capitals; NULL for a flag */
  const char *help;
  enum option_kind kind;
  size_t offset; /* of its member in the struct */
};

/* Options that end in the same struct. */
struct option_group {
  const char *title; /* above their help */
  const struct option_spec *specs;
  size_t count;
  void *target;
};

/* What a subcommand takes. */
struct option_usage {
  const char *name;     /* "query" */
  const char *operands; /* "CONCEPT [PREDICATE]" */
  const char *text;     /* sentences for --help, ending with a newline */
  size_t operands_least, operands_most;
  const struct option_group *groups;
  size_t group_count;
};

/* What stood between the options. */
struct option_operands {
  size_t count;
  char **items; /* argv, its order changed */
};

/*
 * Parses argv[1..argc). `--name VALUE`, `--name=VALUE`; `--` ends the options; `-` is an operand. The target structs
 * must be zeroed. Returns -1 to go on; else the exit status: TOOL_DONE after --help, TOOL_USAGE after a mistake, which
 * it has described on `errors`.
 */
int option_parse(const struct option_usage *usage, int argc, char **argv, struct option_operands *operands, FILE *out,
                 FILE *errors);
/* The text of --help. */
void option_help(const struct option_usage *usage, FILE *out);
/* Says "stemedb NAME: ..." and where help is; returns TOOL_USAGE. */
int option_complain(const struct option_usage *usage, FILE *errors, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
