/*
 * A moment of a history to restore to: entries 1..N exactly, whatever a backup's pages hold and wherever a transaction
 * ended. A backup holds every moment up to its own end, since nothing in a history is ever changed; what follows comes
 * from log files (ops/log_sources.h). point_find() looks, and proves, without touching anything; point_apply() makes a
 * private copy of the backup what was found.
 */
#ifndef OPS_POINT_H
#define OPS_POINT_H

#include "ops/log_sources.h"
#include "ops/metadata.h"
#include "store/store.h"

enum point_kind {
  POINT_BACKUP, /* what the backup holds */
  POINT_ALL,    /* all that backup and logs hold */
  POINT_SEQ,    /* entries 1..seq */
  POINT_TIME    /* the entries up to a time */
};

struct point_wish {
  enum point_kind kind;
  uint64_t seq;
  int64_t time_us;
  const char *archive; /* NULL: none */
  uint32_t timeline;   /* number of the timeline to follow; 0: the newest */
};

enum { POINT_WHY = 1024 };

struct point {
  struct proof proof;       /* of entries 1..last_seq; `history` is the branch they are of */
  uint64_t time_us;         /* of the last one; 0: there is none */
  uint64_t backup_seq;      /* the backup's last entry */
  uint64_t kept;            /* the last entry that comes from the backup */
  struct history_meta meta; /* its timelines; owned */
  uint32_t row;             /* the timeline of `meta` whose logs go on from there */
  uint32_t first_log;       /* in these logs nothing before this file is needed */
  uint64_t newest_seq;      /* the last one that could be restored */
  uint64_t newest_time_us;
  char why[POINT_WHY]; /* why not further */
  bool broken;         /* further ones are there, and cannot be reached */
};

/* Looks for the moment in `backup`, whose manifest was checked, and in `sources` (NULL: none). All entries up to it are
 * read, checked and hashed; the root of the backup's entries must be the one in `metadata`. ERR_INVALID: there is no
 * such moment, and what there is instead. ERR_CORRUPT: what was found is not what it should be. *out is the caller's
 * (point_free), also after an error. */
NODISCARD int point_find(const struct log *log, const char *backup, const struct metadata *metadata,
                         const struct point_wish *wish, struct log_sources *sources, struct point *out,
                         struct err *err);
/* Only how far it goes: newest_seq, newest_time_us, why, broken, meta. Nothing of the backup is proven. */
NODISCARD int point_survey(const struct log *log, const char *backup, struct log_sources *sources, uint32_t timeline,
                           struct point *out, struct err *err);
void point_free(struct point *point);

/* --- point_timelines.c --- */

/* The timelines that lead to the one that is wished (its number; 0: the newest that is known): from the archive, else
 * the backup's. ERR_INVALID: it is not known, or of another history. The copy is the caller's. */
NODISCARD int point_find_timelines(struct log_sources *sources, const struct history_meta *backup, uint32_t wanted,
                                   struct history_meta *out, struct err *err);

/* --- point_apply.c --- */

struct follow;

/* Makes of the open copy of the backup what was found: removes entries, or takes them from the logs. *removed: entries
 * were removed, whom the copy's log still names (startup_begin_log()). The caller proves what came of it. */
NODISCARD int point_apply(struct store *store, const struct point *point, struct log_sources *sources, bool *removed,
                          struct err *err);

/* Takes what follows f->seq from the logs of every timeline of f->meta from *row on, each up to where the next one
 * branched off. Where it ends before the taker has enough, *row is that timeline and *source its logs (NULL: there are
 * none); else *row is the number of timelines. */
NODISCARD int point_follow(struct follow *f, struct log_sources *sources, uint32_t first_log, uint32_t *row,
                           const struct log_source **source, struct err *err);

#endif
