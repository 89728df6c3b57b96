/* data/LOCK: one node, or one offline tool, a home. An flock(2) that ends with its holder. */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "base/err.h"

/* Takes the lock; *fd keeps it (the caller's, close-on-exec). ERR_BUSY names the holder's pid; ERR_NOTFOUND if there is
 * no data folder. */
NODISCARD int lock_take(const char *data_dir, int *fd, struct err *err);

#endif
