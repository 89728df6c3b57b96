/* The file of an export: whole lines only, so that it can be gone on with. */
#ifndef TOOLS_EXPORT_FILE_H
#define TOOLS_EXPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Creates a file that is not there yet. */
NODISCARD int export_file_create(const char *path, int *fd, struct err *err);
/* Opens a file to go on with, made if it is not there: what follows its last whole line is cut off, and that line (an
 * entry of the feed, without its end) is appended to `last`. *seq is its seq, 0 if there is no line. */
NODISCARD int export_file_append(const char *path, int *fd, struct buf *last, uint64_t *seq, struct err *err);

#endif
