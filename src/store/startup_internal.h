/* The steps of start-up, for startup.c and accept_loss.c. Each step logs what it does, and may be killed at any moment:
 * the next start does it again. */
#ifndef STORE_STARTUP_INTERNAL_H
#define STORE_STARTUP_INTERNAL_H

#include "store/internal.h"
#include "store/mark.h"
#include "store/pagescan.h"
#include "store/startup.h"
#include "store/walscan.h"

#define STARTUP_RUNBOOK "docs/runbooks/restore-from-backup.md"
#define STARTUP_RESTORE "\302\2471 Complete Restore"
#define STARTUP_REPLACE_WAL "\302\2472 WAL-Only Restore"

enum { STARTUP_PREFIX_MAX = 32 };

/* One start-up under way. */
struct startup {
  const struct config *config;
  const struct log *log;
  struct metrics *metrics;
  bool quick;
  bool announced; /* "Starting WAL recovery..." was logged */
  bool accepting; /* for accept-loss: what is damaged at the log's end is cut, the mark does not stop */
  char wal[FILEIO_PATH_MAX], db[FILEIO_PATH_MAX], history[FILEIO_PATH_MAX];
  struct walscan scan;
  struct pagescan pages; /* all zero if quick */
  struct mark mark;
  bool has_mark;
  const char *section; /* of the runbook, after a failure; NULL: STARTUP_RESTORE */
  bool cut;            /* accepting: the log was cut at damage */
  bool replaced;       /* the log is not the one that the database was used with last */
  struct store *store;
  uint64_t last_seq;
  struct startup_report *report;
};

/* Notes the section of the runbook to follow. Returns err->code, which is ERR_CORRUPT. */
int startup_fail(struct startup *s, const char *section, struct err *err);
/* Tells about an ERR_CORRUPT or ERR_NOTFOUND in the words of the runbook; `code` is returned. */
int startup_tell(const struct startup *s, int code, const struct err *err);

/* --- startup_wal.c --- */
/* Scans the log. Damage that recovery would meet fails (or, accepting, is cut off); older damage is moved out of the
 * way of backups; a torn tail is copied aside. */
NODISCARD int startup_scan_wal(struct startup *s, struct err *err);

/* --- startup_pages.c --- */
/* Checks every page of assertions.kv; fails at a bad one. */
NODISCARD int startup_scan_pages(struct startup *s, struct err *err);
/* After recovery: every page that the meta page knows of is there. */
NODISCARD int startup_check_holes(struct startup *s, struct err *err);
/* After recovery with a log that was replaced: every entry is there, readable by both ways into the tree, and none lies
 * on a page that the tree does not reach. */
NODISCARD int startup_walk_entries(struct startup *s, struct err *err);

/* --- startup_replaced.c --- */
/* Whether the log was replaced; if it does not reach up to the database's pages, moves it aside and puts another one
 * in: the one that the database was used with last, if that was set aside, else a new one that begins behind the pages.
 */
NODISCARD int startup_replace_wal(struct startup *s, struct err *err);
/* For a database that was closed clean: sets its log aside and begins a new one. */
NODISCARD int startup_renew_wal(struct startup *s, struct err *err);

/* --- reuse.c --- */
/* If the log that the database was used with last was set aside, and reaches up to its pages: *found, and what recovery
 * needs of it, up to the first damage, is copied to data/wal.incoming. */
NODISCARD int reuse_stage(struct startup *s, bool *found, struct err *err);
/* Moves it from there into the empty data/wal. */
NODISCARD int reuse_put_in(struct startup *s, struct err *err);

/* --- startup_id.c --- */
/* Whether `dir` is the log that the database was used with last. */
NODISCARD int startup_is_own_wal(const struct startup *s, const char *dir, bool *own, struct err *err);
/* Whether nobody has started here yet: neither log nor database has a name. */
NODISCARD int startup_is_first(const struct startup *s, bool *first, struct err *err);
/* Notes that this log and this database belong together from now on. */
NODISCARD int startup_marry_wal(struct startup *s, struct err *err);
/* Notes that data/wal is not the log that the database was used with last. */
NODISCARD int startup_divorce_wal(struct startup *s, struct err *err);

/* --- startup_recover.c --- */
/* Recovers in a child process, given up after config->recovery_timeout_s, then opens s->store. */
NODISCARD int startup_recover(struct startup *s, struct err *err);

/* --- startup_mark.c --- */
/* Reads acked.mark, before anything is changed. A damaged one fails. */
NODISCARD int startup_read_mark(struct startup *s, struct err *err);
/* Fails if it is the mark of another history or branch. */
NODISCARD int startup_check_identity(struct startup *s, const struct history_meta *meta, struct err *err);
/* Writes it for s->last_seq, durably. */
NODISCARD int startup_write_mark(struct startup *s, const struct history_meta *meta, struct err *err);

/* --- superseded.c --- */
/* Takes the entries that follow s->last_seq from logs that were set aside, as far as they go without a gap, and moves
 * s->last_seq on. */
NODISCARD int superseded_take(struct startup *s, const struct history_meta *meta, struct err *err);

/* --- startup.c --- */
/* Fills in *s and makes the folders. ERR_NOTFOUND: no history. */
NODISCARD int startup_prepare(struct startup *s, const struct config *config, const struct log *log,
                              struct metrics *metrics, struct startup_report *report, struct err *err);
/* All further steps up to an open store with all that can be had; s->last_seq was not compared with the mark yet. */
NODISCARD int startup_open(struct startup *s, struct history_meta *meta, struct err *err);

/* --- aside.c: files set aside, never removed --- */
/* Makes DATA_DIR/PREFIX.YYYYMMDD-HHMMSS (UTC; with -2, -3 … if that exists). */
NODISCARD int aside_make(const char *data_dir, const char *prefix, char out[FILEIO_PATH_MAX], struct err *err);
/* The folders DATA_DIR/wal.corrupted.* and wal.superseded.*, the latest stamp first. */
NODISCARD int aside_list(const char *data_dir, char ***folders, size_t *count, struct err *err);
void aside_list_free(char **folders, size_t count);
/* Moves from/name to to/name, from one file system to another too. */
NODISCARD int aside_move(const char *from, const char *to, const char *name, struct err *err);
/* Copies what from/name holds from `offset` on to to/name (with an offset: to/name.from-OFFSET), holes kept, durably.
 */
NODISCARD int aside_copy(const char *from, const char *to, const char *name, uint32_t offset, struct err *err);

#endif
