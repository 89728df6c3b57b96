#include <unistd.h>

#include "base/fileio.h"
#include "base/lock.h"
#include "store/store.h"
#include "tools/tool.h"

int tool_init(const struct tool *tool, int argc, char **argv) {
  struct config config;
  struct err err;
  int lock = -1;
  if (argc != 1)
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  if (rc == 0)
    rc = fileio_mkdirs(config.data_dir, 0750, &err);
  if (rc == 0)
    rc = lock_take(config.data_dir, &lock, &err);
  if (rc == 0)
    rc = store_init(&config, &tool->log, &err);
  if (lock >= 0)
    close(lock);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
