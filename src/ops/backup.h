/*
 * The folder of backups: stemedb-backup-YYYYMMDD-HHMMSS (UTC), complete and never changed; `.partial-STAMP` while one
 * is being made, `.failed-STAMP` what remains of the last one that failed; `latest` links to the newest; `.lock` keeps
 * a second one out.
 */
#ifndef OPS_BACKUP_H
#define OPS_BACKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "ops/metadata.h"

#define BACKUP_PREFIX "stemedb-backup-"
#define BACKUP_PARTIAL ".partial-"
#define BACKUP_FAILED ".failed-"
#define BACKUP_VERIFY ".verify-"

enum { BACKUP_STAMP_SIZE = 16, BACKUP_NAME_SIZE = 40 };

struct backup_options {
  bool incremental; /* files that are the same as in the newest backup are hard links to its */
  bool no_indexes;
  bool verify;          /* restore it into a scratch folder before it counts as made */
  unsigned retain_days; /* remove older ones afterwards; 0: none */
};

/* A backup under way. */
struct backup_work {
  const struct config *config;
  const struct log *log;
  struct backup_options options;
  char stamp[BACKUP_STAMP_SIZE];
  uint64_t begun_us;              /* what the stamp tells, microseconds since 1970 */
  char partial[FILEIO_PATH_MAX];  /* BACKUP_DIR/.partial-STAMP */
  char complete[FILEIO_PATH_MAX]; /* BACKUP_DIR/stemedb-backup-STAMP */
  bool indexes;                   /* were copied */
  struct metadata metadata;       /* once sealed */
};

/* Makes a backup of config's home, by the running node or, if none runs, of the store at rest: copies, computes count
 * and root of the copy, seals, renames. Notes success or failure in backup.status. ERR_BUSY if another one is being
 * made, which is not noted. */
NODISCARD int backup_make(const struct config *config, const struct log *log, const struct backup_options *options,
                          struct backup_work *work, struct err *err);

/* --- backup_copy.c --- */
/* Copies indexes and history into work->partial, by the node or without it. */
NODISCARD int backup_copy(struct backup_work *work, struct err *err);

/* --- backup_seal.c --- */
/* Makes of the copies in work->partial a complete backup, but for its name. */
NODISCARD int backup_seal(struct backup_work *work, struct err *err);

/* --- backup_list.c --- */
/* Calls `visit` with the name of each backup whose folder has this prefix, oldest first; what it returns other than 0
 * ends the walk. */
typedef int backup_visitor(void *ctx, const char *name, struct err *err);
NODISCARD int backup_list(const char *backup_dir, const char *prefix, backup_visitor *visit, void *ctx,
                          struct err *err);
/* The newest complete backup's name in out[BACKUP_NAME_SIZE], empty if there is none. */
NODISCARD int backup_newest(const char *backup_dir, char *out, struct err *err);

#endif
