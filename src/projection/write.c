/* The two plain ways to write puts. */
#include "projection/internal.h"

int penv_put(struct projection *p, DB *db, DB_TXN *txn, struct span key, struct span value, struct err *err) {
  DBT k = penv_dbt(key), v = penv_dbt(value);
  int ret = db->put(db, txn, &k, &v, 0);
  return ret == 0 ? 0 : penv_error(p, ret, err, "writing an index");
}

int write_plain(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  int rc = 0;
  for (size_t i = 0; i < g->count && rc == 0; i++)
    rc = penv_put(p, p->index[index], txn, put_key(&g->puts[i]), put_value(&g->puts[i]), err);
  return rc;
}

/* Merges `count` puts of one key with what is stored under it. */
static int write_run(struct projection *p, size_t index, DB_TXN *txn, const struct put *run, size_t count,
                     struct err *err) {
  DB *db = p->index[index];
  unsigned char old[COMBINED_VALUE_MAX];
  DBT k = penv_dbt(put_key(run)), v = {.data = old, .ulen = sizeof(old), .flags = DB_DBT_USERMEM};
  int ret = db->get(db, txn, &k, &v, DB_RMW);
  if (ret != 0 && ret != DB_NOTFOUND)
    return penv_error(p, ret, err, "reading an index");
  struct span stored = ret == 0 ? span_of(old, v.size) : (struct span){NULL, 0}, value;
  int rc = index_table[index].combine(p->scratch, run, count, stored, &value, err);
  if (rc == ERR_CORRUPT)
    return penv_damaged(p, err, "a value that cannot be combined");
  return rc ? rc : penv_put(p, db, txn, put_key(run), value, err);
}

int write_combined(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  for (size_t at = 0; at < g->count;) {
    size_t end = at + 1;
    while (end < g->count && span_equal(put_key(&g->puts[end]), put_key(&g->puts[at])))
      end++;
    int rc = write_run(p, index, txn, &g->puts[at], end - at, err);
    if (rc)
      return rc;
    at = end;
  }
  return 0;
}
