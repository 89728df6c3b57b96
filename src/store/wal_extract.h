/*
 * The entries in a log, without Berkeley DB: from the records that put items on the pages of assertions.kv, those of
 * committed transactions, in the order of the log. An item too large for its page comes in pieces (db_big records),
 * which are put together. Entry records bear magic, length and checksum, so nothing else is taken for one.
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

/* Extracts from all log files in `dir`, whatever damage there is between them. `name` and `file_id`
 * (META_FILE_ID_SIZE bytes) are those of the database file. ERR_NOMEM if a transaction is larger than memory allows. */
NODISCARD int wal_extract_run(const char *dir, const char *name, const unsigned char *file_id, wal_entry_visitor *visit,
                              void *ctx, struct wal_files *files, struct err *err);

#endif
