#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/lock.h"
#include "ops/load.h"
#include "tools/tool.h"

static void tell(const struct load_result *result) {
  printf("%" PRIu64 " entries, history_root ", result->entries);
  for (size_t i = 0; i < sizeof(result->root); i++)
    printf("%02x", result->root[i]);
  putchar('\n');
  if (result->missing_from > 0)
    printf("from entry %" PRIu64 " on nothing was loaded: it is missing\n", result->missing_from);
}

int tool_load(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {{"partial", no_argument, NULL, 'p'}, {0}};
  struct config config;
  struct report report;
  struct load_result result;
  struct err err;
  bool partial = false;
  int lock = -1;
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    if (c == 'p')
      partial = true;
    else
      return tool_usage(argv[0]);
  if (argc - optind != 1)
    return tool_usage(argv[0]);
  report_open(&report, true);
  int rc = config_load(&config, tool->home, &err);
  if (!rc)
    rc = fileio_mkdirs(config.data_dir, 0750, &err);
  if (!rc)
    rc = lock_take(config.data_dir, &lock, &err);
  if (!rc)
    rc = load_run(&config, &tool->log, argv[optind], partial, &report, &result, &err);
  report_close(&report);
  if (lock >= 0)
    close(lock);
  if (rc)
    return tool_fail(tool, &err);
  tell(&result);
  return TOOL_DONE;
}
