#include "domain/explain.h"

#include <stdlib.h>

#include "domain/resolved_render.h"
#include "domain/retraction_book.h"
#include "model/json.h"
#include "model/timestamp.h"

/* An explanation being made. */
struct explanation {
  struct walk *walk;
  const struct candidates *candidates;
  struct active_scan scan; /* of all rows, retracted ones too */
  struct retraction_book *book;
  struct buf considered, left_out; /* elements */
  const struct head **by_seq;      /* the heads, by seq */
  uint32_t others;
  bool complete;
};

static void add_comma(struct buf *out) {
  if (out->len > 0)
    buf_add_byte(out, ',');
}

static void add_number(struct buf *out, const char *name, double number) {
  buf_add_str(out, name);
  number_render(out, number);
}

static void add_id(struct buf *out, const char *name, const unsigned char *id) {
  buf_add_str(out, name);
  buf_add_byte(out, '"');
  buf_add_hex(out, id, ID_SIZE);
  buf_add_byte(out, '"');
}

/* {"id","seq","source" (null: anonymous) */
static void begin_item(struct buf *out, const unsigned char *id, uint64_t seq, struct span source) {
  add_comma(out);
  add_id(out, "{\"id\":", id);
  buf_add_str(out, ",\"seq\":");
  buf_add_dec(out, seq);
  buf_add_str(out, ",\"source\":");
  if (source.len)
    json_quote(out, source);
  else
    buf_add_str(out, "null");
}

/* --- what counts --- */

/* Where a number about a source comes from: the query, a setting (with the seq of its assertion) or nowhere. */
static int add_origin(struct explanation *e, const char *name, enum setting_id id, struct span source, bool override,
                      struct err *err) {
  struct buf *out = &e->considered;
  struct setting_value setting;
  int code = settings_find(e->walk->settings, id, source, &setting, err);
  if (code)
    return code;
  buf_addf(out, ",\"%s_from\":", name);
  if (override) {
    buf_add_str(out, "\"trust_override\"");
  } else if (setting.seq == 0) {
    buf_add_str(out, "\"default\"");
  } else {
    buf_addf(out, "\"setting\",\"%s_seq\":", name);
    buf_add_dec(out, setting.seq);
  }
  return 0;
}

/* What the confidence of an assertion comes from. */
static void add_confidence(struct explanation *e, double asserted, double decay, double confidence) {
  add_number(&e->considered, ",\"asserted_confidence\":", asserted);
  if (e->walk->query->decay)
    add_number(&e->considered, ",\"decay\":", decay);
  add_number(&e->considered, ",\"confidence\":", confidence);
}

static int add_head(struct explanation *e, const struct head *h, uint32_t group, struct err *err) {
  struct buf *out = &e->considered;
  begin_item(out, h->id, h->seq, h->source);
  buf_add_str(out, ",\"value\":");
  buf_add_span(out, h->value);
  add_confidence(e, h->asserted, h->decay, h->confidence);
  add_number(out, ",\"trust\":", h->trust);
  int code = add_origin(e, "trust", SETTING_TRUST, h->source, filter_trust(e->walk->query, h->source) != NULL, err);
  if (code)
    return code;
  buf_add_str(out, ",\"tier\":");
  buf_add_dec(out, (uint64_t)h->tier);
  code = add_origin(e, "tier", SETTING_TIER, h->source, false, err);
  add_number(out, ",\"weight\":", h->confidence * h->trust);
  buf_add_str(out, ",\"group\":");
  buf_add_dec(out, group);
  buf_add_byte(out, '}');
  return code;
}

/* Group by group, the heaviest first. */
static int add_heads(struct explanation *e, struct err *err) {
  const struct candidates *c = e->candidates;
  uint32_t count = 0;
  int code = 0;
  for (uint32_t g = 0; g < c->group_count; g++)
    for (uint32_t h = c->groups[g].first; !code && h != HEAD_NONE; h = c->heads[h].next) {
      if (count++ == EXPLAIN_HEADS_MAX) {
        e->complete = false;
        return 0;
      }
      code = add_head(e, &c->heads[h], g, err);
    }
  return code;
}

/* --- the others --- */

static int compare_seqs(const void *left, const void *right) {
  const struct head *a = *(const struct head *const *)left, *b = *(const struct head *const *)right;
  return (a->seq > b->seq) - (a->seq < b->seq);
}

static bool is_head(const struct explanation *e, uint64_t seq) {
  const struct head wanted = {.seq = seq}, *key = &wanted;
  return bsearch(&key, e->by_seq, e->candidates->head_count, sizeof(*e->by_seq), compare_seqs) != NULL;
}

/* The head that supersedes an assertion: its source's, and where values add up its value's, too. */
static const struct head *superseding(const struct explanation *e, struct span source, struct span value) {
  const struct candidates *c = e->candidates;
  for (uint32_t i = 0; i < c->head_count; i++)
    if (span_equal(c->heads[i].source, source) && (!c->many || span_equal(c->heads[i].value, value)))
      return &c->heads[i];
  return NULL;
}

static void add_superseded(struct explanation *e, const struct reading *reading) {
  const struct concept_row *row = &e->scan.row;
  const struct head *by = superseding(e, row->source, reading->assertion.value);
  begin_item(&e->considered, row->entry.id, row->seq, row->source);
  buf_add_str(&e->considered, ",\"value\":");
  buf_add_span(&e->considered, reading->assertion.value);
  add_confidence(e, reading->assertion.confidence, reading->decay, reading->confidence);
  buf_add_str(&e->considered, ",\"weight\":0");
  if (by)
    add_id(&e->considered, ",\"superseded_by\":", by->id);
  buf_add_byte(&e->considered, '}');
}

static void add_time(struct buf *out, const char *name, bool has, int64_t us) {
  char text[TIMESTAMP_SIZE];
  if (!has)
    return;
  timestamp_format_short(us, text);
  buf_addf(out, ",\"%s\":\"%s\"", name, text);
}

static int add_retracted(struct explanation *e, struct err *err) {
  const struct retraction_note *note = NULL;
  const struct concept_row *row = &e->scan.row;
  int code = retraction_book_find(e->book, row->seq, e->scan.snapshot, &note, err);
  if (code || !note)
    return code;
  begin_item(&e->left_out, row->entry.id, row->seq, row->source);
  buf_add_str(&e->left_out, ",\"reason\":\"retracted\",\"retraction\":");
  retraction_note_render(note, &e->left_out);
  buf_add_byte(&e->left_out, '}');
  return 0;
}

static void add_left_out(struct explanation *e, const struct reading *reading, enum verdict verdict) {
  static const char *const reasons[] = {[VERDICT_SOURCE] = "source",
                                        [VERDICT_EXCLUDED] = "exclude_sources",
                                        [VERDICT_CONFIDENCE] = "min_confidence",
                                        [VERDICT_VALIDITY] = "valid_at"};
  const struct concept_row *row = &e->scan.row;
  struct buf *out = &e->left_out;
  begin_item(out, row->entry.id, row->seq, row->source);
  buf_addf(out, ",\"reason\":\"%s\"", reasons[verdict]);
  if (verdict == VERDICT_CONFIDENCE)
    add_number(out, ",\"confidence\":", reading->confidence);
  if (verdict == VERDICT_VALIDITY) {
    add_time(out, "valid_from", reading->assertion.has_valid_from, reading->assertion.valid_from);
    add_time(out, "valid_to", reading->assertion.has_valid_to, reading->assertion.valid_to);
  }
  buf_add_byte(out, '}');
}

/* Tells of the current row what it is, unless it is a head. */
static int add_row(struct explanation *e, double half_life, bool *added, struct err *err) {
  struct reading reading;
  int code = walk_read(e->walk, &e->scan.row, half_life, &reading, err);
  if (code)
    return code;
  const enum verdict of_source = filter_source(e->walk->query, e->scan.row.source);
  *added = true;
  if (e->scan.retracted)
    return add_retracted(e, err);
  if (of_source != VERDICT_PASSES)
    add_left_out(e, &reading, of_source);
  else if (reading.verdict != VERDICT_PASSES)
    add_left_out(e, &reading, reading.verdict);
  else if (!is_head(e, e->scan.row.seq))
    add_superseded(e, &reading);
  else
    *added = false;
  return 0;
}

/* The rows of one source, as far as there is room. */
static int add_source(struct explanation *e, struct span path, struct span predicate, struct err *err) {
  unsigned char bytes[NAME_PATH_MAX];
  const struct span source = span_of(bytes, e->scan.row.source.len);
  struct setting_value half_life = {.number = 0};
  uint32_t of_source = 0;
  int code = 0;
  memcpy(bytes, e->scan.row.source.data, source.len);
  if (e->walk->query->decay)
    code = settings_find(e->walk->settings, SETTING_HALF_LIFE, source, &half_life, err);
  while (!code && active_in_run(&e->scan, path, predicate, source)) {
    bool added = false;
    if (of_source == EXPLAIN_OF_SOURCE_MAX || e->others == EXPLAIN_OTHERS_MAX) {
      e->complete = false;
      return active_next_source(&e->scan, err);
    }
    code = add_row(e, half_life.number, &added, err);
    of_source += added;
    e->others += added;
    if (!code)
      code = active_next(&e->scan, err);
  }
  return code;
}

static int add_others(struct explanation *e, struct span path, struct span predicate, struct err *err) {
  const struct span any = {NULL, 0};
  int code = active_seek(&e->scan, path, predicate, any, UINT64_MAX, err);
  while (!code && active_in_topic(&e->scan, path, predicate) && e->others < EXPLAIN_OTHERS_MAX)
    code = add_source(e, path, predicate, err);
  if (!code && active_in_topic(&e->scan, path, predicate))
    e->complete = false;
  return code;
}

static int prepare(struct explanation *e, struct err *err) {
  const struct candidates *c = e->candidates;
  e->by_seq = arena_calloc(e->walk->arena, (size_t)c->head_count + 1, sizeof(*e->by_seq));
  if (!e->by_seq)
    return walk_no_memory(err);
  for (uint32_t i = 0; i < c->head_count; i++)
    e->by_seq[i] = &c->heads[i];
  qsort(e->by_seq, c->head_count, sizeof(*e->by_seq), compare_seqs);
  int code = active_open(e->walk->reader, e->walk->scan.snapshot, &e->scan, err);
  e->scan.all = true;
  return code ? code : retraction_book_create(e->walk->reader, &e->book, err);
}

static int add_everything(struct explanation *e, const struct topic *topic, struct err *err) {
  const struct alias_class *class = e->walk->class;
  int code = add_heads(e, err);
  if (!code && !class)
    code = add_others(e, topic->path, topic->predicate, err);
  for (size_t i = 0; !code && class && i < class->count; i++)
    code = add_others(e, class->paths[i], topic->predicate, err);
  return code;
}

int explain_render(struct walk *walk, struct topic *topic, struct buf *out, struct err *err) {
  struct explanation e = {.walk = walk, .candidates = &topic->candidates, .complete = true};
  buf_init(&e.considered, out->max);
  buf_init(&e.left_out, out->max);
  int code = prepare(&e, err);
  if (!code)
    code = add_everything(&e, topic, err);
  if (!code)
    code = buf_check(&e.considered, "an explanation", err);
  if (!code)
    code = buf_check(&e.left_out, "an explanation", err);
  buf_add_str(out, "{\"considered\":[");
  buf_add_span(out, buf_span(&e.considered));
  buf_add_str(out, "],\"left_out\":[");
  buf_add_span(out, buf_span(&e.left_out));
  buf_add_str(out, e.complete ? "],\"complete\":true}" : "],\"complete\":false}");
  buf_free(&e.considered);
  buf_free(&e.left_out);
  retraction_book_free(e.book);
  active_close(&e.scan);
  return code;
}
