/* What the files of store/ share, start-up included. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/env.h"
#include "store/store.h"

/* Names below data_dir. */
#define STORE_WAL_DIR "wal"
#define STORE_DB_DIR "db"
#define STORE_HISTORY_FILE "assertions.kv" /* in db */
#define STORE_INDEXES_DIR "indexes"        /* in db */
#define STORE_MARK_FILE "acked.mark"       /* in db */
#define STORE_METADATA_FILE "metadata.json"
#define STORE_LOCK_FILE "LOCK"

enum { STORE_PAGE_SIZE = 8192, STORE_KEY_SIZE = 8 };

struct store {
  const struct config *config;
  const struct log *log;
  struct metrics *metrics; /* NULL: none */
  struct env env;
  DB *history; /* assertions.kv; NULL while closed */
  bool writer;
};

/* Opens the history environment and assertions.kv (which must exist) for the one writer. With RECOVER_NORMAL or _FATAL
 * no other process may be in the environment; its regions are made anew. The folders wal, db and db/indexes are made if
 * they are missing, since recovery would panic. ERR_NOTFOUND if there is no assertions.kv; ERR_CORRUPT if recovery
 * failed. Close with store_close() (checkpoint) or store_abandon(). */
NODISCARD int env_open_writer(const struct config *config, const struct log *log, struct metrics *metrics,
                              enum recover_mode recover, struct store **out, struct err *err);
/* Opens assertions.kv in an open environment, read-only if the store is not a writer. `create`: makes it. */
NODISCARD int store_open_history(struct store *store, bool create, struct err *err);
/* Closes without a checkpoint, and without caring for errors: before recovering once more. Takes NULL. */
void store_abandon(struct store *store);

/* wal, db and db/indexes below `data_dir`. */
NODISCARD int store_make_folders(const char *data_dir, struct err *err);

#endif
