/* Making a dump of a copy (ops/dump.h). */
#ifndef OPS_DUMP_MAKE_H
#define OPS_DUMP_MAKE_H

#include "ops/report.h"

/* Writes a dump of the home or backup at `path` to `fd`, proving it on the way as verify does. ERR_CORRUPT if it is not
 * whole: what is wrong was reported, and what was written ends without a last line, so that no load takes it.
 * *entries is how many there are. Memory does not grow with them but for 16 bytes a page of assertions.kv. */
NODISCARD int dump_make(const char *path, int fd, struct report *report, uint64_t *entries, struct err *err);

#endif
