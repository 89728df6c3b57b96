/*
 * stemedb-committer: the only writer. One thread, one loop: take all waiting commands, decide them in order, append,
 * flush, mark, project, publish, reply. While one batch is being made durable the next one gathers in the sockets.
 */
#ifndef COMMITTER_COMMITTER_H
#define COMMITTER_COMMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/log.h"
#include "base/segment.h"
#include "committer/archive_sync.h"
#include "committer/batch.h"
#include "committer/connection.h"
#include "committer/retract.h"
#include "projection/projection.h"
#include "projection/snapshot.h"
#include "store/mark.h"
#include "store/store.h"

/* Of the oldest entry that is not archived. */
struct archive_lag {
  uint64_t seq, time_us; /* 0: none is known */
};

struct committer {
  const struct config *config;
  const struct log *log;
  bool told; /* the error was logged where it was found */
  struct segment *segment;
  /* --- the store --- */
  struct store *store;
  struct projection *projection;
  struct reader reader;
  int mark_fd;
  struct mark mark;              /* as last written: history and last seq */
  uint64_t last_time_us;         /* of the entry mark.seq */
  uint32_t wal_file, wal_offset; /* durable up to here; told only where there is an archive */
  struct archive_lag lag;
  struct archive_sync archive; /* archive_mode=sync */
  bool stalled;                /* it cannot be written: the batch is durable here, and goes on when it can */
  uint64_t retry_us;
  /* --- the loop --- */
  int epoll_fd, listen_fd, signal_fd;
  bool holding;  /* no log file is removed, as the supervisor wants it */
  bool stopping; /* reads no more; what was read is finished */
  struct connection *connections;
  size_t connection_count;
  struct batch batch;
  struct retract retract;
  uint64_t tick_us; /* clock_monotonic() of the next housekeeping */
};

/* --- loop.c --- */

/* Serves until it is told to stop. An error means that nobody knows what is stored: the process must end without
 * touching it. */
NODISCARD int committer_run(struct committer *committer, struct err *err);

/* --- commit.c --- */

/* One batch: takes what waits, decides it, commits it and puts the replies. *any tells whether there was something. */
NODISCARD int commit_waiting(struct committer *committer, bool *any, struct err *err);

/* --- decide.c --- */

/* Decides one command against the store and what the batch holds, and adds its entries and one decision to the batch.
 * ERR_INVALID: the command is malformed, and nothing was added. */
NODISCARD int decide(struct committer *committer, const struct command *command, struct connection *connection,
                     struct err *err);

/* A call whose key is known is decided: its first answer (REPLY_COMMITTED, replayed) or a refusal. *known tells whether
 * it is. */
NODISCARD int decide_known(struct committer *committer, const struct command *command, struct decision *decision,
                           bool *known, struct err *err);

/* --- housekeeping.c --- */

/* Promises the supervisor to be heard of again. */
void housekeeping_alive(struct committer *committer);
/* What is due each second: disk space, metrics, checkpoints. */
NODISCARD int housekeeping_tick(struct committer *committer, struct err *err);
/* Holds the removal of log files, or no more, as the supervisor wants it. */
NODISCARD int housekeeping_hold_log(struct committer *committer, struct err *err);
/* Publishes the state of the projection to all processes. */
void housekeeping_publish(struct committer *committer);
/* Makes all that is appended durable, and notes how far the log then reaches. */
NODISCARD int housekeeping_flush(struct committer *committer, struct err *err);
/* --- stall.c: archive_mode=sync --- */

/* Archives all that is durable, where that comes before acknowledging. If it cannot be, the committer is stalled, which
 * is no error. */
NODISCARD int stall_archive(struct committer *committer, struct err *err);
/* While stalled: refuses what waits in the connections; tries again if it is time, true if the stall is over. */
void stall_refuse(struct committer *committer);
bool stall_resume(struct committer *committer);
/* Turns the decisions of a batch that stalled into "nobody knows". */
void stall_answer(struct committer *committer);

/* Refuses writes from now on, or no more. */
void housekeeping_set_full(struct committer *committer, bool full);

#endif
