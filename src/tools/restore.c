#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ops/restore.h"
#include "tools/moment.h"
#include "tools/tool.h"

/* The steps of scripts/restore-stemedb.sh, which stops and starts the node between them. */
static int run_step(const struct config *config, const struct log *log, const char *step, const char *backup,
                    const struct point_wish *wish, struct err *err) {
  if (strcmp(step, "check") == 0)
    return restore_check_moment(config, log, backup, wish, err);
  if (strcmp(step, "files") == 0)
    return restore_files_moment(config, log, backup, wish, stdout, err);
  return strcmp(step, "undo") == 0 ? restore_undo(config, log, err) : restore_done(config, err);
}

int tool_restore(const struct tool *tool, int argc, char **argv) {
  struct point_wish wish;
  char *backup = NULL;
  struct config config;
  struct err err;
  if (!moment_read_options(argc, argv, &wish, &err))
    return err.code ? (log_error(&tool->log, "%s", err.text), TOOL_USAGE) : tool_usage(argv[0]);
  const char *step = optind < argc ? argv[optind] : "";
  int operands = argc - optind;
  bool with_backup = strcmp(step, "check") == 0 || strcmp(step, "files") == 0;
  bool alone = (strcmp(step, "undo") == 0 || strcmp(step, "done") == 0) && wish.kind == POINT_BACKUP;
  if (!(with_backup && operands == 2) && !(alone && operands == 1))
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  /* It may be a link: BACKUP_DIR/latest. */
  if (rc == 0 && with_backup && !(backup = realpath(argv[optind + 1], NULL)))
    rc = err_sys(&err, errno, "%s", argv[optind + 1]);
  if (rc == 0)
    rc = run_step(&config, &tool->log, step, backup, &wish, &err);
  free(backup);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
