#include "base/config.h"

#include <stdio.h>

#include "tools/tool.h"

int tool_config(const struct tool *tool, int argc, char **argv) {
  (void)tool;
  if (argc != 1)
    return tool_usage(argv[0]);
  config_print_example(stdout);
  return TOOL_DONE;
}
