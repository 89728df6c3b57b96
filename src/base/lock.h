/*
 * data/LOCK: one node, or one offline tool, a home. An flock(2) on an open file description: it ends when the last
 * process that inherited the descriptor has ended, so a new node can never meet a remainder of the old one.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/err.h"

/* Takes the lock; *fd keeps it (the caller's, close-on-exec). ERR_BUSY names the holder's pid; ERR_NOTFOUND if there is
 * no data folder. If the holder is dead, its last children are dying: waits up to 10 s for them (1 s if it only seems
 * alive: a zombie). */
NODISCARD int lock_take(const char *data_dir, int *fd, struct err *err);
/* Takes it shared, for looking only: nothing is written, a node cannot start meanwhile, others can look too. *fd is -1
 * if there is no lock file, and so no node. ERR_BUSY names the holder's pid. */
NODISCARD int lock_share(const char *data_dir, int *fd, struct err *err);

#endif
