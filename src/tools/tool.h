/* The command line tool `stemedb`: a table of subcommands, each in a file of its own. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "base/err.h"
#include "base/log.h"

enum tool_status { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_CORRUPT = 3 };

/* What every subcommand is given. */
struct tool {
  const char *home;
  struct log log; /* standard error */
};

/* Runs a subcommand with its own arguments, argv[0] being its name and --home gone; returns an enum tool_status, having
 * said what went wrong. */
typedef int tool_run(const struct tool *tool, int argc, char **argv);

tool_run tool_accept_loss;
tool_run tool_config;
tool_run tool_init;
tool_run tool_token;

/* Says what went wrong and returns the status that it means. */
int tool_fail(const struct tool *tool, const struct err *err);
/* Says what the arguments of a subcommand are. */
int tool_usage(const char *subcommand);

#endif
