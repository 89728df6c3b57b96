#include "domain/diff_causes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "domain/resolved_render.h"
#include "domain/settings.h"
#include "model/canonical.h"
#include "model/timestamp.h"

enum { SETTINGS_MEMORY = 32 << 20, MARKS_READ = 64 };

struct cause {
  uint64_t seq;
  const char *kind;
};

struct found {
  struct cause items[CAUSES_MAX];
  size_t count;
};

int causes_open(struct causes *c, const struct reader *reader, const struct watermark *mark,
                const struct diff_request *request, struct err *err) {
  c->reader = reader;
  c->request = request;
  buf_init(&c->record, ENTRY_MAX_SIZE);
  c->memory = arena_create(SETTINGS_MEMORY);
  if (!c->memory)
    return err_set(err, ERR_NOMEM, "no memory to compare");
  int code = inactive_open(&c->before, reader, mark, request->from, err);
  if (!code)
    code = inactive_open(&c->after, reader, mark, request->to, err);
  if (!code)
    code = settings_open(c->memory, reader, mark, request->from, NULL, &c->settings_before, err);
  if (!code)
    code = settings_open(c->memory, reader, mark, request->to, NULL, &c->settings_after, err);
  return code;
}

void causes_close(struct causes *c) {
  settings_close(c->settings_before);
  settings_close(c->settings_after);
  inactive_close(&c->before);
  inactive_close(&c->after);
  arena_free(c->memory);
  buf_free(&c->record);
}

static void add(struct found *f, const char *kind, uint64_t seq) {
  for (size_t i = 0; i < f->count; i++)
    if (f->items[i].seq == seq)
      return;
  if (f->count < CAUSES_MAX)
    f->items[f->count++] = (struct cause){seq, kind};
}

/* What counts now: new, or active again. */
static int look_after(struct causes *c, struct found *f, uint64_t seq, struct err *err) {
  struct retraction_mark marks[MARKS_READ];
  bool inactive = false;
  if (seq > c->request->from) {
    add(f, "assertion", seq);
    return 0;
  }
  int code = inactive_has(&c->before, seq, &inactive, err);
  uint64_t after = 0;
  size_t count = inactive ? MARKS_READ : 0;
  while (!code && count == MARKS_READ) {
    code = retracted_marks(c->reader, seq, c->request->to, after, marks, MARKS_READ, &count, err);
    for (size_t i = 0; !code && i < count; i++)
      if (marks[i].reinstated_seq > c->request->from)
        add(f, "reinstatement", marks[i].reinstated_seq);
    after = !code && count ? marks[count - 1].seq : after;
  }
  return code;
}

/* What counted then: retracted since. */
static int look_before(struct causes *c, struct found *f, uint64_t seq, struct err *err) {
  uint64_t retraction = 0;
  bool inactive = false;
  int code = inactive_has(&c->after, seq, &inactive, err);
  if (!code && inactive)
    code = retracted_by(c->reader, seq, c->request->to, &retraction, err);
  if (!code && retraction > 0)
    add(f, "retraction", retraction);
  return code;
}

static int look(struct causes *c, struct found *f, const struct resolved *r, bool now, struct err *err) {
  int (*const each)(struct causes *, struct found *, uint64_t, struct err *) = now ? look_after : look_before;
  if (!r->found)
    return 0;
  int code = r->resolution.winner ? each(c, f, r->resolution.winner->seq, err) : 0;
  for (uint32_t i = 0; !code && i < r->candidates->head_count && f->count < CAUSES_MAX; i++)
    code = each(c, f, r->candidates->heads[i].seq, err);
  return code;
}

static int compare_causes(const void *left, const void *right) {
  const struct cause *a = left, *b = right;
  return (a->seq > b->seq) - (a->seq < b->seq);
}

static int render_cause(struct causes *c, const struct cause *cause, struct buf *out, struct err *err) {
  struct entry entry;
  bool found = false;
  char time[TIMESTAMP_SIZE];
  int code = history_get(c->reader->store, cause->seq, &c->record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", cause->seq);
  if (code)
    return code;
  timestamp_format((int64_t)entry.time_us, time);
  buf_addf(out, "{\"kind\":\"%s\",\"seq\":%" PRIu64 ",\"id\":\"", cause->kind, cause->seq);
  buf_add_hex(out, entry.id, ID_SIZE);
  buf_addf(out, "\",\"timestamp\":\"%s\"}", time);
  return 0;
}

/* --- settings --- */

static const struct {
  enum setting_id id;
  bool of_predicate;
  const char *name;
} settings_table[] = {{SETTING_CARDINALITY, true, "stemedb.cardinality"},
                      {SETTING_TOLERANCE, true, "stemedb.tolerance"},
                      {SETTING_TRUST, false, "stemedb.trust"},
                      {SETTING_TIER, false, "stemedb.tier"}};

static void add_value(struct buf *out, const char *name, enum setting_id id, const struct setting_value *value) {
  buf_addf(out, ",\"%s\":", name);
  if (id == SETTING_CARDINALITY)
    buf_add_str(out, value->number > 0 ? "\"many\"" : "\"one\"");
  else
    number_render(out, value->number);
}

/* One setting of a source or predicate, if it differs. */
static int look_setting(struct causes *c, size_t which, struct span name, size_t *count, struct buf *out,
                        struct err *err) {
  const enum setting_id id = settings_table[which].id;
  struct setting_value before, after;
  int (*const find)(struct settings *, enum setting_id, struct span, struct setting_value *, struct err *) =
      settings_table[which].of_predicate ? settings_find_predicate : settings_find;
  int code = find(c->settings_before, id, name, &before, err);
  if (!code)
    code = find(c->settings_after, id, name, &after, err);
  if (code || before.number == after.number || *count >= CAUSES_MAX)
    return code;
  struct buf path;
  buf_init(&path, 4096);
  if (settings_table[which].of_predicate)
    buf_add_str(&path, "predicate/");
  buf_add_span(&path, name);
  buf_add_str(out, (*count)++ ? ",{\"kind\":\"setting\",\"concept_path\":" : "{\"kind\":\"setting\",\"concept_path\":");
  json_quote(out, buf_span(&path));
  buf_free(&path);
  buf_addf(out, ",\"predicate\":\"%s\"", settings_table[which].name);
  add_value(out, "before", id, &before);
  add_value(out, "after", id, &after);
  buf_add_byte(out, '}');
  return 0;
}

static bool has_source(const struct resolved *r, struct span source) {
  for (uint32_t i = 0; r->found && i < r->candidates->head_count; i++)
    if (span_equal(r->candidates->heads[i].source, source))
      return true;
  return false;
}

static int look_sources(struct causes *c, const struct resolved *r, const struct resolved *but, size_t *count,
                        struct buf *out, struct err *err) {
  int code = 0;
  for (uint32_t i = 0; !code && r->found && i < r->candidates->head_count; i++) {
    const struct span source = r->candidates->heads[i].source;
    if (source.len == 0 || (but && has_source(but, source)))
      continue;
    code = look_setting(c, 2, source, count, out, err);
    if (!code && c->request->lens->tiers)
      code = look_setting(c, 3, source, count, out, err);
  }
  return code;
}

int causes_render(struct causes *c, struct span predicate, const struct resolved *before, const struct resolved *after,
                  struct buf *out, struct err *err) {
  struct found f = {.count = 0};
  int code = look(c, &f, after, true, err);
  if (!code)
    code = look(c, &f, before, false, err);
  qsort(f.items, f.count, sizeof(f.items[0]), compare_causes);
  buf_add_byte(out, '[');
  for (size_t i = 0; !code && i < f.count; i++) {
    if (i)
      buf_add_byte(out, ',');
    code = render_cause(c, &f.items[i], out, err);
  }
  size_t count = f.count;
  if (!code)
    code = look_setting(c, 0, predicate, &count, out, err);
  if (!code)
    code = look_setting(c, 1, predicate, &count, out, err);
  if (!code)
    code = look_sources(c, after, NULL, &count, out, err);
  if (!code)
    code = look_sources(c, before, after, &count, out, err);
  buf_add_byte(out, ']');
  return code;
}
