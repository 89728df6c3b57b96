/*
 * A drill: the latest backup, with what an archive has beyond it, is restored into a scratch home below HOME/drills, a
 * node is started there, proven, asked and written to, and it is measured how long all that took (RTO) and how old the
 * newest of what came back is (RPO). The home itself is only read; what a drill leaves is
 * HOME/drills/drill-STAMP.{json,txt} and HOME/drills/status, which the metrics show. The scratch node speaks on its
 * socket alone, on no port.
 *
 * The drill runs as a child process. Whatever becomes of it, the parent ends it and its node by the deadline, removes
 * the scratch home and writes the report; if the parent is killed, the child and the node die with it
 * (PR_SET_PDEATHSIG), and the next drill removes what is left.
 */
#ifndef OPS_DRILL_H
#define OPS_DRILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "model/timestamp.h"
#include "ops/metadata.h"

enum drill_phase { DRILL_CHECK, DRILL_RESTORE, DRILL_START, DRILL_PROVE, DRILL_USE, DRILL_PHASE_COUNT };

enum { DRILL_STAMP_SIZE = 16, DRILL_DEADLINE_S = 4 * 3600 };

struct drill_options {
  const char *backups; /* the folder of backups; NULL: the home's */
  const char *archive; /* what follows the backup is taken from this archive; NULL: nothing */
  bool keep;           /* leave what was restored as HOME/drills/STAMP, its node stopped */
  uint64_t deadline_s; /* after which it has failed */
};

/* What parent and child share. */
struct drill_result {
  char backup[FILEIO_PATH_MAX]; /* "" if none was found */
  struct metadata metadata;     /* of it; after the restore, of all that was restored */
  enum drill_phase phase;       /* under way, or that failed; DRILL_PHASE_COUNT: all are done */
  uint64_t phase_us[DRILL_PHASE_COUNT];
  uint64_t begun_us;           /* clock_monotonic() */
  uint64_t rto_us;             /* from the start of the check to the proven answer; 0: it did not come */
  char newest[TIMESTAMP_SIZE]; /* of the newest entry restored, "" if there is none */
  bool live;                   /* the home's node answered */
  uint64_t live_seq;           /* its newest entry */
  char live_newest[TIMESTAMP_SIZE];
  bool rpo_known;
  uint64_t rpo_us; /* time of the home's newest entry (without its node: now) less that of the newest restored */
  int code;        /* enum err_code */
  char failure[ERR_TEXT_SIZE];
  bool ended; /* the child came to an end of its own */
};

struct drill {
  const struct config *config; /* of the home */
  const struct log *log;
  const char *program; /* stemedb-api */
  struct drill_options options;
  char stamp[DRILL_STAMP_SIZE];
  uint64_t now_us;               /* what the stamp tells, microseconds since 1970 */
  char folder[FILEIO_PATH_MAX];  /* HOME/drills */
  char scratch[FILEIO_PATH_MAX]; /* the scratch home */
  char kept[FILEIO_PATH_MAX];    /* where it is kept */
  struct drill_result *result;   /* shared memory */
  char report[FILEIO_PATH_MAX];  /* of the text report, once it is written */
};

/* Runs a drill. 0: passed. ERR_BUSY: another one is under way, and nothing was noted; otherwise the report is written,
 * and err tells why it failed (ERR_CORRUPT, ERR_NOTFOUND: the backup). `program` is the stemedb-api to start. Must be
 * called by a process without threads and without children. drill_release() frees what it took, whatever it returned.
 */
NODISCARD int drill_run(struct drill *drill, const struct config *config, const struct log *log, const char *program,
                        const struct drill_options *options, struct err *err);
void drill_release(struct drill *drill);

/* --- drill_restore.c: in the child --- */

/* Does the drill, noting in drill->result how far it comes. Leaves its node stopped. */
NODISCARD int drill_do(struct drill *drill, struct err *err);

/* --- drill_node.c --- */

struct drill_node {
  pid_t pid;
  int fd; /* pidfd */
};

/* Starts the scratch home's node, its output going to the home's log; it dies with this process. */
NODISCARD int drill_node_start(const struct drill *drill, struct drill_node *node, struct err *err);
/* Waits until it serves. ERR_CORRUPT if it ends with exit status 3. */
NODISCARD int drill_node_wait(const struct drill *drill, const struct drill_node *node, struct err *err);
/* Stops it as an operator would; it has to end with status 0. */
NODISCARD int drill_node_stop(struct drill_node *node, struct err *err);

/* --- drill_ask.c --- */

/* What a node says of itself. */
struct drill_health {
  struct proof proof;
  char timestamp[TIMESTAMP_SIZE]; /* of its newest entry, "" if there is none */
};

/* ERR_BUSY if the node of `run_dir` does not answer, or is not healthy. */
NODISCARD int drill_ask_health(const char *run_dir, struct drill_health *out, struct err *err);
/* Entries 1, last_seq and one between are read by seq, found by their ids, and by queries for their concepts. */
NODISCARD int drill_ask_entries(const char *run_dir, uint64_t last_seq, struct err *err);
/* Stores an assertion, and finds it again. */
NODISCARD int drill_ask_assert(const char *run_dir, const char *stamp, struct err *err);

/* --- drill_report.c --- */

/* Writes drill->report and the JSON beside it. */
NODISCARD int drill_write_report(struct drill *drill, struct err *err);

#endif
