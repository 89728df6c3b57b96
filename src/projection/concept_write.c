/* Writing concept.kv: rows are merged into the packs where they belong, and packs that grow too large are cut. */
#include "base/bytes.h"
#include "projection/internal.h"
#include "projection/pack.h"

/* Four full packs and their keys fill a page of 4 KiB. */
enum { PACK_FULL = 930 };

/* The key of the first pack: not above any row's. */
static const unsigned char first_key[1] = {0};

/* One pack being rewritten. */
struct merge {
  struct projection *p;
  DB_TXN *txn;
  struct concept_pack pack, next;
  const struct pack_row **rows; /* in order, in the arena */
  size_t count;
  bool appends; /* all new rows come after all old ones */
};

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory to write concepts");
}

/* A copy of a row that a reader is about to forget. */
static const struct pack_row *keep_row(struct arena *arena, const struct pack_row *row) {
  struct pack_row *copy = arena_alloc(arena, sizeof(*copy));
  if (!copy)
    return NULL;
  *copy = *row;
  copy->key = arena_copy(arena, row->key);
  return copy->key.data ? copy : NULL;
}

/* Merges the rows of the pack with `count` new ones. */
static int merge_rows(struct merge *m, const struct put *puts, size_t count, struct err *err) {
  enum { ROW_MIN = 4 };
  struct arena *arena = m->p->scratch;
  struct pack_reader *reader = arena_alloc(arena, sizeof(*reader));
  size_t max = count + m->pack.len / ROW_MIN + 1, i = 0;
  bool sound = true;
  m->rows = arena_calloc(arena, max, sizeof(struct pack_row *));
  m->count = 0;
  m->appends = true;
  if (!reader || !m->rows)
    return no_memory(err);
  pack_read(reader, span_of(m->pack.bytes, m->pack.found ? m->pack.len : 0));
  while (pack_next(reader, &sound)) {
    const struct pack_row *old = keep_row(arena, &reader->row), *new_row;
    if (!old)
      return no_memory(err);
    for (; i < count && (new_row = put_row(&puts[i]), pack_compare(new_row, old) < 0); i++)
      m->rows[m->count++] = new_row;
    m->appends = m->appends && i == 0;
    m->rows[m->count++] = old;
  }
  if (!sound)
    return penv_damaged(m->p, err, "a pack of concepts is malformed");
  for (; i < count; i++)
    m->rows[m->count++] = put_row(&puts[i]);
  return 0;
}

/* The key of a pack that begins with `row`: as much of its key as is needed to be above `before`. */
static struct span separator(struct arena *arena, const struct pack_row *before, const struct pack_row *row) {
  size_t len = row->key.len + 8, shared = 0;
  unsigned char *key = arena_alloc(arena, len), seq[8];
  if (!key)
    return (struct span){NULL, 0};
  memcpy(key, row->key.data, row->key.len);
  put_u64(key + row->key.len, ~row->seq);
  put_u64(seq, ~before->seq);
  if (span_equal(before->key, row->key)) {
    shared = row->key.len;
    while (seq[shared - row->key.len] == key[shared])
      shared++;
  } else {
    while (before->key.data[shared] == key[shared])
      shared++;
  }
  return span_of(key, shared + 1);
}

/* Writes rows from..to-1 as one pack. */
static int put_pack(struct merge *m, size_t from, struct span bytes, struct err *err) {
  struct span key = m->pack.found ? span_of(m->pack.key, m->pack.key_len) : span_of(first_key, sizeof(first_key));
  if (from > 0)
    key = separator(m->p->scratch, m->rows[from - 1], m->rows[from]);
  else if (m->pack.found && span_equal(bytes, span_of(m->pack.bytes, m->pack.len)))
    return 0; /* all that is new goes into packs after it */
  if (!key.data)
    return no_memory(err);
  return penv_put(m->p, m->p->index[INDEX_CONCEPT], m->txn, key, bytes, err);
}

/* Writes the rows as packs of about `target` bytes, none larger than PACK_FULL unless it is a single row. */
static int put_packs(struct merge *m, unsigned char *memory, size_t target, struct err *err) {
  for (size_t from = 0; from < m->count;) {
    struct pack_writer w;
    size_t to = from, len = 0;
    pack_begin(&w, memory);
    while (to < m->count && len < target) {
      pack_add(&w, m->rows[to]);
      if (w.len > PACK_FULL && to > from)
        break;
      len = w.len;
      to++;
    }
    int rc = put_pack(m, from, span_of(memory, len), err);
    if (rc)
      return rc;
    from = to;
  }
  return 0;
}

static int write_merged(struct merge *m, struct err *err) {
  size_t max = 0, target = PACK_FULL;
  struct pack_writer w;
  for (size_t i = 0; i < m->count; i++)
    max += pack_row_max(m->rows[i]);
  unsigned char *memory = arena_alloc(m->p->scratch, max);
  if (!memory)
    return no_memory(err);
  pack_begin(&w, memory);
  for (size_t i = 0; i < m->count; i++)
    pack_add(&w, m->rows[i]);
  if (w.len <= PACK_FULL)
    return put_pack(m, 0, span_of(memory, w.len), err);
  /* What is appended will be followed by more: leave full packs behind. Else leave room in all of them. */
  if (!m->appends)
    target = w.len / (w.len / PACK_FULL + 1);
  return put_packs(m, memory, target, err);
}

/* How many of the puts belong into the pack that was found. */
static size_t puts_in_pack(const struct merge *m, const struct put *puts, size_t count) {
  struct span next = span_of(m->next.key, m->next.key_len);
  size_t n = 1;
  while (n < count && (!m->next.found || span_compare(put_key(&puts[n]), next) < 0))
    n++;
  return n;
}

int concept_write(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  DB *db = p->index[index];
  struct merge m = {.p = p, .txn = txn};
  int rc = 0;
  ballots_begin(p);
  for (size_t at = 0; at < g->count && rc == 0;) {
    DBC *cursor = NULL;
    int ret = db->cursor(db, txn, &cursor, 0);
    if (ret == 0) {
      ret = concept_find(cursor, put_key(&g->puts[at]), DB_RMW, &m.pack, &m.next);
      int closed = cursor->close(cursor);
      ret = ret ? ret : closed;
    }
    if (ret != 0)
      return penv_error(p, ret, err, "finding a pack of concepts");
    size_t n = puts_in_pack(&m, &g->puts[at], g->count - at);
    rc = merge_rows(&m, &g->puts[at], n, err);
    if (rc == 0)
      rc = ballots_note(p, m.rows, m.count, span_of(m.pack.key, m.pack.found ? m.pack.key_len : 0),
                        span_of(m.next.key, m.next.found ? m.next.key_len : 0), err);
    if (rc == 0)
      rc = write_merged(&m, err);
    at += n;
  }
  return rc;
}
