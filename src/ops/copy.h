/*
 * A copy of a history, wherever it lies: a home whose node is stopped, a backup, an archive of log files. Nothing here
 * writes to it, and no Berkeley DB environment is opened on it: it is not trusted.
 */
#ifndef OPS_COPY_H
#define OPS_COPY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/fileio.h"

enum copy_kind {
  COPY_HOME,   /* HOME with its data folder; the lock is held */
  COPY_BACKUP, /* wal/ and db/, and mostly MANIFEST.sha256 and metadata.json */
  COPY_ARCHIVE /* log files alone */
};

struct copy {
  enum copy_kind kind;
  char base[FILEIO_PATH_MAX]; /* the folder with wal and db: HOME/data, the backup */
  char wal[FILEIO_PATH_MAX];  /* of an archive: the archive */
  char db[FILEIO_PATH_MAX];
  char history[FILEIO_PATH_MAX]; /* db/assertions.kv */
  char home[FILEIO_PATH_MAX];    /* of a home */
  bool has_history;              /* there is such a file */
  int lock;                      /* -1: none */
};

/* Looks what `path` is. A home is one if it has data/db or data/wal (or data_dir of its stemedb.conf has); its lock is
 * taken, shared, without a trace: ERR_BUSY if its node runs. ERR_NOTFOUND: there is nothing of a history. On success
 * the caller ends it with copy_release(). */
NODISCARD int copy_find(const char *path, struct copy *out, struct err *err);
void copy_release(struct copy *copy);
/* "home", "backup", "archive" */
const char *copy_kind_name(enum copy_kind kind);

#endif
