/* Reading ballots.kv, in blocks. */
#include <stdlib.h>

#include "base/bytes.h"
#include "projection/ballots.h"
#include "projection/internal.h"

/* The first block is small, since few ballots may be wanted; each is this much larger than the one before. */
enum { BLOCK_FIRST = 8 << 10, BLOCK_GROWTH = 4, BLOCK_MAX = 256 << 10, KEY_MAX = CONCEPT_KEY_MAX + 1 };

struct ballot_scan {
  struct projection *p;
  void *walk; /* Berkeley DB's place in the block; NULL: at its end */
  bool last;  /* nothing is behind the block */
  DBT block;  /* DB_MULTIPLE_KEY */
  size_t prefix_len, next_len;
  unsigned char prefix[KEY_MAX], next[KEY_MAX]; /* next: where the block after this begins */
};

int ballot_scan_open_from(const struct reader *reader, struct span prefix, struct span from, struct ballot_scan **out,
                          struct err *err) {
  if (prefix.len + from.len >= KEY_MAX)
    return err_set(err, ERR_INVALID, "a path is too long");
  struct ballot_scan *scan = calloc(1, sizeof(*scan));
  if (!scan)
    return err_set(err, ERR_NOMEM, "no memory to read ballots");
  scan->p = reader->projection;
  scan->block = (DBT){.flags = DB_DBT_USERMEM};
  if (prefix.len) {
    memcpy(scan->prefix, prefix.data, prefix.len);
    memcpy(scan->next, prefix.data, prefix.len);
  }
  if (from.len)
    memcpy(scan->next + prefix.len, from.data, from.len);
  scan->prefix_len = prefix.len;
  scan->next_len = prefix.len + from.len;
  *out = scan;
  return 0;
}

int ballot_scan_open(const struct reader *reader, struct span prefix, struct ballot_scan **out, struct err *err) {
  return ballot_scan_open_from(reader, prefix, (struct span){NULL, 0}, out, err);
}

void ballot_scan_close(struct ballot_scan *scan) {
  if (!scan)
    return;
  free(scan->block.data);
  free(scan);
}

static int fetch_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct ballot_scan *scan = arg;
  DB *db = scan->p->index[INDEX_BALLOTS];
  DBC *cursor = NULL;
  unsigned char bytes[KEY_MAX];
  DBT key = {.data = bytes, .size = (u_int32_t)scan->next_len, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM};
  memcpy(bytes, scan->next, scan->next_len);
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(scan->p, ret, err, "reading ballots");
  ret = cursor->get(cursor, &key, &scan->block, (scan->next_len ? DB_SET_RANGE : DB_FIRST) | DB_MULTIPLE_KEY);
  scan->last = ret == DB_NOTFOUND;
  int closed = cursor->close(cursor);
  ret = ret == DB_NOTFOUND ? closed : ret ? ret : closed;
  return ret ? penv_error(scan->p, ret, err, "reading ballots") : 0;
}

/* Makes room for the next block. */
static int grow(struct ballot_scan *scan, struct err *err) {
  const u_int32_t size = scan->block.ulen ? scan->block.ulen * BLOCK_GROWTH : BLOCK_FIRST;
  if (size > BLOCK_MAX)
    return 0;
  void *memory = malloc(size);
  if (!memory)
    return err_set(err, ERR_NOMEM, "no memory to read ballots");
  free(scan->block.data);
  scan->block.data = memory;
  scan->block.ulen = size;
  return 0;
}

static int fetch(struct ballot_scan *scan, struct err *err) {
  if (grow(scan, err))
    return err->code;
  int rc = txn_read(&scan->p->env, fetch_body, scan, err);
  scan->walk = NULL;
  if (rc == 0 && !scan->last)
    DB_MULTIPLE_INIT(scan->walk, &scan->block);
  return rc;
}

/* The next pair; false at the end of the block. */
static bool step(struct ballot_scan *scan, struct span *key, struct span *value) {
  void *k = NULL, *v = NULL;
  size_t k_len = 0, v_len = 0;
  if (!scan->walk)
    return false;
  DB_MULTIPLE_KEY_NEXT(scan->walk, &scan->block, k, k_len, v, v_len);
  *key = span_of(k, k_len);
  *value = span_of(v, v_len);
  return scan->walk != NULL;
}

/* Splits path 0 predicate 0 source 0, and the value. */
static int decode(struct ballot_scan *scan, struct span key, struct span value, struct ballot *out, struct err *err) {
  struct span rest = key, *parts[] = {&out->path, &out->predicate, &out->source};
  for (size_t i = 0; i < 3; i++) {
    const unsigned char *end = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
    if (!end)
      return penv_damaged(scan->p, err, "the key of a ballot is malformed");
    *parts[i] = span_of(rest.data, (size_t)(end - rest.data));
    rest = span_of(end + 1, rest.len - parts[i]->len - 1);
  }
  if (rest.len != 0 || value.len < BALLOT_VALUE_AT)
    return penv_damaged(scan->p, err, "a ballot is malformed");
  const uint64_t bits = get_u64(value.data + 9);
  out->topic = span_of(key.data, key.len - out->source.len - 1);
  out->flags = value.data[0];
  out->seq = get_u64(value.data + 1);
  memcpy(&out->confidence, &bits, sizeof(bits));
  out->value = span_of(value.data + BALLOT_VALUE_AT, value.len - BALLOT_VALUE_AT);
  return 0;
}

int ballot_scan_next(struct ballot_scan *scan, struct ballot *ballot, bool *found, struct err *err) {
  struct span key, value;
  *found = false;
  while (!step(scan, &key, &value)) {
    int rc = scan->last ? 0 : fetch(scan, err);
    if (rc || scan->last)
      return rc;
  }
  if (key.len >= KEY_MAX)
    return penv_damaged(scan->p, err, "the key of a ballot is malformed");
  *found = key.len >= scan->prefix_len && memcmp(key.data, scan->prefix, scan->prefix_len) == 0;
  if (!*found) {
    scan->walk = NULL;
    scan->last = true;
    return 0;
  }
  memcpy(scan->next, key.data, key.len);
  scan->next[key.len] = 0; /* the least key above it */
  scan->next_len = key.len + 1;
  return decode(scan, key, value, ballot, err);
}
