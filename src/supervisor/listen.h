/* The node's Unix sockets, made once and held for the supervisor's whole life, so that connecting never fails while the
 * processes behind them come and go. */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <sys/types.h>

#include "base/err.h"

/* Makes and listens on a socket `name` in the current folder (a relative name, since a socket's path may have but 107
 * bytes), of this mode, in place of a stale one: the caller holds the home's lock. *fd is the caller's, non-blocking
 * and close-on-exec. */
NODISCARD int listen_open(const char *name, mode_t mode, int *fd, struct err *err);

#endif
