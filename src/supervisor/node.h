/*
 * The node as a state machine over its processes. Events come in (a child is ready, a child ended, a signal, time
 * passed), processes are started, stopped and killed. One rule carries it: any abnormal end of any process is one event
 * for all of them, since nobody knows what it held; all are killed and reaped, and the committer starts with recovery.
 */
#ifndef SUPERVISOR_NODE_H
#define SUPERVISOR_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/log.h"
#include "base/segment.h"
#include "supervisor/archiver.h"
#include "supervisor/backup.h"
#include "supervisor/child.h"
#include "supervisor/control.h"
#include "supervisor/notify.h"

/* Of committer and node, never restarted: stored bytes are corrupt, or there is no history. */
enum { NODE_EXIT_CORRUPT = 3 };

enum node_phase {
  PHASE_UP,        /* processes start or run */
  PHASE_KILLING,   /* all were sent SIGKILL */
  PHASE_WAITING,   /* none is there; the next start waits for its time */
  PHASE_DRAINING,  /* stopping: workers finish what they have */
  PHASE_CLOSING,   /* stopping: the committer finishes and closes */
  PHASE_ARCHIVING, /* stopping: the archiver archives what that left */
  PHASE_OVER       /* exit with exit_status */
};

/* All times are clock_monotonic(). */
struct node {
  const struct config *config;
  const struct log *log;
  const struct notify *notify;
  struct segment *segment;
  struct child_setup setup;
  bool never_quick; /* every recovery is a full one */
  enum node_phase phase;
  int exit_status;      /* KILLING: what to exit with then, negative to start again; OVER: the node's */
  bool ready;           /* all processes of this start are */
  bool proven;          /* some start became ready */
  bool verify;          /* the next start must check everything */
  unsigned failures;    /* starts in a row that never became ready */
  unsigned overdue;     /* ticks in a row that found the committer's promise broken */
  unsigned generation;  /* of workers: a rolling restart raises it */
  uint64_t event_us;    /* when the node was last started, or its failure noticed */
  uint64_t deadline_us; /* of WAITING, DRAINING, CLOSING, ARCHIVING; 0: passed, and acted on */
  uint64_t tick_us;     /* when the next second's tick is due */
  uint64_t corrupt_us;  /* when a ready process last ended with NODE_EXIT_CORRUPT; 0: never */
  pid_t nginx;          /* as last seen */
  struct archiver archiver;
  struct backup backup;
  struct control control;
  struct child *children; /* places: the committer, the workers, one more for rolling restarts, the archiver, and a
                             backup's tool */
  size_t child_count;
};

/* A node of free places in PHASE_WAITING for its first start, due at once. The other members are the caller's to set.
 */
NODISCARD int node_init(struct node *node, const struct config *config, struct err *err);
void node_free(struct node *node);

/* SIGTERM, SIGINT: workers drain, then the committer closes. */
void node_stop(struct node *node);
/* SIGHUP: new workers for old, one at a time. */
void node_reload(struct node *node);
/* SIGCHLD: takes note of whoever ended. */
void node_reap(struct node *node);
/* A child's ready_fd is readable. */
void node_hear(struct node *node, struct child *child);
/* Does what is due by now. */
void node_tick(struct node *node);
/* Milliseconds until node_tick() will have something to do. */
int node_timeout_ms(const struct node *node);

/* --- node.c, for stop.c, roll.c and backup.c --- */

/* The one event: a process of this role failed for `cause`, and all are restarted. */
void node_fail(struct node *node, enum child_role role, const char *cause);
/* Makes the committer look at the segment at once. */
void node_wake_committer(const struct node *node);
/* Starts a tool as a process of the node, see child_start_tool(). */
NODISCARD int node_start_tool(struct node *node, char *const argv[], struct err *err);

/* SIGKILLs all. When they are reaped, the node ends with `exit_status`, or, if that is negative, starts again. */
void node_kill_all(struct node *node, int exit_status);
size_t node_count(const struct node *node, enum child_role role);
/* Starts the archiver. */
NODISCARD int node_start_archiver(struct node *node, struct err *err);
/* Starts one worker of the present generation. */
NODISCARD int node_start_worker(struct node *node, struct err *err);

/* --- roll.c --- */

/* The next step of a rolling restart, if one is under way and nothing has to be waited for. */
void node_roll(struct node *node);

/* --- stop.c --- */

/* A child ended while the node drains or closes. */
void node_stop_death(struct node *node, enum child_role role, int status);
/* The deadline of draining, closing or archiving has passed. */
void node_stop_late(struct node *node);

/* --- status.c: what the outside sees --- */

/* run/pids and stemedb_workers, after a change. */
void node_show(struct node *node);
/* stemedb_uptime_seconds. */
void node_show_time(struct node *node, uint64_t now);
/* stemedb_last_backup_timestamp_seconds, stemedb_backup_failures_total. */
void node_show_backups(struct node *node);
/* stemedb_last_drill_*. */
void node_show_drills(struct node *node);
/* Looks whether nginx came or went. */
void node_show_nginx(struct node *node);
/* Shows every series of stemedb_process_restarts_total from 0 on. */
void node_show_restarts(struct node *node);
/* Counts a restart in stemedb_process_restarts_total. `cause` is of this code's own words. */
void node_count_restart(struct node *node, enum child_role role, const char *cause);

#endif
