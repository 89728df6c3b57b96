/* The command line tool `stemedb`: a table of subcommands, each in a file of its own. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "base/err.h"
#include "base/log.h"

/* Exit statuses. Of a call to a node: TOOL_FAILED is a refusal, TOOL_UNAVAILABLE a node that cannot be reached or
 * cannot answer now, TOOL_FOUND that what was asked for was done and there is something to look at. */
enum tool_status {
  TOOL_DONE = 0,
  TOOL_FAILED = 1,
  TOOL_USAGE = 2,
  TOOL_CORRUPT = 3,
  TOOL_UNAVAILABLE = 3,
  TOOL_FOUND = 4
};

/* What every subcommand is given. */
struct tool {
  const char *home;
  struct log log; /* standard error */
};

/* Runs a subcommand with its own arguments, argv[0] being its name and --home gone; returns an enum tool_status, having
 * said what went wrong. */
typedef int tool_run(const struct tool *tool, int argc, char **argv);

tool_run tool_accept_loss;
tool_run tool_archive;
tool_run tool_assert;
tool_run tool_backup;
tool_run tool_concepts;
tool_run tool_config;
tool_run tool_conflicts;
tool_run tool_doctor;
tool_run tool_diff;
tool_run tool_drill;
tool_run tool_dump;
tool_run tool_export;
tool_run tool_import;
tool_run tool_init;
tool_run tool_load;
tool_run tool_new_timeline;
tool_run tool_query;
tool_run tool_reinstate;
tool_run tool_restorable;
tool_run tool_restore;
tool_run tool_retract;
tool_run tool_retractions;
tool_run tool_sources;
tool_run tool_serve;
tool_run tool_status;
tool_run tool_token;
tool_run tool_salvage;
tool_run tool_verify;
tool_run tool_wal;
tool_run tool_why;

/* Says what went wrong and returns the status that it means. */
int tool_fail(const struct tool *tool, const struct err *err);
/* Says what the arguments of a subcommand are. */
int tool_usage(const char *subcommand);

#endif
