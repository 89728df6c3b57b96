#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lock.h"
#include "store/startup.h"
#include "tools/tool.h"

static bool parse_seq(const char *text, uint64_t *seq) {
  char *end;
  errno = 0;
  *seq = strtoumax(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

int tool_accept_loss(const struct tool *tool, int argc, char **argv) {
  static const struct option options[] = {{"to-seq", required_argument, NULL, 's'}, {0}};
  struct config config;
  struct err err;
  uint64_t to_seq = 0;
  bool given = false;
  int lock = -1;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
    if (c != 's' || !(given = parse_seq(optarg, &to_seq)))
      return tool_usage(argv[0]);
  if (!given || optind != argc)
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  if (rc == 0)
    rc = lock_take(config.data_dir, &lock, &err);
  if (rc == ERR_NOTFOUND)
    rc = err_set(&err, rc, "No history in %s", config.data_dir);
  if (rc == 0)
    rc = startup_accept_loss(&config, &tool->log, to_seq, &err);
  if (lock >= 0)
    close(lock);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
