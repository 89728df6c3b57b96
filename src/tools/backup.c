#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/backup.h"
#include "tools/tool.h"

enum { DAYS_MAX = 36500 };

static bool parse_days(const char *text, unsigned *days) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(text, &end, 10);
  *days = (unsigned)n;
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && n >= 1 && n <= DAYS_MAX;
}

static bool parse_options(int argc, char **argv, struct backup_options *options) {
  static const struct option table[] = {{"incremental", no_argument, NULL, 'i'},
                                        {"no-indexes", no_argument, NULL, 'n'},
                                        {"verify", no_argument, NULL, 'v'},
                                        {"retain-days", required_argument, NULL, 'r'},
                                        {0}};
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    switch (c) {
    case 'i': options->incremental = true; break;
    case 'n': options->no_indexes = true; break;
    case 'v': options->verify = true; break;
    case 'r':
      if (!parse_days(optarg, &options->retain_days))
        return false;
      break;
    default: return false;
    }
  return optind == argc;
}

int tool_backup(const struct tool *tool, int argc, char **argv) {
  struct backup_options options = {0};
  struct backup_work work;
  struct config config;
  struct err err;
  if (!parse_options(argc, argv, &options))
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  if (rc == 0)
    rc = backup_make(&config, &tool->log, &options, &work, &err);
  if (rc)
    return tool_fail(tool, &err);
  const struct proof *proof = &work.metadata.proof;
  printf("Backup complete: %s (%" PRIu64 " assertions, seq %" PRIu64 ")\n", work.complete, proof->assertion_count,
         proof->last_seq);
  return TOOL_DONE;
}
