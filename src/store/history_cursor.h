/* Steps on assertions.kv that reading and appending share. */
#ifndef STORE_HISTORY_CURSOR_H
#define STORE_HISTORY_CURSOR_H

#include "base/bytes.h"
#include "store/internal.h"

/* A key for reading and writing, with its bytes in `key`. */
static inline DBT history_key(unsigned char key[STORE_KEY_SIZE], uint64_t seq) {
  put_u64(key, seq);
  return (DBT){.data = key, .size = STORE_KEY_SIZE, .ulen = STORE_KEY_SIZE, .flags = DB_DBT_USERMEM};
}

NODISCARD int history_cursor_open(struct store *store, DB_TXN *txn, DBC **out, struct err *err);
/* Closes it and returns `code`, what was met before, or if that is 0 the error of closing. */
NODISCARD int history_cursor_close(struct env *env, DBC *cursor, int code, struct err *err);
/* The greatest key, 0 in an empty tree. `flags`: DB_RMW or 0. */
NODISCARD int history_cursor_last(struct env *env, DBC *cursor, u_int32_t flags, uint64_t *seq, struct err *err);

#endif
