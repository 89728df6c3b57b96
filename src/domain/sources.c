#include "domain/sources.h"

#include <inttypes.h>
#include <stdlib.h>

#include "domain/active.h"
#include "domain/ballot_box.h"
#include "domain/inactive.h"
#include "domain/moment.h"
#include "domain/resolved_render.h"
#include "domain/settings.h"
#include "model/assertion.h"
#include "model/canonical.h"
#include "model/name.h"
#include "model/timestamp.h"

enum { SEQS_READ = 4096, SETTINGS_MEMORY = 16 << 20 };

/* One line of the page. */
struct tally {
  struct span source; /* in the arena */
  uint64_t assertions, active, first, last;
  uint64_t heads;    /* topics that it has an active assertion about */
  uint64_t dissents; /* heads outside of the winner's group */
};

struct census {
  const struct reader *reader;
  const struct watermark *mark;
  uint64_t snapshot;
  struct arena *arena, *parse;
  struct inactive inactive;
  struct active_scan scan;
  struct buf record;
  struct tally *tallies;
  size_t count;
  uint64_t seqs[SEQS_READ];
};

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for sources");
}

/* --- what each said --- */

static int count_assertions(struct census *c, struct tally *t, struct err *err) {
  uint64_t after = 0;
  size_t count = SEQS_READ;
  int code = 0;
  while (!code && count == SEQS_READ) {
    code = posting_read(c->reader, POSTING_SOURCE, t->source, after, c->snapshot, c->seqs, SEQS_READ, &count, err);
    for (size_t i = 0; i < count && !code; i++) {
      bool inactive;
      code = inactive_has(&c->inactive, c->seqs[i], &inactive, err);
      t->active += !inactive;
    }
    if (!code && count > 0) {
      t->first = t->first ? t->first : c->seqs[0];
      t->last = after = c->seqs[count - 1];
      t->assertions += count;
    }
  }
  return code;
}

/* Whether the source has an active assertion about the topic of the assertion `seq`. */
static int still_speaks(struct census *c, const struct tally *t, uint64_t seq, bool *speaks, struct err *err) {
  struct entry entry;
  struct assertion a;
  bool found = false;
  int code = history_get(c->reader->store, seq, &c->record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", seq);
  arena_reset(c->parse);
  if (!code)
    code = assertion_read(c->parse, entry.body, &a, err);
  if (!code && !c->scan.scan)
    code = active_open(c->reader, c->snapshot, &c->scan, err);
  if (!code)
    active_set_scope(&c->scan, a.concept_path, false, a.predicate);
  if (!code)
    code = active_seek(&c->scan, a.concept_path, a.predicate, a.source, UINT64_MAX, err);
  *speaks = !code && active_in_run(&c->scan, a.concept_path, a.predicate, t->source);
  return code;
}

/* Every topic of the source has one first assertion. If that is active the source speaks; if not, it does if a later
 * one is active, which is only asked where there is any that can be. */
static int count_heads(struct census *c, struct tally *t, bool look_up, uint64_t *active_firsts, struct err *err) {
  uint64_t after = 0;
  size_t count = SEQS_READ;
  int code = 0;
  *active_firsts = t->heads = 0;
  while (!code && count == SEQS_READ) {
    code = posting_read(c->reader, POSTING_FIRSTS, t->source, after, c->snapshot, c->seqs, SEQS_READ, &count, err);
    for (size_t i = 0; i < count && !code; i++) {
      bool inactive, speaks;
      code = inactive_has(&c->inactive, c->seqs[i], &inactive, err);
      speaks = !inactive;
      *active_firsts += !inactive;
      if (!code && inactive && look_up)
        code = still_speaks(c, t, c->seqs[i], &speaks, err);
      t->heads += speaks;
    }
    if (!code && count > 0)
      after = c->seqs[count - 1];
  }
  return code;
}

static int fill(struct census *c, struct tally *t, struct err *err) {
  uint64_t firsts = 0;
  int code = count_assertions(c, t, err);
  if (!code)
    code = count_heads(c, t, false, &firsts, err);
  if (!code && firsts < t->active && t->active < t->assertions)
    code = count_heads(c, t, true, &firsts, err);
  return code;
}

/* --- which sources --- */

static bool in_subtree(struct span path, struct span root) {
  return root.len == 0 || (path.len >= root.len && memcmp(path.data, root.data, root.len) == 0 &&
                           (path.len == root.len || path.data[root.len] == '/'));
}

/* Puts `source` and a byte that sorts before all that continue it into `at`: the least key above all of it. */
static struct span key_after(unsigned char *at, struct span source, unsigned char byte) {
  if (source.len)
    memcpy(at, source.data, source.len);
  at[source.len] = byte;
  return span_of(at, source.len + 1);
}

static int list(struct census *c, const struct sources_request *r, struct sources_end *end, struct err *err) {
  unsigned char at[NAME_PATH_MAX + 2], name[NAME_PATH_MAX];
  struct span from = r->prefix, source = {name, 0};
  bool found = true;
  int code = 0;
  if (r->after && r->last.len <= NAME_PATH_MAX)
    from = key_after(at, r->last, 1);
  while (!code && found) {
    code = posting_next_term(c->reader, POSTING_SOURCE, from, name, sizeof(name), &source.len, &found, err);
    if (code || !found)
      break;
    if (!in_subtree(source, r->prefix)) { /* what is below PREFIX/ may come after PREFIX-x */
      if (source.len < r->prefix.len || memcmp(name, r->prefix.data, r->prefix.len) != 0 || name[r->prefix.len] > '/')
        break;
      from = key_after(at, r->prefix, '/');
      continue;
    }
    from = key_after(at, source, 1);
    struct tally t = {.source = arena_copy(c->arena, source)};
    code = t.source.data ? fill(c, &t, err) : no_memory(err);
    if (code || t.assertions == 0)
      continue;
    end->more = c->count == r->limit;
    if (end->more)
      break;
    c->tallies[c->count++] = t;
    end->last = t.source;
  }
  return code;
}

/* --- whether others agree --- */

static int compare_sources(const void *key, const void *item) {
  return span_compare(*(const struct span *)key, ((const struct tally *)item)->source);
}

static int count_dissents(struct census *c, struct err *err) {
  struct ballot_box *box = NULL;
  struct ballot_topic topic;
  bool found = true;
  const struct span all = {NULL, 0};
  int code = ballot_box_open(c->reader, c->mark, c->snapshot, all, all, &box, err);
  while (!code && found) {
    code = ballot_box_next(box, &topic, &found, err);
    const struct candidates *candidates = &topic.candidates;
    if (code || !found || candidates->many || candidates->group_count < 2)
      continue;
    for (uint32_t h = 0; h < candidates->head_count; h++) {
      const struct head *head = &candidates->heads[h];
      struct tally *t =
          head->group == 0 ? NULL : bsearch(&head->source, c->tallies, c->count, sizeof(struct tally), compare_sources);
      if (t)
        t->dissents++;
    }
  }
  ballot_box_close(box);
  return code;
}

/* --- the answer --- */

static int add_time(struct census *c, struct buf *out, const char *name, uint64_t seq, struct err *err) {
  char text[TIMESTAMP_SIZE];
  uint64_t time_us = 0;
  int code = moment_time(c->reader, c->mark, seq, &time_us, err);
  if (code)
    return code;
  timestamp_format((int64_t)time_us, text);
  buf_addf(out, ",\"%s\":{\"seq\":%" PRIu64 ",\"timestamp\":\"%s\"}", name, seq, text);
  return 0;
}

static int render(struct census *c, struct settings *settings, const struct tally *t, struct buf *out,
                  struct err *err) {
  struct setting_value trust, tier;
  int code = settings_find(settings, SETTING_TRUST, t->source, &trust, err);
  if (!code)
    code = settings_find(settings, SETTING_TIER, t->source, &tier, err);
  if (code)
    return code;
  buf_add_str(out, "{\"source\":");
  if (t->source.len)
    json_quote(out, t->source);
  else
    buf_add_str(out, "null");
  buf_addf(out, ",\"assertions\":%" PRIu64 ",\"active\":%" PRIu64 ",\"trust\":", t->assertions, t->active);
  number_render(out, trust.number);
  buf_addf(out, ",\"tier\":%d,\"topics\":%" PRIu64 ",\"agreeing\":%" PRIu64 ",\"agreement\":", (int)tier.number,
           t->heads, t->heads - t->dissents);
  if (t->heads > 0)
    number_render(out, (double)(t->heads - t->dissents) / (double)t->heads);
  else
    buf_add_str(out, "null");
  code = add_time(c, out, "first_seen", t->first, err);
  if (!code)
    code = add_time(c, out, "last_seen", t->last, err);
  buf_add_byte(out, '}');
  return code;
}

static int render_all(struct census *c, struct buf *out, struct err *err) {
  struct settings *settings = NULL;
  struct arena *lasting = arena_create(SETTINGS_MEMORY);
  int code = lasting ? settings_open(lasting, c->reader, c->mark, c->snapshot, NULL, &settings, err) : no_memory(err);
  buf_add_byte(out, '[');
  for (size_t i = 0; !code && i < c->count; i++) {
    if (i)
      buf_add_byte(out, ',');
    code = render(c, settings, &c->tallies[i], out, err);
  }
  buf_add_byte(out, ']');
  settings_close(settings);
  arena_free(lasting);
  return code;
}

static int run(struct census *c, const struct sources_request *request, struct buf *out, struct sources_end *end,
               struct err *err) {
  c->parse = arena_create(ENTRY_MAX_SIZE);
  c->tallies = arena_calloc(c->arena, (size_t)request->limit + 1, sizeof(*c->tallies));
  if (!c->parse || !c->tallies)
    return no_memory(err);
  int code = inactive_open(&c->inactive, c->reader, c->mark, c->snapshot, err);
  if (!code)
    code = list(c, request, end, err);
  if (!code && c->count > 0)
    code = count_dissents(c, err);
  return code ? code : render_all(c, out, err);
}

int sources_render(const struct reader *reader, const struct watermark *mark, const struct sources_request *request,
                   struct arena *arena, struct buf *out, struct sources_end *end, struct err *err) {
  *end = (struct sources_end){.more = false};
  struct census *c = calloc(1, sizeof(*c));
  if (!c)
    return no_memory(err);
  c->reader = reader;
  c->mark = mark;
  c->snapshot = request->snapshot;
  c->arena = arena;
  buf_init(&c->record, ENTRY_MAX_SIZE);
  int code = run(c, request, out, end, err);
  active_close(&c->scan);
  inactive_close(&c->inactive);
  buf_free(&c->record);
  arena_free(c->parse);
  free(c);
  return code;
}
