/* The place of a row in concept.kv: the last pack whose key is not above the row's. */
#include "projection/internal.h"

static DBT pack_key(struct concept_pack *pack) {
  return (DBT){.data = pack->key, .ulen = sizeof(pack->key), .flags = DB_DBT_USERMEM};
}

/* To the first pack with a key above `key`. Without `whole` its bytes are left out. */
static int find_above(DBC *cursor, struct span key, struct concept_pack *pack, bool whole) {
  DBT k = pack_key(pack), v = {.data = pack->bytes, .ulen = sizeof(pack->bytes), .flags = DB_DBT_USERMEM};
  if (!whole)
    v.flags |= DB_DBT_PARTIAL;
  memcpy(pack->key, key.data, key.len);
  pack->key[key.len] = 0; /* the least key above */
  k.size = (u_int32_t)key.len + 1;
  int ret = cursor->get(cursor, &k, &v, DB_SET_RANGE);
  pack->found = ret == 0;
  pack->key_len = k.size;
  pack->len = v.size;
  return ret == DB_NOTFOUND ? 0 : ret;
}

int concept_find(DBC *cursor, struct span key, uint32_t flags, struct concept_pack *pack, struct concept_pack *next) {
  struct concept_pack *above = next ? next : pack;
  DBT k = pack_key(pack), v = {.data = pack->bytes, .ulen = sizeof(pack->bytes), .flags = DB_DBT_USERMEM};
  int ret = find_above(cursor, key, above, false);
  if (ret == 0)
    ret = cursor->get(cursor, &k, &v, (above->found ? DB_PREV : DB_LAST) | flags);
  pack->found = ret == 0;
  pack->key_len = k.size;
  pack->len = v.size;
  return ret == DB_NOTFOUND ? 0 : ret;
}

int concept_find_next(DBC *cursor, struct span after, struct concept_pack *pack) {
  return find_above(cursor, after, pack, true);
}
