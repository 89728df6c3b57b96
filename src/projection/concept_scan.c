/*
 * Scans of concept.kv. A call fetches one pack into the scan's own memory with a short-lived cursor, and later calls
 * are served from there: no lock is held between calls. (A lock held by a scan while its thread waits for the writer
 * elsewhere would be a deadlock that Berkeley DB cannot see.) A pack may be older than the index: what is missing in it
 * is above every snapshot that the scan is used for. If it was cut meanwhile, what was seen already is passed over.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "projection/covering.h"
#include "projection/internal.h"
#include "projection/snapshot.h"

enum { SEEK_KEY_MAX = CONCEPT_KEY_MAX + 1 };

struct concept_scan {
  struct projection *p;
  struct store *store;
  struct buf body, record; /* of the current row */
  size_t path_len, predicate_len, source_len;
  bool ended;        /* no current row */
  bool keys_only;    /* rows have no entry */
  size_t target_len; /* seeks go to the first key at or after this */
  unsigned char target[SEEK_KEY_MAX];
  struct pack_reader reader; /* in the pack; its row is the current one */
  struct concept_pack pack;
};

int concept_scan_open(const struct reader *reader, struct concept_scan **out, struct err *err) {
  struct concept_scan *scan = malloc(sizeof(*scan));
  if (!scan)
    return err_set(err, ERR_NOMEM, "no memory to scan");
  scan->p = reader->projection;
  scan->store = reader->store;
  buf_init(&scan->body, ENTRY_MAX_SIZE);
  buf_init(&scan->record, ENTRY_MAX_SIZE);
  scan->ended = true;
  scan->keys_only = false;
  *out = scan;
  return 0;
}

void concept_scan_keys_only(struct concept_scan *scan) {
  scan->keys_only = true;
}

void concept_scan_close(struct concept_scan *scan) {
  if (!scan)
    return;
  buf_free(&scan->body);
  buf_free(&scan->record);
  free(scan);
}

/* The current row's whole key. */
static struct span row_key(struct concept_scan *scan) {
  struct pack_row *row = &scan->reader.row;
  put_u64(scan->reader.key + row->key.len, ~row->seq);
  return span_of(scan->reader.key, row->key.len + 8);
}

struct fetch {
  struct concept_scan *scan;
  bool next; /* the pack after the one with the key `after`, else that of the target */
  size_t after_len;
  unsigned char after[CONCEPT_KEY_MAX + 1];
};

static int fetch_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  const struct fetch *fetch = arg;
  struct concept_scan *scan = fetch->scan;
  DB *db = scan->p->index[INDEX_CONCEPT];
  DBC *cursor = NULL;
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(scan->p, ret, err, "scanning concepts");
  if (fetch->next)
    ret = concept_find_next(cursor, span_of(fetch->after, fetch->after_len), &scan->pack);
  else
    ret = concept_find(cursor, span_of(scan->target, scan->target_len), 0, &scan->pack, NULL);
  int closed = cursor->close(cursor);
  ret = ret ? ret : closed;
  return ret ? penv_error(scan->p, ret, err, "scanning concepts") : 0;
}

static int fetch_pack(struct concept_scan *scan, bool next, struct err *err) {
  struct fetch fetch;
  fetch.scan = scan;
  fetch.next = next;
  fetch.after_len = next ? scan->pack.key_len : 0;
  memcpy(fetch.after, scan->pack.key, fetch.after_len);
  int rc = txn_read(&scan->p->env, fetch_body, &fetch, err);
  pack_read(&scan->reader, span_of(scan->pack.bytes, rc == 0 && scan->pack.found ? scan->pack.len : 0));
  return rc;
}

/* The next row of the pack; *more is false at its end. */
static int step(struct concept_scan *scan, bool *more, struct err *err) {
  bool sound;
  *more = pack_next(&scan->reader, &sound);
  return sound ? 0 : penv_damaged(scan->p, err, "a pack of concepts is malformed");
}

/* Splits the current key at its 0 bytes. */
static int split_key(struct concept_scan *scan, struct concept_row *row, struct err *err) {
  struct span rest = scan->reader.row.key, *parts[] = {&row->path, &row->predicate, &row->source};
  for (size_t i = 0; i < 3; i++) {
    const unsigned char *end = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
    if (!end)
      return penv_damaged(scan->p, err, "a concept key is malformed");
    *parts[i] = span_of(rest.data, (size_t)(end - rest.data));
    rest = span_of(end + 1, rest.len - parts[i]->len - 1);
  }
  scan->path_len = row->path.len;
  scan->predicate_len = row->predicate.len;
  scan->source_len = row->source.len;
  return rest.len == 0 ? 0 : penv_damaged(scan->p, err, "a concept key is malformed");
}

/* Fills in the current row. */
static int take(struct concept_scan *scan, struct concept_row *row, struct err *err) {
  const struct pack_row *packed = &scan->reader.row;
  int rc = split_key(scan, row, err);
  if (rc)
    return rc;
  row->seq = packed->seq;
  if (scan->keys_only) {
    row->entry = (struct entry){0};
    return 0;
  }
  if (packed->covered) {
    covering_record(packed, row->path, row->predicate, row->source, &scan->body, &scan->record);
    rc = buf_check(&scan->record, "an assertion", err);
    return rc ? rc : entry_peek(buf_span(&scan->record), &row->entry, err);
  }
  bool found;
  rc = history_get(scan->store, row->seq, &scan->record, &row->entry, &found, err);
  return rc == 0 && !found ? penv_damaged(scan->p, err, "an assertion is not in the history") : rc;
}

/* Walks from the current place, over the following packs, to the first row at or after the target. */
static int walk_to_target(struct concept_scan *scan, bool *found, struct err *err) {
  struct span target = span_of(scan->target, scan->target_len);
  *found = false;
  while (!*found) {
    bool more;
    int rc = step(scan, &more, err);
    if (rc == 0 && !more && scan->pack.found)
      rc = fetch_pack(scan, true, err);
    if (rc)
      return rc;
    if (!more && !scan->pack.found)
      return 0;
    *found = more && span_compare(row_key(scan), target) >= 0;
  }
  return 0;
}

/* Ends a call: the row that was found, or none. */
static int finish(struct concept_scan *scan, struct concept_row *row, bool found, struct err *err) {
  scan->ended = !found;
  return found ? take(scan, row, err) : 0;
}

static int seek_target(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  scan->ended = true;
  int rc = fetch_pack(scan, false, err);
  if (rc == 0)
    rc = walk_to_target(scan, found, err);
  return rc ? rc : finish(scan, row, *found, err);
}

int concept_scan_seek(struct concept_scan *scan, struct span path, struct span predicate, struct span source,
                      uint64_t seq, struct concept_row *row, bool *found, struct err *err) {
  scan->target_len = concept_key(scan->target, path, predicate, source, seq);
  if (scan->target_len == 0)
    return err_set(err, ERR_INVALID, "a path, predicate or source is too long to seek");
  return seek_target(scan, row, found, err);
}

int concept_scan_next(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  *found = false;
  if (scan->ended)
    return 0;
  struct span last = row_key(scan); /* the least key above it is that with a 0 byte appended */
  memcpy(scan->target, last.data, last.len);
  scan->target[last.len] = 0;
  scan->target_len = last.len + 1;
  scan->ended = true;
  int rc = walk_to_target(scan, found, err);
  return rc ? rc : finish(scan, row, *found, err);
}

/* Skips every key that begins with the first `len` bytes of the current one and a 0: a part never holds a byte 1, so
 * the least key above them is at that 1. It may be in the pack that is there. */
static int skip(struct concept_scan *scan, size_t len, struct concept_row *row, bool *found, struct err *err) {
  bool more = true;
  *found = false;
  if (scan->ended)
    return 0;
  memcpy(scan->target, scan->reader.key, len);
  scan->target[len] = 1;
  scan->target_len = len + 1;
  scan->ended = true;
  while (more && !*found) {
    int rc = step(scan, &more, err);
    if (rc)
      return rc;
    *found = more && span_compare(row_key(scan), span_of(scan->target, scan->target_len)) >= 0;
  }
  return *found ? finish(scan, row, true, err) : seek_target(scan, row, found, err);
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
