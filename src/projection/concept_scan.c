/*
 * Scans of concept.kv. A call fetches a piece of the index into the scan's own buffer with one short-lived cursor, and
 * later calls are served from there: no lock is held between calls. (A lock held by a scan while its thread waits for
 * the writer elsewhere would be a deadlock that Berkeley DB cannot see.) A piece may be older than the index: what is
 * missing in it is above every snapshot that the scan is used for.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "projection/covering.h"
#include "projection/internal.h"
#include "projection/snapshot.h"

enum {
  PIECE_SMALL = 8192,  /* after a seek: about a page, a query seldom needs more */
  PIECE_LARGE = 65536, /* when rows are read on and on */
  SEEK_KEY_MAX = CONCEPT_KEY_MAX + 1
};

struct concept_scan {
  struct projection *p;
  struct store *store;
  struct buf body, record;            /* of the current row */
  unsigned char target[SEEK_KEY_MAX]; /* seeks go to the first key at or after this */
  size_t target_len;
  struct span key, value; /* of the current row, in `piece` */
  size_t path_len, predicate_len, source_len;
  DBT bulk;    /* over `piece` */
  void *place; /* in the piece; NULL: used up */
  bool ended;  /* no current row */
  _Alignas(8) unsigned char piece[PIECE_LARGE];
};

int concept_scan_open(const struct reader *reader, struct concept_scan **out, struct err *err) {
  struct concept_scan *scan = malloc(sizeof(*scan));
  if (!scan)
    return err_set(err, ERR_NOMEM, "no memory to scan");
  scan->p = reader->projection;
  scan->store = reader->store;
  buf_init(&scan->body, ENTRY_MAX_SIZE);
  buf_init(&scan->record, ENTRY_MAX_SIZE);
  scan->key = (struct span){NULL, 0};
  scan->place = NULL;
  scan->ended = true;
  *out = scan;
  return 0;
}

void concept_scan_close(struct concept_scan *scan) {
  if (!scan)
    return;
  buf_free(&scan->body);
  buf_free(&scan->record);
  free(scan);
}

/* Fetches a piece that begins at the target. An empty one (place NULL) is the end of the index. */
static int fetch_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct concept_scan *scan = arg;
  DB *db = scan->p->index[INDEX_CONCEPT];
  unsigned char key_bytes[SEEK_KEY_MAX]; /* Berkeley DB writes the key that it found over the one that it was given */
  DBT key = {
      .data = key_bytes, .size = (u_int32_t)scan->target_len, .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBC *cursor = NULL;
  memcpy(key_bytes, scan->target, scan->target_len);
  scan->place = NULL;
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret == 0) {
    ret = cursor->get(cursor, &key, &scan->bulk, DB_SET_RANGE | DB_MULTIPLE_KEY);
    int closed = cursor->close(cursor);
    ret = ret ? ret : closed;
  }
  if (ret == DB_NOTFOUND)
    return 0;
  if (ret != 0)
    return penv_error(scan->p, ret, err, "scanning concepts");
  DB_MULTIPLE_INIT(scan->place, &scan->bulk);
  return 0;
}

static int fetch(struct concept_scan *scan, uint32_t size, struct err *err) {
  scan->bulk = (DBT){.data = scan->piece, .ulen = size, .flags = DB_DBT_USERMEM};
  return txn_read(&scan->p->env, fetch_body, scan, err);
}

/* The next pair of the piece into scan->key and scan->value; false if it is used up. */
static bool step(struct concept_scan *scan) {
  if (!scan->place)
    return false;
  unsigned char *key, *value;
  u_int32_t key_len, value_len;
  DB_MULTIPLE_KEY_NEXT(scan->place, &scan->bulk, key, key_len, value, value_len);
  if (!scan->place)
    return false;
  scan->key = span_of(key, key_len);
  scan->value = span_of(value, value_len);
  return true;
}

/* Splits the current key at its 0 bytes. */
static int split_key(struct concept_scan *scan, struct concept_row *row, struct err *err) {
  struct span rest = scan->key, *parts[] = {&row->path, &row->predicate, &row->source};
  for (size_t i = 0; i < 3; i++) {
    const unsigned char *end = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
    if (!end)
      return penv_damaged(scan->p, err, "a concept key is malformed");
    *parts[i] = span_of(rest.data, (size_t)(end - rest.data));
    rest = span_of(end + 1, rest.len - parts[i]->len - 1);
  }
  if (rest.len != 8)
    return penv_damaged(scan->p, err, "a concept key has no seq");
  row->seq = ~get_u64(rest.data);
  scan->path_len = row->path.len;
  scan->predicate_len = row->predicate.len;
  scan->source_len = row->source.len;
  return 0;
}

/* Fills in the row of the current pair. */
static int take(struct concept_scan *scan, struct concept_row *row, struct err *err) {
  int rc = split_key(scan, row, err);
  if (rc)
    return rc;
  if (scan->value.len) {
    if (!covering_decode(scan->value, row->path, row->predicate, row->source, row->seq, &scan->body, &scan->record))
      return penv_damaged(scan->p, err, "a concept's value is malformed");
    rc = buf_check(&scan->record, "an assertion", err);
    return rc ? rc : entry_peek(buf_span(&scan->record), &row->entry, err);
  }
  bool found;
  rc = history_get(scan->store, row->seq, &scan->record, &row->entry, &found, err);
  return rc == 0 && !found ? penv_damaged(scan->p, err, "a concept's record is not in the history") : rc;
}

/* To the first row at or after the target; looks into the piece first if the target lies ahead of the current row. */
static int seek_target(struct concept_scan *scan, bool ahead, struct concept_row *row, bool *found, struct err *err) {
  struct span target = span_of(scan->target, scan->target_len);
  bool have = false;
  while (ahead && !have && step(scan))
    have = span_compare(scan->key, target) >= 0;
  if (!have) {
    int rc = fetch(scan, PIECE_SMALL, err);
    if (rc)
      return rc;
    have = step(scan);
  }
  *found = have;
  scan->ended = !have;
  return have ? take(scan, row, err) : 0;
}

int concept_scan_seek(struct concept_scan *scan, struct span path, struct span predicate, struct span source,
                      uint64_t seq, struct concept_row *row, bool *found, struct err *err) {
  scan->target_len = concept_key(scan->target, path, predicate, source, seq);
  if (scan->target_len == 0)
    return err_set(err, ERR_INVALID, "a path, predicate or source is too long to seek");
  return seek_target(scan, false, row, found, err);
}

int concept_scan_next(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  *found = false;
  if (scan->ended)
    return 0;
  *found = step(scan);
  if (!*found) {
    /* The least key above the last one is that with a 0 byte appended. */
    memcpy(scan->target, scan->key.data, scan->key.len);
    scan->target[scan->key.len] = 0;
    scan->target_len = scan->key.len + 1;
    int rc = fetch(scan, PIECE_LARGE, err);
    if (rc)
      return rc;
    *found = step(scan);
  }
  scan->ended = !*found;
  return *found ? take(scan, row, err) : 0;
}

/* Skips every key that begins with the first `len` bytes of the current one and a 0: a part never holds a byte 1, so
 * the least key above them is at that 1. */
static int skip(struct concept_scan *scan, size_t len, struct concept_row *row, bool *found, struct err *err) {
  *found = false;
  if (scan->ended)
    return 0;
  memcpy(scan->target, scan->key.data, len);
  scan->target[len] = 1;
  scan->target_len = len + 1;
  return seek_target(scan, true, row, found, err);
}

int concept_scan_next_source(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  return skip(scan, scan->path_len + 1 + scan->predicate_len + 1 + scan->source_len, row, found, err);
}

int concept_scan_next_predicate(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  return skip(scan, scan->path_len + 1 + scan->predicate_len, row, found, err);
}

int concept_scan_next_path(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  return skip(scan, scan->path_len, row, found, err);
}
