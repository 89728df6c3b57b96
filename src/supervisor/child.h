/* A process of the node: how it is started, how it says that it is ready, and what is said of its end. */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"

/* ROLE_BACKUP is a tool, not a program of ours: db_hotbackup. */
enum child_role { ROLE_COMMITTER, ROLE_WORKER, ROLE_ARCHIVER, ROLE_BACKUP, ROLE_COUNT };

enum child_state { CHILD_STARTING, CHILD_READY, CHILD_DRAINING, CHILD_STATE_COUNT };

struct child {
  pid_t pid; /* 0: this place is free */
  enum child_role role;
  enum child_state state;
  int ready_fd;        /* where it will say "ready"; -1 when it did */
  unsigned generation; /* of the rolling restart that it belongs to */
};

/* What a child is given. Descriptors are borrowed. */
struct child_setup {
  const char *home;
  int segment_fd, lock_fd;
  int listen_fds[ROLE_COUNT]; /* by role */
};

/* "committer", "worker", "archiver", "backup". */
const char *child_role_name(enum child_role role);

/* Starts a process of `role` into the free place *child, in a process group of its own: `--home HOME`, descriptors
 * named in STEMEDB_*_FD, STEMEDB_QUICK=1 if `quick`. It dies with this process. The program lies beside this one, else
 * in PKGLIBEXECDIR. */
NODISCARD int child_start(struct child *child, enum child_role role, const struct child_setup *setup, bool quick,
                          const struct log *log, struct err *err);

/* Starts a tool of others' (argv[0] is looked for in PATH) into the free place *child, as ROLE_BACKUP: it says nothing
 * of being ready. It keeps the home's lock, and dies with this process. */
NODISCARD int child_start_tool(struct child *child, char *const argv[], const struct child_setup *setup,
                               const struct log *log, struct err *err);

/* Reads what it says on ready_fd; true once it is ready. */
bool child_hear(struct child *child);

/* SIGTERM to the process itself. */
void child_terminate(const struct child *child);
/* SIGKILL to it and to all that it started. */
void child_kill(const struct child *child);

/* Gives the place free, after the process was reaped. */
void child_forget(struct child *child);

/* What a wait status means, for people: "died: signal 9 (KILL)", "ended: status 1". */
enum { CHILD_OBITUARY_SIZE = 64 };
void child_obituary(int status, char out[CHILD_OBITUARY_SIZE]);

#endif
