/* run/pids: who belongs to the node, a pid and a role a line. */
#ifndef SUPERVISOR_PIDS_H
#define SUPERVISOR_PIDS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "supervisor/child.h"

/* The pid in the file nginx.pid of the current folder if such a process runs, else 0. */
pid_t pids_nginx(void);
/* Replaces the file `pids` of the current folder. Pids that are 0 are left out. */
NODISCARD int pids_write(pid_t supervisor, const struct child *children, size_t count, pid_t nginx, struct err *err);

#endif
