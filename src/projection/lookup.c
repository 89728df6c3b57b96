/* Single lookups: ids, derivations, idempotency keys. */
#include "base/bytes.h"
#include "projection/internal.h"
#include "projection/postings.h"
#include "projection/snapshot.h"

enum { LOOKUP_ARENA = 8192 };

int ids_find(struct projection *p, const unsigned char id[ID_SIZE], uint64_t *seq, bool *found, struct err *err) {
  unsigned char value[8];
  size_t len;
  int rc = penv_get(p, p->index[INDEX_IDS], span_of(id, IDS_KEY_SIZE), value, sizeof(value), &len, found, err);
  if (rc || !*found)
    return rc;
  if (len != sizeof(value))
    return penv_damaged(p, err, "a seq of an id is malformed");
  *seq = get_u64(value);
  return 0;
}

/* `kind` is told if it is found. */
static int look_up(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
                   uint8_t *kind, bool *found, struct err *err) {
  int rc = ids_find(reader->projection, id, seq, found, err);
  if (rc || !*found)
    return rc;
  *found = false;
  if (*seq > snapshot)
    return 0;
  struct buf record;
  struct entry entry;
  buf_init(&record, ENTRY_MAX_SIZE);
  rc = history_get(reader->store, *seq, &record, &entry, found, err);
  if (rc == 0 && *found) {
    *found = memcmp(entry.id, id, ID_SIZE) == 0;
    *kind = entry.kind;
  }
  buf_free(&record);
  return rc;
}

int lookup_id(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
              bool *found, struct err *err) {
  uint8_t kind;
  return look_up(reader, id, snapshot, seq, &kind, found, err);
}

int lookup_assertion(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
                     bool *found, struct err *err) {
  uint8_t kind = 0;
  int rc = look_up(reader, id, snapshot, seq, &kind, found, err);
  if (rc == 0)
    *found = *found && kind == ENTRY_ASSERTION;
  return rc;
}

/* Reads keys.kv. */
static int read_key(const struct reader *reader, struct span scope, const unsigned char *hash,
                    const unsigned char *body, unsigned char *out, size_t size, bool *found, struct err *err) {
  struct projection *p = reader->projection;
  size_t len;
  struct arena *arena = arena_create(LOOKUP_ARENA);
  struct span key = arena ? keys_key(arena, scope, span_of(hash, DIGEST_SIZE), body) : (struct span){NULL, 0};
  int rc = key.data ? penv_get(p, p->index[INDEX_KEYS], key, out, size, &len, found, err)
                    : err_set(err, ERR_NOMEM, "no memory to look up an idempotency key");
  if (rc == 0 && *found && len != size)
    rc = penv_damaged(p, err, "an idempotency key's record is malformed");
  arena_free(arena);
  return rc;
}

int lookup_key(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
               struct key_record *out, bool *found, struct err *err) {
  unsigned char value[KEYS_RECORD_SIZE];
  int rc = read_key(reader, scope, hash, NULL, value, sizeof(value), found, err);
  if (rc || !*found)
    return rc;
  memcpy(out->content, value, DIGEST_SIZE);
  out->first_seq = get_u64(value + DIGEST_SIZE);
  out->last_seq = get_u64(value + DIGEST_SIZE + 8);
  return 0;
}

int lookup_import_line(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
                       const unsigned char body[DIGEST_SIZE], uint64_t *seq, bool *found, struct err *err) {
  unsigned char value[8];
  int rc = read_key(reader, scope, hash, body, value, sizeof(value), found, err);
  if (rc == 0 && *found)
    *seq = get_u64(value);
  return rc;
}

int derived_children(const struct reader *reader, uint64_t parent, uint64_t after_seq, uint64_t snapshot,
                     uint64_t *seqs, size_t cap, size_t *count, struct err *err) {
  unsigned char term[8];
  put_u64(term, parent);
  return posting_read(reader, POSTING_DERIVED, span_of(term, sizeof(term)), after_seq, snapshot, seqs, cap, count, err);
}

int derived_parents(const struct reader *reader, const struct assertion *assertion, uint64_t *seqs, struct err *err) {
  int rc = 0;
  for (size_t i = 0; i < assertion->derived_count && rc == 0; i++) {
    unsigned char id[ID_SIZE];
    bool found;
    assertion_derived_id(assertion, i, id);
    rc = ids_find(reader->projection, id, &seqs[i], &found, err);
    if (rc == 0 && !found)
      seqs[i] = 0;
  }
  return rc;
}
