#include "domain/diff.h"

#include "domain/diff_causes.h"
#include "domain/diff_topics.h"
#include "domain/resolved_render.h"
#include "model/canonical.h"

enum { BELIEF_MAX = 8 << 20, PAGE_BYTES = 4 << 20 };

/* What is believed of a topic at one moment, as text, and the same without the id of the winner, to compare. */
struct belief {
  struct resolver *resolver;
  struct resolved resolved;
  struct buf text, bare;
};

struct diff {
  const struct diff_request *request;
  struct belief before, after;
  struct causes causes;
  struct diff_topics *topics;
};

static int believe(struct belief *b, struct span path, struct span predicate, struct err *err) {
  int code = resolver_topic(b->resolver, path, predicate, &b->resolved, err);
  buf_reset(&b->text);
  buf_reset(&b->bare);
  if (code || !b->resolved.found)
    return code;
  resolution_render(&b->text, b->resolved.candidates, &b->resolved.resolution);
  code = buf_check(&b->text, "what is believed", err);
  if (code)
    return code;
  buf_add_span(&b->bare, buf_span(&b->text));
  const struct head *winner = b->resolved.resolution.winner;
  code = buf_check(&b->bare, "what is believed", err);
  if (code || !winner)
    return code;
  static const char value[] = ",\"value\":", name[] = ",\"winner\":\"";
  const size_t start = sizeof(value) - 1 + winner->value.len;
  unsigned char *p =
      start < b->bare.len ? memmem(b->bare.data + start, b->bare.len - start, name, sizeof(name) - 1) : NULL;
  if (p && (size_t)(b->bare.data + b->bare.len - p) >= sizeof(name) - 1 + 2 * (size_t)ID_SIZE)
    memset(p + sizeof(name) - 1, '-', 2 * (size_t)ID_SIZE);
  return 0;
}

static bool same(const struct belief *a, const struct belief *b) {
  return a->resolved.found == b->resolved.found && span_equal(buf_span(&a->bare), buf_span(&b->bare));
}

static void add_belief(struct buf *out, const char *name, const struct belief *b) {
  buf_addf(out, ",\"%s\":", name);
  if (!b->resolved.found) {
    buf_add_str(out, "null");
    return;
  }
  buf_add_byte(out, '{');
  buf_add_span(out, span_of(b->text.data + 1, b->text.len - 1)); /* without the comma before the first member */
  buf_add_byte(out, '}');
}

static int add_change(struct diff *d, struct span path, struct span predicate, struct buf *out, struct err *err) {
  buf_add_str(out, "{\"concept_path\":");
  json_quote(out, path);
  buf_add_str(out, ",\"predicate\":");
  json_quote(out, predicate);
  add_belief(out, "before", &d->before);
  add_belief(out, "after", &d->after);
  buf_add_str(out, ",\"causes\":");
  int code = causes_render(&d->causes, predicate, &d->before.resolved, &d->after.resolved, out, err);
  buf_add_byte(out, '}');
  return code;
}

static int compare_topics(struct diff *d, struct arena *arena, struct buf *out, struct diff_end *end, struct err *err) {
  const size_t start = out->len;
  uint32_t changes = 0, looked = 0;
  for (;;) {
    struct span key;
    size_t path_len;
    bool found;
    int code = diff_topics_next(d->topics, &key, &path_len, &found, err);
    if (code || !found)
      return code;
    if (changes == d->request->limit || looked == DIFF_TOPICS_MAX || out->len - start > PAGE_BYTES) {
      end->more = true;
      return 0;
    }
    const struct span path = span_of(key.data, path_len);
    const struct span predicate = span_of(key.data + path_len + 1, key.len - path_len - 2);
    code = believe(&d->before, path, predicate, err);
    if (!code)
      code = believe(&d->after, path, predicate, err);
    if (!code && !same(&d->before, &d->after)) {
      if (changes++)
        buf_add_byte(out, ',');
      code = add_change(d, path, predicate, out, err);
    }
    if (code)
      return code;
    looked++;
    end->key = arena_copy(arena, key);
    if (!end->key.data)
      return err_set(err, ERR_NOMEM, "no memory to compare");
  }
}

static int run(struct diff *d, const struct reader *reader, const struct watermark *mark, struct arena *arena,
               struct buf *out, struct diff_end *end, struct err *err) {
  const struct diff_request *r = d->request;
  const struct query options = {.lens = r->lens};
  int code = resolver_open(reader, mark, NULL, &options, r->from, 0, &d->before.resolver, err);
  if (!code)
    code = resolver_open(reader, mark, NULL, &options, r->to, 0, &d->after.resolver, err);
  if (!code)
    code = causes_open(&d->causes, reader, mark, r, err);
  if (!code)
    code = diff_topics_open(reader, r, &d->causes.before, &d->causes.after, &d->topics, err);
  return code ? code : compare_topics(d, arena, out, end, err);
}

int diff_render(const struct reader *reader, const struct watermark *mark, const struct diff_request *request,
                struct arena *arena, struct buf *out, struct diff_end *end, struct err *err) {
  struct diff d = {.request = request};
  *end = (struct diff_end){.more = false};
  buf_init(&d.before.text, BELIEF_MAX);
  buf_init(&d.before.bare, BELIEF_MAX);
  buf_init(&d.after.text, BELIEF_MAX);
  buf_init(&d.after.bare, BELIEF_MAX);
  buf_add_byte(out, '[');
  int code = run(&d, reader, mark, arena, out, end, err);
  buf_add_byte(out, ']');
  diff_topics_close(d.topics);
  causes_close(&d.causes);
  resolver_close(d.before.resolver);
  resolver_close(d.after.resolver);
  buf_free(&d.before.text);
  buf_free(&d.before.bare);
  buf_free(&d.after.text);
  buf_free(&d.after.bare);
  return code;
}
