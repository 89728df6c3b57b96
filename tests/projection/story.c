#include "tests/projection/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"

enum { PATHS = 6, PREDICATES = 4, RESERVED = 2 /* from here on predicates are settings */, SOURCES = 5, BATCHES = 4 };

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "story: %s\n", err->text);
  abort();
}

void story_begin(struct story *s, struct fixture *f, uint64_t seed) {
  *s = (struct story){.f = f, .random = seed};
  s->told = calloc(STORY_MAX + 1, sizeof(*s->told));
  s->ends = calloc(STORY_MAX + 1, sizeof(*s->ends));
  buf_init(&s->records, 64 << 20);
  if (!s->told || !s->ends)
    abort();
}

void story_end(struct story *s) {
  for (uint64_t seq = 1; seq <= s->last; seq++)
    free(s->told[seq].covers);
  free(s->told);
  free(s->ends);
  buf_free(&s->records);
}

uint64_t story_random(struct story *s, uint64_t below) {
  return mix(s->random++) % below;
}

/* Sources are concepts, too, so that a path can be a source. */
static void put_path(struct buf *b, unsigned path) {
  buf_addf(b, path < SOURCES ? "source/%u" : "c/%u", path);
}

static void put_predicate(struct buf *b, unsigned predicate) {
  buf_addf(b, "%s", predicate == RESERVED ? "stemedb.trust" : predicate == RESERVED + 1 ? "stemedb.tier" : "p");
  if (predicate < RESERVED)
    buf_addf(b, "%u", predicate);
}

static void batch_bytes(unsigned batch, unsigned char out[16]) {
  memset(out, 0, 16);
  out[15] = (unsigned char)batch;
}

static void put_assertion(const struct story *s, const struct told *t, struct buf *b) {
  buf_add_str(b, "{\"concept_path\":\"");
  put_path(b, t->path);
  for (size_t i = 0; i < t->parent_count; i++) {
    buf_add_str(b, i ? "\",\"" : "\",\"derived_from\":[\"");
    buf_add_hex(b, s->told[t->parents[i]].id, ID_SIZE);
  }
  buf_add_str(b, t->parent_count ? "\"],\"predicate\":\"" : "\",\"predicate\":\"");
  put_predicate(b, t->predicate);
  if (t->source)
    buf_addf(b, "\",\"source\":\"source/%u", t->source);
  buf_add_str(b, "\",\"value\":1}");
}

void story_request(const struct story *s, uint64_t seq, struct buf *b) {
  const struct told *t = &s->told[seq];
  unsigned char batch[16];
  buf_add_str(b, "{");
  if (t->by_batch) {
    batch_bytes(t->by_batch, batch);
    buf_add_str(b, "\"batch\":\"");
    buf_add_hex(b, batch, sizeof(batch));
    buf_add_str(b, "\",");
  }
  if (t->cascade)
    buf_add_str(b, "\"cascade\":true,");
  if (t->by_path) {
    buf_add_str(b, "\"concept_path\":\"");
    put_path(b, t->by_path - 1);
    buf_add_str(b, "\",");
  }
  if (t->from_seq)
    buf_addf(b, "\"from_seq\":%llu,", (unsigned long long)t->from_seq);
  for (size_t i = 0; i < t->id_count; i++) {
    buf_add_str(b, i ? ",\"" : "\"ids\":[\"");
    buf_add_hex(b, s->told[t->ids[i]].id, ID_SIZE);
    buf_add_str(b, "\"");
  }
  buf_add_str(b, t->id_count ? "]," : "");
  if (t->by_predicate) {
    buf_add_str(b, "\"predicate\":\"");
    put_predicate(b, t->by_predicate - 1);
    buf_add_str(b, "\",");
  }
  buf_add_str(b, "\"reason\":\"r\"");
  if (t->by_source == 1)
    buf_add_str(b, ",\"source\":null");
  else if (t->by_source)
    buf_addf(b, ",\"source\":\"source/%u\"", t->by_source - 1);
  if (t->to_seq)
    buf_addf(b, ",\"to_seq\":%llu", (unsigned long long)t->to_seq);
  buf_add_str(b, "}");
}

/* Gives the entry its id and its record. */
static void record(struct story *s, struct told *t) {
  uint64_t seq = s->last, time_us = (uint64_t)FIXTURE_TIME * 1000000 + seq;
  unsigned char content[DIGEST_SIZE], salt[SALT_SIZE] = {0}, batch[16];
  struct server_section section = {0};
  struct buf body, server;
  struct span value = {NULL, 0};
  buf_init(&body, 1 << 16);
  buf_init(&server, 1 << 10);
  if (t->kind == ENTRY_ASSERTION) {
    put_assertion(s, t, &body);
    value = span_of(body.data + body.len - 2, 1);
    section.salt = span_of(salt, SALT_SIZE);
  } else if (t->kind == ENTRY_RETRACTION) {
    story_request(s, seq, &body);
  } else {
    buf_add_str(&body, "{\"reason\":\"u\",\"retraction_id\":\"");
    buf_add_hex(&body, s->told[t->undoes].id, ID_SIZE);
    buf_add_str(&body, "\"}");
  }
  batch_bytes(t->batch, batch);
  if (t->batch)
    section.batch = span_of(batch, sizeof(batch));
  entry_put_server(&server, &section);
  digest_content(content, buf_span(&body), value, salt);
  digest_id(t->id, t->kind, content, seq, time_us);
  entry_encode(&s->records, t->kind, 0, seq, time_us, t->id, buf_span(&server), buf_span(&body));
  s->ends[seq] = s->records.len;
  buf_free(&body);
  buf_free(&server);
}

static struct told *next(struct story *s, uint8_t kind) {
  if (s->last == STORY_MAX)
    abort();
  struct told *t = &s->told[++s->last];
  t->kind = kind;
  return t;
}

/* The seq of an assertion that was stored before; 0 if a retraction was met. */
static uint64_t pick(struct story *s, bool near) {
  uint64_t stored = s->f->last;
  if (stored == 0)
    return 0;
  uint64_t seq = near ? stored - story_random(s, stored < 4 ? stored : 4) : 1 + story_random(s, stored);
  return s->told[seq].kind == ENTRY_ASSERTION ? seq : 0;
}

void story_assert(struct story *s) {
  struct told *t = next(s, ENTRY_ASSERTION);
  t->path = (unsigned)story_random(s, PATHS) + 1;
  t->predicate = (unsigned)story_random(s, story_random(s, 4) ? RESERVED : PREDICATES);
  t->source = (unsigned)story_random(s, SOURCES);
  t->batch = story_random(s, 2) ? (unsigned)story_random(s, BATCHES) : 0;
  bool near = story_random(s, 2);
  for (uint64_t n = story_random(s, 3) ? story_random(s, STORY_PARENTS + 1) : 0; n > 0; n--) {
    uint64_t parent = pick(s, near);
    bool named = parent == 0;
    for (size_t i = 0; i < t->parent_count; i++)
      named = named || t->parents[i] == parent;
    if (!named)
      t->parents[t->parent_count++] = parent;
  }
  record(s, t);
}

/* --- the naive reader --- */

/* Whether it is selected itself. */
static bool selected(const struct told *r, const struct told *a, uint64_t seq) {
  bool listed = r->by_batch && a->batch == r->by_batch;
  for (size_t i = 0; i < r->id_count; i++)
    listed = listed || r->ids[i] == seq;
  bool whole = !r->by_path && !r->id_count && !r->by_batch;
  bool named = whole || (r->by_path && a->path == r->by_path - 1);
  bool setting = a->predicate >= RESERVED;
  if (setting && !r->by_predicate)
    named = false;
  if (r->by_predicate && a->predicate != r->by_predicate - 1)
    return false;
  if (r->by_source && a->source != r->by_source - 1)
    return false;
  if ((r->from_seq && seq < r->from_seq) || (r->to_seq && seq > r->to_seq))
    return false;
  return listed || named;
}

/* Whether it comes from something that is covered, or is said by the request's concept. */
static bool comes_from(const struct told *r, const struct told *a) {
  if (!r->cascade || a->predicate >= RESERVED)
    return false;
  if (r->by_path && a->source && r->by_path - 1 == a->source)
    return true;
  for (size_t i = 0; i < a->parent_count; i++)
    if (r->covers[a->parents[i]])
      return true;
  return false;
}

void story_cover(struct story *s, struct told *r, uint64_t snapshot) {
  r->covers = calloc(STORY_MAX + 1, 1);
  if (!r->covers)
    abort();
  for (uint64_t seq = 1; seq <= snapshot; seq++)
    r->covers[seq] = s->told[seq].kind == ENTRY_ASSERTION && selected(r, &s->told[seq], seq);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint64_t seq = snapshot; seq >= 1; seq--) {
      if (r->covers[seq] || s->told[seq].kind != ENTRY_ASSERTION || !comes_from(r, &s->told[seq]))
        continue;
      r->covers[seq] = 2;
      changed = true;
    }
  }
}

bool story_inactive(const struct story *s, uint64_t seq, uint64_t snapshot, uint64_t *by) {
  for (uint64_t r = seq + 1; r <= snapshot; r++) {
    const struct told *t = &s->told[r];
    if (t->kind != ENTRY_RETRACTION || !t->covers[seq] || (t->undone && t->undone <= snapshot))
      continue;
    *by = r;
    return true;
  }
  *by = 0;
  return false;
}

/* --- retractions --- */

void story_retract(struct story *s) {
  struct told *t = next(s, ENTRY_RETRACTION);
  uint64_t way = story_random(s, 8), before = s->last - 1;
  if (way < 3 || way == 7)
    t->by_path = 1 + (unsigned)story_random(s, PATHS) + 1;
  if (way == 3 || way == 7)
    t->by_batch = 1 + (unsigned)story_random(s, BATCHES);
  for (uint64_t n = way == 4 || way == 7 ? 1 + story_random(s, STORY_IDS) : 0; n > 0; n--) {
    uint64_t seq = 1 + story_random(s, before ? before : 1);
    if (seq <= s->f->last)
      t->ids[t->id_count++] = seq; /* of whatever kind */
  }
  if (story_random(s, 3) == 0)
    t->by_predicate = 1 + (unsigned)story_random(s, PREDICATES);
  if (way == 5 || story_random(s, 4) == 0)
    t->by_source = 1 + (unsigned)story_random(s, SOURCES);
  if (way == 6 || story_random(s, 5) == 0)
    t->from_seq = 1 + story_random(s, before + 1);
  if (story_random(s, 5) == 0)
    t->to_seq = (t->from_seq ? t->from_seq : 1) + story_random(s, before + 1);
  if (!t->by_path && !t->by_batch && !t->id_count && !t->by_source && !t->from_seq && !t->to_seq)
    t->from_seq = 1;
  t->cascade = story_random(s, 2);
  record(s, t);
  story_cover(s, t, before);
}

void story_undo(struct story *s, uint64_t seq) {
  struct told *t = next(s, ENTRY_REINSTATEMENT);
  t->undoes = seq;
  if (s->told[seq].kind == ENTRY_RETRACTION && !s->told[seq].undone)
    s->told[seq].undone = s->last;
  record(s, t);
}

bool story_reinstate(struct story *s) {
  uint64_t undoes = 0, seen = 0;
  for (uint64_t seq = 1; seq <= s->last; seq++)
    if (s->told[seq].kind == ENTRY_RETRACTION && !s->told[seq].undone && story_random(s, ++seen) == 0)
      undoes = seq;
  if (!undoes)
    return false;
  story_undo(s, undoes);
  return true;
}

void story_store(struct story *s, bool apply) {
  struct fixture *f = s->f;
  struct err err;
  uint64_t first = f->last + 1;
  size_t count = (size_t)(s->last - f->last);
  struct span *spans = calloc(count + 1, sizeof(*spans));
  struct entry *entries = calloc(count + 1, sizeof(*entries));
  if (!spans || !entries)
    abort();
  for (size_t i = 0; i < count; i++) {
    size_t from = i ? s->ends[first + i - 1] : 0;
    spans[i] = span_of(s->records.data + from, s->ends[first + i] - from);
    need(entry_decode(spans[i], &entries[i], &err), &err);
  }
  if (count)
    need(history_append(f->store, spans, first, count, &err), &err);
  f->last = s->last;
  if (apply && count)
    need(projection_apply(f->projection, entries, count, &err), &err);
  buf_reset(&s->records);
  free(spans);
  free(entries);
}
