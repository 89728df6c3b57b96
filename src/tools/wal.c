#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/prune.h"
#include "tools/tool.h"

struct prune_options {
  uint32_t keep;
  bool dry_run, force;
};

static bool parse_keep(const char *text, uint32_t *keep) {
  char *end;
  unsigned long n = strtoul(text, &end, 10);
  *keep = (uint32_t)n;
  return *text >= '0' && *text <= '9' && *end == '\0' && n <= 1000000;
}

static void tell(const struct prune_plan *plan, const struct prune_options *options) {
  uint32_t count = plan->below - plan->first;
  if (plan->first == 0)
    puts("there are no log files");
  else if (count == 0)
    printf("nothing to remove of log files %" PRIu32 " to %" PRIu32 ": %s\n", plan->first, plan->last, plan->why);
  else {
    printf("%s: log files %" PRIu32 " to %" PRIu32 ", %.1f MB\n", options->dry_run ? "would be removed" : "removed",
           plan->first, plan->below - 1, (double)plan->bytes / 1e6);
    if (plan->archived < count && options->force)
      printf("%" PRIu32 " of them are not archived: moments that need them cannot be restored any more\n",
             count - plan->archived);
    else if (plan->archived < count)
      printf("%" PRIu32
             " of them are not archived; %s has all that is in them, but moments before it cannot be restored "
             "any more\n",
             count - plan->archived, plan->backup);
    printf("log files %" PRIu32 " to %" PRIu32 " stay: %s\n", plan->below, plan->last, plan->why);
  }
}

int tool_wal(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {{"keep", required_argument, NULL, 'k'},
                                        {"dry-run", no_argument, NULL, 'n'},
                                        {"force", no_argument, NULL, 'f'},
                                        {0}};
  struct prune_options options = {0};
  struct prune_plan plan;
  struct config config;
  struct err err;
  bool good = true;
  for (int c; good && (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
    options.dry_run = options.dry_run || c == 'n';
    options.force = options.force || c == 'f';
    good = c == 'n' || c == 'f' || (c == 'k' && parse_keep(optarg, &options.keep));
  }
  if (!good || argc - optind != 1 || strcmp(argv[optind], "prune") != 0)
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  if (!rc)
    rc = prune_look(&config, &tool->log, options.keep, options.force, &plan, &err);
  if (!rc && !options.dry_run)
    rc = prune_remove(&config, &plan, &err);
  if (rc)
    return tool_fail(tool, &err);
  tell(&plan, &options);
  return TOOL_DONE;
}
