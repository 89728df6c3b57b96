#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/restore.h"
#include "tools/tool.h"

/* The steps of scripts/restore-stemedb.sh, which stops and starts the node between them. */
static int run_step(const struct config *config, const struct log *log, const char *step, const char *backup,
                    struct err *err) {
  struct metadata metadata;
  if (strcmp(step, "check") == 0)
    return restore_check(config, log, backup, &metadata, err);
  if (strcmp(step, "files") == 0)
    return restore_files(config, log, backup, stdout, err);
  return strcmp(step, "undo") == 0 ? restore_undo(config, log, err) : restore_done(config, err);
}

int tool_restore(const struct tool *tool, int argc, char **argv) {
  char *backup = NULL;
  struct config config;
  struct err err;
  const char *step = argc > 1 ? argv[1] : "";
  bool with_backup = strcmp(step, "check") == 0 || strcmp(step, "files") == 0;
  bool alone = strcmp(step, "undo") == 0 || strcmp(step, "done") == 0;
  if (!(with_backup && argc == 3) && !(alone && argc == 2))
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  /* It may be a link: BACKUP_DIR/latest. */
  if (rc == 0 && with_backup && !(backup = realpath(argv[2], NULL)))
    rc = err_sys(&err, errno, "%s", argv[2]);
  if (rc == 0)
    rc = run_step(&config, &tool->log, step, backup, &err);
  free(backup);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
