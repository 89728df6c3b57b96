/*
 * Writing ballots.kv and firsts.kv. What is new in them shows while rows are merged into the packs of concept.kv: there
 * the other assertions of a topic lie beside the new one, and nothing has to be read for it. Only where a topic goes
 * over the edge of a pack is there something to look up, after all packs are written.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "projection/ballots.h"
#include "projection/internal.h"
#include "projection/pack.h"
#include "projection/postings.h"

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for ballots");
}

static bool begins_with(struct span s, struct span prefix) {
  return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

/* path 0 predicate 0 */
static struct span row_topic(const struct pack_row *row) {
  const unsigned char *predicate = row->key.data + row->path_len + 1;
  const unsigned char *end = memchr(predicate, 0, row->key.len - row->path_len - 1);
  return span_of(row->key.data, end ? (size_t)(end - row->key.data) + 1 : row->key.len);
}

/* --- what a row says --- */

size_t ballot_value(struct span value, unsigned char out[BALLOT_VALUE_MAX]) {
  if (value.len > BALLOT_VALUE_MAX) {
    out[0] = '#';
    digest_sha256(out + 1, value);
    return 1 + DIGEST_SIZE;
  }
  memcpy(out, value.data, value.len);
  return value.len;
}

static bool skip_text(struct span *rest, const char *text) {
  const size_t len = strlen(text);
  if (rest->len < len || memcmp(rest->data, text, len) != 0)
    return false;
  *rest = span_of(rest->data + len, rest->len - len);
  return true;
}

/* Skips a member whose value is a time. */
static bool skip_time(struct span *rest, const char *name) {
  if (!skip_text(rest, name))
    return true;
  const unsigned char *quote = memchr(rest->data, '"', rest->len);
  if (!quote)
    return false;
  *rest = span_of(quote + 1, rest->len - (size_t)(quote + 1 - rest->data));
  return true;
}

/* The value of a spliced row; the members after `source` are valid_from, valid_to, value. */
static bool row_value(const struct pack_row *row, struct span *value) {
  struct span rest = row->end;
  if (!row->covered || !row->spliced || !skip_time(&rest, ",\"valid_from\":\"") ||
      !skip_time(&rest, ",\"valid_to\":\"") || !skip_text(&rest, ",\"value\":") || rest.len < 2)
    return false;
  *value = span_of(rest.data, rest.len - 1);
  return true;
}

static double row_confidence(const struct pack_row *row) {
  struct span rest = row->middle;
  char text[40] = "";
  if (!skip_text(&rest, ",\"confidence\":"))
    return 1;
  for (size_t i = 0; i < rest.len && i < sizeof(text) - 1 && rest.data[i] != ','; i++)
    text[i] = (char)rest.data[i];
  return strtod(text, NULL);
}

static int add_head(struct gather *g, const struct pack_row *row, bool older, struct err *err) {
  unsigned char *out = gather_alloc(g, BALLOT_SIZE_MAX, err);
  struct span value;
  size_t len = BALLOT_VALUE_AT;
  if (!out)
    return err->code;
  const bool known = row_value(row, &value);
  const double confidence = known ? row_confidence(row) : 0;
  uint64_t bits;
  if (known)
    len += ballot_value(value, out + BALLOT_VALUE_AT);
  out[0] = (unsigned char)((older ? BALLOT_OLDER : 0) | (known ? 0 : BALLOT_UNKNOWN));
  put_u64(out + 1, row->seq);
  memcpy(&bits, &confidence, sizeof(bits));
  put_u64(out + 9, bits);
  return gather_put(g, row->key, span_of(out, len), err);
}

/* --- beside the packs --- */

void ballots_begin(struct projection *p) {
  gather_init(&p->ballots, p->scratch);
  gather_init(&p->edge_ballots, p->scratch);
  gather_init(&p->firsts, p->scratch);
}

/* The rows of one topic in a pack. */
struct topic_rows {
  const struct pack_row *const *rows;
  size_t count;
  bool cut_before, cut_after; /* it goes on in the pack before, after */
  struct span next_key;       /* of the pack after, if cut_after */
};

static bool is_new(const struct projection *p, const struct pack_row *row) {
  return row->seq > p->state.applied_seq;
}

/* Whether two rows, of those that are old or of all, may have different values; sorted by source as they are, two
 * sources show by the first and the last one. */
static bool disagree(const struct projection *p, const struct topic_rows *t, bool old_only) {
  const struct pack_row *first = NULL;
  bool sources = false, values = false;
  for (size_t i = 0; i < t->count; i++) {
    const struct pack_row *row = t->rows[i];
    if (old_only && is_new(p, row))
      continue;
    if (!first) {
      first = row;
      values = !row->covered || !row->spliced;
      continue;
    }
    sources = sources || !span_equal(row->key, first->key);
    values = values || !row->covered || !row->spliced || !span_equal(row->end, first->end);
  }
  return sources && values;
}

/* The end of the source's rows that begin at `from`. */
static size_t source_end(const struct topic_rows *t, size_t from) {
  size_t end = from + 1;
  while (end < t->count && span_equal(t->rows[end]->key, t->rows[from]->key))
    end++;
  return end;
}

/* Notes what is new: a source's first assertion in the topic, and the heads that ballots.kv will want. */
static int note_topic(struct projection *p, const struct topic_rows *t, struct span topic, struct err *err) {
  const bool cut = t->cut_before || t->cut_after;
  const bool wanted = cut || (t->count > 1 && disagree(p, t, false));
  const bool there = wanted && !cut && disagree(p, t, true);
  int rc = 0;
  for (size_t from = 0, end; from < t->count && rc == 0; from = end) {
    const struct pack_row *head = t->rows[from];
    end = source_end(t, from);
    const bool goes_on = t->cut_after && end == t->count && begins_with(t->next_key, head->key);
    const struct pack_row *oldest = t->rows[end - 1];
    if (is_new(p, oldest) && !goes_on) {
      struct span source = span_of(head->key.data + topic.len, head->key.len - topic.len - 1);
      rc = postings_put(&p->firsts, source, oldest->seq, err);
    }
    if (rc == 0 && wanted && (is_new(p, head) || (!cut && !there)))
      rc = add_head(cut ? &p->edge_ballots : &p->ballots, head, end - from > 1 || goes_on, err);
  }
  return rc;
}

int ballots_note(struct projection *p, const struct pack_row *const *rows, size_t count, struct span pack_key,
                 struct span next_key, struct err *err) {
  for (size_t from = 0, end; from < count; from = end) {
    const struct span topic = row_topic(rows[from]);
    bool news = false;
    for (end = from; end < count && begins_with(rows[end]->key, topic); end++)
      news = news || is_new(p, rows[end]);
    if (!news)
      continue;
    const struct topic_rows t = {.rows = rows + from,
                                 .count = end - from,
                                 .cut_before = from == 0 && begins_with(pack_key, topic),
                                 .cut_after = end == count && begins_with(next_key, topic),
                                 .next_key = next_key};
    int rc = note_topic(p, &t, topic, err);
    if (rc)
      return rc;
  }
  return 0;
}

/* --- topics that go over the edge of a pack --- */

struct edge {
  struct projection *p;
  DB_TXN *txn;
  DBC *cursor; /* in concept.kv */
  struct span topic;
  struct concept_pack pack;
  struct pack_reader reader;
  bool more; /* there is a current row, and it is of the topic */
};

/* To the first row at or after `target`, over as many packs as it takes. */
static int edge_walk(struct edge *e, struct span target, struct err *err) {
  for (;;) {
    bool sound;
    while (pack_next(&e->reader, &sound)) {
      struct span key = e->reader.row.key;
      if (span_compare(key, target) >= 0) {
        e->more = begins_with(key, e->topic);
        return 0;
      }
    }
    if (!sound)
      return penv_damaged(e->p, err, "a pack of concepts is malformed");
    unsigned char after[CONCEPT_KEY_MAX + 1];
    const size_t len = e->pack.key_len;
    memcpy(after, e->pack.key, len);
    int ret = concept_find_next(e->cursor, span_of(after, len), &e->pack);
    if (ret != 0)
      return penv_error(e->p, ret, err, "reading concepts");
    e->more = e->pack.found;
    if (!e->more)
      return 0;
    pack_read(&e->reader, span_of(e->pack.bytes, e->pack.len));
  }
}

/* To the first row of a source whose key is not below `target` (path 0 predicate 0 [source 1]). */
static int edge_seek(struct edge *e, struct span target, struct err *err) {
  int ret = concept_find(e->cursor, target, 0, &e->pack, NULL);
  if (ret != 0)
    return penv_error(e->p, ret, err, "reading concepts");
  pack_read(&e->reader, span_of(e->pack.bytes, e->pack.found ? e->pack.len : 0));
  e->more = e->pack.found;
  return e->more ? edge_walk(e, target, err) : 0;
}

/* A copy of the current row that outlives the reader. */
static const struct pack_row *edge_keep(struct edge *e) {
  struct arena *arena = e->p->scratch;
  struct pack_row *copy = arena_alloc(arena, sizeof(*copy));
  if (!copy)
    return NULL;
  *copy = e->reader.row;
  copy->key = arena_copy(arena, copy->key);
  copy->middle = arena_copy(arena, copy->middle);
  copy->end = arena_copy(arena, copy->end);
  return copy->key.data && copy->middle.data && copy->end.data ? copy : NULL;
}

/* Adds the head of every source of the topic to `heads`. */
static int edge_heads(struct edge *e, struct gather *heads, struct err *err) {
  int rc = edge_seek(e, e->topic, err);
  while (rc == 0 && e->more) {
    const struct pack_row *head = edge_keep(e);
    if (!head)
      return no_memory(err);
    /* The row after it, if of the same source, has the same key. */
    rc = edge_walk(e, head->key, err);
    const bool older = rc == 0 && e->more && span_equal(e->reader.row.key, head->key);
    if (rc == 0)
      rc = add_head(heads, head, older, err);
    if (rc == 0 && older) {
      unsigned char target[PACK_KEY_MAX];
      memcpy(target, head->key.data, head->key.len);
      target[head->key.len - 1] = 1;
      rc = edge_seek(e, span_of(target, head->key.len), err);
    }
  }
  return rc;
}

static int put_all(struct projection *p, DB_TXN *txn, const struct put *puts, size_t count, struct err *err) {
  int rc = 0;
  for (size_t i = 0; i < count && rc == 0; i++)
    rc = penv_put(p, p->index[INDEX_BALLOTS], txn, put_key(&puts[i]), put_value(&puts[i]), err);
  return rc;
}

static int has_ballots(struct projection *p, DB_TXN *txn, struct span topic, bool *has, struct err *err) {
  DB *db = p->index[INDEX_BALLOTS];
  DBC *cursor = NULL;
  unsigned char bytes[CONCEPT_KEY_MAX];
  DBT key = {.data = bytes, .size = (u_int32_t)topic.len, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  memcpy(bytes, topic.data, topic.len);
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(p, ret, err, "reading ballots");
  ret = cursor->get(cursor, &key, &value, DB_SET_RANGE);
  *has = ret == 0 && begins_with(span_of(bytes, key.size), topic);
  int closed = cursor->close(cursor);
  ret = ret == DB_NOTFOUND ? closed : ret ? ret : closed;
  return ret ? penv_error(p, ret, err, "reading ballots") : 0;
}

/* `count` puts of one topic: if it has ballots they are what is new, else all heads are put, if there are two. */
static int write_edge(struct edge *e, const struct put *puts, size_t count, struct err *err) {
  struct gather heads;
  bool there = false;
  int rc = has_ballots(e->p, e->txn, e->topic, &there, err);
  if (rc || there)
    return rc ? rc : put_all(e->p, e->txn, puts, count, err);
  gather_init(&heads, e->p->scratch);
  rc = edge_heads(e, &heads, err);
  return rc || heads.count < 2 ? rc : put_all(e->p, e->txn, heads.puts, heads.count, err);
}

static struct span put_topic(const struct put *put) {
  const unsigned char *p = memchr(put->key, 0, put->key_len);
  p = p ? memchr(p + 1, 0, put->key_len - (size_t)(p + 1 - put->key)) : NULL;
  return span_of(put->key, p ? (size_t)(p + 1 - put->key) : put->key_len);
}

static int write_edges(struct edge *e, const struct gather *g, struct err *err) {
  int rc = 0;
  for (size_t from = 0, end; from < g->count && rc == 0; from = end) {
    e->topic = put_topic(&g->puts[from]);
    for (end = from + 1; end < g->count && begins_with(put_key(&g->puts[end]), e->topic);)
      end++;
    rc = write_edge(e, &g->puts[from], end - from, err);
  }
  return rc;
}

int ballots_project(struct gather *gather, const struct item *item, struct err *err) {
  (void)gather;
  (void)item;
  (void)err;
  return 0;
}

int ballots_write(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  (void)index;
  (void)g;
  int rc = put_all(p, txn, p->ballots.puts, p->ballots.count, err);
  if (rc || p->edge_ballots.count == 0)
    return rc;
  struct edge *e = arena_calloc(p->scratch, 1, sizeof(*e));
  if (!e)
    return no_memory(err);
  DB *db = p->index[INDEX_CONCEPT];
  e->p = p;
  e->txn = txn;
  int ret = db->cursor(db, txn, &e->cursor, 0);
  if (ret != 0)
    return penv_error(p, ret, err, "reading concepts");
  rc = write_edges(e, &p->edge_ballots, err);
  ret = e->cursor->close(e->cursor);
  return rc || ret == 0 ? rc : penv_error(p, ret, err, "reading concepts");
}

int firsts_write(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  (void)g;
  int rc = gather_sort(&p->firsts, err);
  return rc ? rc : write_combined(p, index, txn, &p->firsts, err);
}
