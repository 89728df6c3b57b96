/* The options that name a moment of the history: --to-seq, --to-time, --from-archive, --timeline. */
#ifndef TOOLS_MOMENT_H
#define TOOLS_MOMENT_H

#include "ops/point.h"

/* Reads them; what remains begins at argv[optind]. False if they are wrong: err->code is 0 if the usage tells all, else
 * err->text says what. */
bool moment_read_options(int argc, char **argv, struct point_wish *out, struct err *err);
/* Decimal digits alone. */
bool moment_read_number(const char *text, uint64_t most, uint64_t *out);

#endif
