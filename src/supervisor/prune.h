/* Removing log files for `stemedb wal prune`, which knows what nobody needs: here only because no backup can begin
 * meanwhile. */
#ifndef SUPERVISOR_PRUNE_H
#define SUPERVISOR_PRUNE_H

#include <stdint.h>

#include "base/err.h"

struct node;

/* Removes data/wal/log.N of numbers below `below`, lowest first, a few at a time: *removed tells how many; fewer than
 * are there, and it has to be asked again. Never the newest two. ERR_BUSY while a backup is made or the node is not
 * ready. */
NODISCARD int prune_log(struct node *node, uint32_t below, unsigned *removed, struct err *err);

#endif
