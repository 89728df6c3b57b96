/*
 * What comes from the selected assertions. One ascending pass over derived.kv is the transitive closure: when a parent
 * is met, everything that it rests on, being older, was met before.
 */
#include "base/bytes.h"
#include "model/name.h"
#include "projection/cover_internal.h"
#include "projection/postings.h"

enum { DERIVED_KEY_SIZE = 8 + 1 + 8, STEPS = 32 /* of DB_NEXT, which are about as dear as one search */ };

struct pass {
  struct cover *cover;
  const struct seqset *reserved; /* never covered by cascade */
  DBC *cursor;
};

/* Adds the children in one value. */
static int add_children(const struct pass *pass, uint64_t block, struct span value, struct err *err) {
  struct cover *c = pass->cover;
  uint16_t offsets[POSTINGS_BLOCK];
  size_t count;
  if (postings_decode(value, offsets, &count) != 0)
    return penv_damaged(c->reader.projection, err, "a posting list is malformed");
  for (size_t i = 0; i < count; i++) {
    uint64_t child = block * POSTINGS_BLOCK + offsets[i];
    if (child <= c->snapshot && !seqset_has(pass->reserved, child) && seqset_add(&c->all, child, err))
      return err->code;
  }
  return 0;
}

/* Where the pass goes on after a parent that is not covered; false if nothing is left. */
static bool go_on(const struct pass *pass, uint64_t parent, unsigned char *key, DBT *dbt, u_int32_t *position) {
  uint64_t next;
  if (!seqset_next(&pass->cover->all, parent + 1, &next))
    return false;
  *position = next - parent <= STEPS ? DB_NEXT : DB_SET_RANGE;
  if (*position == DB_SET_RANGE) {
    put_u64(key, next);
    dbt->size = 8;
  }
  return true;
}

static int run_pass(const struct pass *pass, struct err *err) {
  struct projection *p = pass->cover->reader.projection;
  unsigned char key_bytes[DERIVED_KEY_SIZE], value_bytes[COMBINED_VALUE_MAX];
  DBT key = {.data = key_bytes, .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  u_int32_t position = DB_SET_RANGE;
  uint64_t first;
  if (!seqset_next(&pass->cover->all, 1, &first))
    return 0;
  put_u64(key_bytes, first);
  key.size = 8;
  for (;;) {
    int ret = pass->cursor->get(pass->cursor, &key, &value, position);
    if (ret == DB_NOTFOUND)
      return 0;
    if (ret != 0)
      return penv_error(p, ret, err, "reading derivations");
    if (key.size != DERIVED_KEY_SIZE)
      return penv_damaged(p, err, "a key of derivations is malformed");
    uint64_t parent = get_u64(key_bytes);
    if (parent > pass->cover->snapshot)
      return 0;
    position = DB_NEXT;
    if (!seqset_has(&pass->cover->all, parent)) {
      if (!go_on(pass, parent, key_bytes, &key, &position))
        return 0;
      continue;
    }
    int rc = add_children(pass, get_u64(key_bytes + 9), span_of(value_bytes, value.size), err);
    if (rc)
      return rc;
  }
}

/* A second attempt after a deadlock adds the same once more, which changes nothing. */
static int pass_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct pass *pass = arg;
  struct projection *p = pass->cover->reader.projection;
  DB *db = p->index[INDEX_DERIVED];
  int ret = db->cursor(db, txn, &pass->cursor, 0);
  if (ret != 0)
    return penv_error(p, ret, err, "reading derivations");
  int rc = run_pass(pass, err);
  ret = pass->cursor->close(pass->cursor);
  return rc == 0 && ret != 0 ? penv_error(p, ret, err, "reading derivations") : rc;
}

/* All that has the request's concept as its source. */
static int add_source(struct cover *c, const struct seqset *reserved, struct err *err) {
  struct seqset said = {0};
  int rc = postings_collect(c->reader.projection, INDEX_SOURCE, c->retraction->concept_path, false, 1, c->snapshot,
                            &said, err);
  seqset_remove(&said, reserved);
  if (rc == 0)
    rc = seqset_or(&c->all, &said, err);
  seqset_free(&said);
  return rc;
}

int cover_cascade(struct cover *c, struct err *err) {
  struct seqset reserved = {0};
  int rc = seqset_or(&c->all, &c->direct, err);
  if (rc || !c->retraction->cascade)
    return rc;
  rc = postings_collect(c->reader.projection, INDEX_PREDICATE, span_str(NAME_RESERVED), true, 1, c->snapshot, &reserved,
                        err);
  if (rc == 0 && c->retraction->concept_path.len)
    rc = add_source(c, &reserved, err);
  if (rc == 0) {
    struct pass pass = {.cover = c, .reserved = &reserved};
    rc = txn_read(&c->reader.projection->env, pass_body, &pass, err);
  }
  seqset_free(&reserved);
  return rc;
}
