/* What the files of store/ share, start-up included. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/fileio.h"
#include "store/checkpoint.h"
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
#define STORE_RESTORE_FILE "RESTORE" /* there while a restore is under way, see ops/restore.h */

/* A page is written by one write(2), and Linux ends a write early, between two of its own pages, when the process gets
 * SIGKILL (generic_perform_write in mm/filemap.c): of 1,000 writers of 8 KiB blocks killed on tmpfs 503 left a block
 * half old, half new; of writers of 4 KiB blocks none. Berkeley DB cannot repair such a page. */
enum { STORE_PAGE_SIZE = 4096, STORE_KEY_SIZE = 8 };

struct store {
  const struct config *config;
  const struct log *log;
  struct metrics *metrics; /* NULL: none */
  struct env env;
  DB *history; /* assertions.kv; NULL while closed */
  bool writer;
  struct checkpoint checkpoint;
  int mark_fd;            /* acked.mark, once a checkpoint has synced it; -1 */
  char history_label[64]; /* label of METRIC_WAL_SEGMENTS_TOTAL; empty until it is first needed */
};

/* Opens the history environment and assertions.kv (which must exist) for the one writer. With RECOVER_NORMAL or _FATAL
 * no other process may be in the environment; its regions are made anew. The folders wal, db and db/indexes are made if
 * they are missing, since recovery would panic. ERR_NOTFOUND if there is no assertions.kv; ERR_CORRUPT if recovery
 * failed. Close with store_close() (checkpoint) or store_abandon(). */
NODISCARD int env_open_writer(const struct config *config, const struct log *log, struct metrics *metrics,
                              enum recover_mode recover, struct store **out, struct err *err);
/* The same without assertions.kv and without touching folders: options->home and so on as given. */
NODISCARD int store_open_environment(const struct config *config, const struct log *log, struct metrics *metrics,
                                     const struct env_options *options, struct store **out, struct err *err);
/* Opens assertions.kv in an open environment, read-only if the store is not a writer. `create`: makes it. */
NODISCARD int store_open_history(struct store *store, bool create, struct err *err);
/* Closes without a checkpoint, and without caring for errors: before recovering once more. Takes NULL. */
void store_abandon(struct store *store);

/* Syncs acked.mark, if there is one; `arg` is the store. */
NODISCARD int store_sync_mark(void *arg, struct err *err);

/* wal, db and db/indexes below `data_dir`. */
NODISCARD int store_make_folders(const char *data_dir, struct err *err);
/* data/DB_CONFIG, if there is none. */
NODISCARD int store_write_db_config(const char *data_dir, struct err *err);
/* data_dir/folder/name */
NODISCARD int store_path(char out[FILEIO_PATH_MAX], const char *data_dir, const char *folder, const char *name,
                         struct err *err);

/* Copies the value of the first key >= *key of assertions.kv into `out` (emptied first), unchecked; *key becomes that
 * key. Key 0 holds the table of timelines (model/timeline.h), the others groups of records (store/group.h). */
NODISCARD int store_get_value(struct store *store, uint64_t *key, struct buf *out, bool *found, struct err *err);

/* store_write_metadata() with the path and the number of log files given. */
NODISCARD int store_write_metadata_at(const char *path, uint64_t wal_files, const struct store_metadata *metadata,
                                      struct err *err);

/* What lies in the folder of the log. */
struct wal_usage {
  uint64_t files, bytes;    /* bytes on the disk */
  uint32_t lowest, highest; /* numbers of log files; 0 if there is none */
};
/* Counts the files log.NNNNNNNNNN. ERR_NOTFOUND if there is no folder. */
NODISCARD int store_wal_usage(const char *data_dir, struct wal_usage *out, struct err *err);
/* The number of a log file's name, 0 if it is not one. */
uint32_t store_wal_number(const char *name);

#endif
