/*
 * The entries in a log, without Berkeley DB: from the records that put items on the pages of assertions.kv, those of
 * committed transactions, in the order of the log. An item too large for its page comes in pieces (db_big records),
 * which are put together. Also those in the images of pages that were split, since what moved to another page may be
 * on none. Entry records bear magic, length and checksum, so nothing else is taken for one.
 */
#ifndef STORE_WAL_EXTRACT_H
#define STORE_WAL_EXTRACT_H

#include "store/walscan.h"

struct wal_extract;

/* One entry record of a committed transaction; borrowed. What it returns other than 0 ends the scan. */
typedef int wal_entry_visitor(void *ctx, struct span record, struct err *err);

/* Which database file the log belongs to. */
struct wal_files {
  bool own;     /* it names the file with the wanted id */
  bool foreign; /* it names a file of that name with another id */
};

/* What an extraction tells; members may be NULL. */
struct wal_entries {
  void *ctx;
  wal_entry_visitor *committed; /* of committed transactions, in the order of the log */
  wal_entry_visitor *undone;    /* of those that were aborted, or have no end: recovery takes them back */
  wal_entry_visitor *image;     /* of earlier transactions, in the images of pages that were split */
  wal_entry_visitor *meta;      /* tables of timelines (key 0), the values whole, committed or not */
  int (*damage)(void *ctx, const struct wal_damage *damage, struct err *err);
  struct lsn at; /* of the record looked at: for entries, that of the end of their transaction */
};

/* Extracts from all log files in `dir`, whatever damage there is between them. `name` and `file_id`
 * (META_FILE_ID_SIZE bytes; NULL: any) are those of the database file. *scan (may be NULL) becomes what walscan_run()
 * finds. ERR_NOMEM if a transaction is larger than memory allows. */
NODISCARD int wal_extract_all(const char *dir, const char *name, const unsigned char *file_id,
                              struct wal_entries *entries, struct walscan *scan, struct wal_files *files,
                              struct err *err);
/* The committed ones only. */
NODISCARD int wal_extract_run(const char *dir, const char *name, const unsigned char *file_id, wal_entry_visitor *visit,
                              void *ctx, struct wal_files *files, struct err *err);

#endif
