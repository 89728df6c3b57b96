/* stemedb archive verify, which stemedb verify calls for an archive. */
#ifndef TOOLS_ARCHIVE_H
#define TOOLS_ARCHIVE_H

#include <stdbool.h>

#include "tools/tool.h"

/* `where`: as archive_target; NULL: that of the home. Returns the exit status: 0 whole, 1 damaged, 3 not seen. */
int tools_archive_verify(const struct tool *tool, const char *where, bool json);

#endif
