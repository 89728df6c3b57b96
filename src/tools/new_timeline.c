#include <inttypes.h>
#include <unistd.h>

#include "base/lock.h"
#include "ops/restore.h"
#include "store/startup.h"
#include "tools/tool.h"

/* The store is started as a node would, so that nothing that was acknowledged is left behind by it. */
static int open_timeline(const struct config *config, const struct log *log, struct err *err) {
  struct startup_report report;
  struct history_meta meta = {0};
  struct store *store = NULL;
  struct err second;
  char name[HISTORY_NAME_SIZE];
  int rc = startup_run(config, log, NULL, false, &store, &report, err);
  if (rc)
    return rc;
  if (!(rc = restore_open_timeline(store, config->data_dir, NULL, report.last_seq, 0, err)))
    rc = history_meta_read(store, &meta, err);
  int closed = store_close(store, rc ? &second : err);
  if (!rc && !(rc = closed)) {
    const struct timeline *current = history_meta_current(&meta);
    history_name(name, meta.id, current->number, current->branch);
    log_info(log, "A new timeline begins after entry %" PRIu64 ": %s", report.last_seq, name);
  }
  history_meta_free(&meta);
  return rc;
}

int tool_new_timeline(const struct tool *tool, int argc, char **argv) {
  struct config config;
  struct err err;
  int lock = -1;
  if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
    return tool_usage(argv[0]);
  int rc = config_load(&config, argc == 2 ? argv[1] : tool->home, &err);
  if (rc == 0)
    rc = lock_take(config.data_dir, &lock, &err);
  if (rc == ERR_NOTFOUND)
    rc = err_set(&err, rc, "No history in %s", config.data_dir);
  if (rc == 0)
    rc = open_timeline(&config, &tool->log, &err);
  if (lock >= 0)
    close(lock);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
