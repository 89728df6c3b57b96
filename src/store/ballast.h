/*
 * DATA_DIR/ballast: space that is kept for bad times. A recovery on a full disk fails (it writes the pages that the log
 * holds), and so does a checkpoint. So while there is plenty, a file of ballast_bytes lies beside the history; when
 * less than that is free, it is removed, and what it held is there for recovery and checkpoint.
 */
#ifndef STORE_BALLAST_H
#define STORE_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"

#define STORE_BALLAST_FILE "ballast"

/* Removes the ballast if there is one and less than config->ballast_bytes are free, and says so in the log; a failure
 * is logged, too. Returns whether it gave any. */
bool ballast_give_back(const struct config *config, const struct log *log);
/* Makes it if there is none and as much as it holds would still be free above the limit at which writes resume;
 * `free_bytes` are free now. A file system that cannot reserve space has no ballast, which is logged. Without effect
 * where ballast_bytes is 0. */
void ballast_keep(const struct config *config, const struct log *log, uint64_t free_bytes);

#endif
