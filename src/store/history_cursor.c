#include "store/history_cursor.h"

int history_cursor_open(struct store *store, DB_TXN *txn, DBC **out, struct err *err) {
  int ret = store->history->cursor(store->history, txn, out, 0);
  return ret ? store_db_error(&store->env, ret, err, "opening a cursor on the history") : 0;
}

int history_cursor_close(struct env *env, DBC *cursor, int code, struct err *err) {
  int ret = cursor->close(cursor);
  return !code && ret ? store_db_error(env, ret, err, "closing a cursor on the history") : code;
}

int history_cursor_last(struct env *env, DBC *cursor, u_int32_t flags, uint64_t *seq, struct err *err) {
  unsigned char bytes[STORE_KEY_SIZE];
  DBT key = {.data = bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  int ret = cursor->get(cursor, &key, &value, DB_LAST | flags);
  if (ret && ret != DB_NOTFOUND)
    return store_db_error(env, ret, err, "reading the last entry");
  if (!ret && key.size != STORE_KEY_SIZE)
    return err_set(err, ERR_CORRUPT, STORE_HISTORY_FILE ": a key of %u bytes", key.size);
  *seq = ret ? 0 : get_u64(bytes);
  return 0;
}
