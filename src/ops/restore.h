/*
 * Restoring a backup into a home: what scripts/restore-stemedb.sh does between stopping and starting the node. Nothing
 * is deleted: what is replaced is renamed to NAME.backup.STAMP. The copy is made in data/.restore, recovered and proven
 * there (count, last seq and root equal to the metadata), given a timeline of its own, and only then moved into place,
 * data/db last. data/RESTORE exists from before the first change until restore_done(), and tells people what to do
 * if it is found. Each function takes the home's lock.
 */
#ifndef OPS_RESTORE_H
#define OPS_RESTORE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "ops/metadata.h"
#include "ops/point.h"

#define RESTORE_JOURNAL "RESTORE"

/* Whether `backup` can be restored into the home, without touching either: metadata, manifest, every file, disk space.
 * Each difference is logged. ERR_CORRUPT, ERR_NOTFOUND, ERR_INVALID: the backup; ERR_FULL: the home's disk. */
NODISCARD int restore_check(const struct config *config, const struct log *log, const char *backup,
                            struct metadata *metadata, struct err *err);
/* The same for a moment: unless wish->kind is POINT_BACKUP every entry up to it is read too, and what was found is
 * logged. ERR_INVALID: there is no such moment; ERR_CORRUPT, ERR_NOTFOUND: the archive. */
NODISCARD int restore_check_moment(const struct config *config, const struct log *log, const char *backup,
                                   const struct point_wish *wish, struct err *err);

/* Puts it into place of what is there, telling each step to `out` in the runbook's words. After an error all is as it
 * was before. After one that was interrupted (killed), it begins anew; what was there before that one is still what is
 * renamed. */
NODISCARD int restore_files(const struct config *config, const struct log *log, const char *backup, FILE *out,
                            struct err *err);
/* The same for a moment, which is found anew first; metadata.json tells of it afterwards. */
NODISCARD int restore_files_moment(const struct config *config, const struct log *log, const char *backup,
                                   const struct point_wish *wish, FILE *out, struct err *err);

/* Goes back to what was there before a restore that restore_done() has not ended; what was restored is renamed to
 * NAME.restored.STAMP. ERR_NOTFOUND if there is no such restore. */
NODISCARD int restore_undo(const struct config *config, const struct log *log, struct err *err);

/* Ends a restore: the node serves it. What was replaced stays. */
NODISCARD int restore_done(const struct config *config, struct err *err);

/* Copies a backup (complete or not yet renamed) into BACKUP_DIR/.verify-STAMP, starts it up there as a node would, and
 * compares count and root of its history and of its indexes with its metadata. */
NODISCARD int restore_rehearse(const struct config *config, const struct log *log, const char *backup,
                               const char *stamp, struct err *err);

/* --- restore_prove.c --- */

/* Recovers the store in `data_dir`, compares it with the metadata, and, if `timeline` is not 0, opens a new one in it,
 * of at least this number. ERR_CORRUPT if it is not what the metadata tells; NULL: there is none. With `indexes`, they
 * are opened (made, if need be) and compared too. */
NODISCARD int restore_prove(const struct config *config, const struct log *log, const char *data_dir,
                            const struct metadata *metadata, uint32_t timeline, bool indexes, struct err *err);

/* The table of timelines of an open store becomes `meta` (NULL: what it is) with a new one after `last_seq`, of at
 * least the number `at_least`; acked.mark follows. */
NODISCARD int restore_open_timeline(struct store *store, const char *data_dir, const struct history_meta *meta,
                                    uint64_t last_seq, uint32_t at_least, struct err *err);

/* --- restore_point.c --- */

/* The moment that is wished, found and proven in a backup whose manifest was checked. */
struct restore_moment {
  const struct point_wish *wish;
  struct log_sources sources;
  bool has_sources;
  struct point point;
};

/* The caller ends with restore_moment_free(), also after an error. */
NODISCARD int restore_moment_find(const struct config *config, const struct log *log, const char *backup,
                                  const struct metadata *metadata, const struct point_wish *wish,
                                  struct restore_moment *out, struct err *err);
void restore_moment_free(struct restore_moment *moment);
/* What it takes on the disk beside the backup. */
uint64_t restore_moment_bytes(const struct restore_moment *moment);

/* restore_prove() for a moment: recovers the private copy of the backup, makes it what was found, proves it, opens a
 * timeline, and writes its metadata.json. */
NODISCARD int restore_prove_moment(const struct config *config, const struct log *log, const char *data_dir,
                                   const struct metadata *metadata, struct restore_moment *moment, uint32_t timeline,
                                   struct err *err);

/* --- restore_journal.c --- */

enum { RESTORE_STAMP_SIZE = 16 };

struct restore_journal {
  char stamp[RESTORE_STAMP_SIZE]; /* of the names of what is replaced */
  uint32_t timeline;              /* the least number of the new timeline */
};

/* *found is false if there is none. */
NODISCARD int restore_journal_read(const char *data_dir, struct restore_journal *out, bool *found, struct err *err);
NODISCARD int restore_journal_write(const char *data_dir, const struct restore_journal *journal, const char *backup,
                                    struct err *err);
NODISCARD int restore_journal_remove(const char *data_dir, struct err *err);

#endif
