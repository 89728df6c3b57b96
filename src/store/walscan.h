/*
 * The log files of an environment that nobody has open, read with our own eyes before Berkeley DB sees them: its
 * recovery silently drops acknowledged records after a damaged one in the last file, and zeroes the evidence. Checked:
 * numbers without gaps, headers, checksums, the chain of records across files; found: the end, the last checkpoint,
 * what recovery will replay. 100 MB take about 0.1 s (tests/store/test_walscan.c measures).
 */
#ifndef STORE_WALSCAN_H
#define STORE_WALSCAN_H

#include "store/wal_walk.h"

struct walscan {
  uint32_t file_count, first_file, last_file; /* 0 if there is no log file */
  uint64_t bytes;                             /* walked */
  struct lsn end;                             /* behind the last sound record; {0,0} if there is none at all */
  bool torn;          /* what stands at `end` (or in a last file behind it) is a record that was not written to
                         its end: nothing sound follows. Recovery will cut it */
  uint32_t torn_file; /* the file that it stands in */
  bool torn_header;   /* the whole file torn_file: its header was not written to its end */
  bool has_checkpoint;
  struct lsn checkpoint, checkpoint_from; /* the last checkpoint, and where recovery begins for it */
  uint64_t commits;                       /* transactions committed after checkpoint_from */
  bool page_alarm;         /* since then Berkeley DB found a page's checksum wrong, and said so in the log */
  struct wal_damage fatal; /* the first damage that recovery would meet; fault WAL_SOUND: none */
  struct wal_damage old;   /* the newest before checkpoint_from: the database does not need it any more */
};

/* Scans the log in `dir`. `from_checkpoint`: only from the file that the last checkpoint's recovery begins in.
 * `visitor` (NULL: none) sees all that is walked. Damage is no error, only *out tells it; an empty or missing folder
 * neither. */
NODISCARD int walscan_run(const char *dir, bool from_checkpoint, const struct wal_visitor *visitor, struct walscan *out,
                          struct err *err);

/* The numbers of the log files in `dir`, ascending; *numbers is the caller's (free). A missing folder has none. */
NODISCARD int walscan_list(const char *dir, uint32_t **numbers, size_t *count, struct err *err);

enum { WALSCAN_TEXT_SIZE = 512 };
/* "Checksum mismatch in WAL segment DIR/log.0000000007 at offset 4711" and so on: the words of the runbook. */
void walscan_describe(const struct wal_damage *damage, const char *dir, char out[WALSCAN_TEXT_SIZE]);

#endif
