#include "domain/dry_run.h"

#include "base/segment.h"
#include "domain/resolve.h"
#include "domain/resolved_render.h"
#include "domain/touched.h"
#include "model/json.h"

enum { DRY_RUN_ANSWER_MAX = 4 << 20 };

/* What is believed of a topic: borrowed from a resolver, and as text. */
struct belief {
  struct resolver *resolver;
  struct resolved resolved;
  struct buf text;
};

static int believe(struct belief *belief, const struct touched_topic *topic, struct err *err) {
  struct buf *text = &belief->text;
  int code = resolver_topic(belief->resolver, topic->path, topic->predicate, &belief->resolved, err);
  buf_reset(text);
  if (code)
    return code;
  if (!belief->resolved.found) {
    buf_add_str(text, "null");
    return 0;
  }
  resolution_render(text, belief->resolved.candidates, &belief->resolved.resolution);
  if (!text->failed && text->len > 0)
    text->data[0] = '{'; /* in place of the comma before the first member */
  buf_add_byte(text, '}');
  return buf_check(text, "what is believed", err);
}

/* Whether both believe the same value; where values add up, the same ones of the same sources. */
static bool agree(const struct belief *a, const struct belief *b) {
  const struct head *x = a->resolved.resolution.winner, *y = b->resolved.resolution.winner;
  if (a->resolved.found && b->resolved.found && x && y)
    return span_equal(x->value, y->value);
  return span_equal(buf_span(&a->text), buf_span(&b->text));
}

static void add_flip(struct buf *out, const struct touched_topic *topic, const struct belief *before,
                     const struct belief *after) {
  buf_add_str(out, out->len > 0 ? ",{\"concept_path\":" : "{\"concept_path\":");
  json_quote(out, topic->path);
  buf_add_str(out, ",\"predicate\":");
  json_quote(out, topic->predicate);
  buf_add_str(out, ",\"before\":");
  buf_add_span(out, buf_span(&before->text));
  buf_add_str(out, ",\"after\":");
  buf_add_span(out, buf_span(&after->text));
  buf_add_byte(out, '}');
}

static int compare_all(const struct dry_run_request *request, const struct touched *touched, struct belief *before,
                       struct belief *after, struct buf *flips, struct dry_run_result *out, struct err *err) {
  size_t count = 0, told = 0;
  const struct touched_topic *topics = touched_topics(touched, &count, &out->complete);
  out->topics = count;
  for (size_t i = 0; i < count; i++) {
    if (request->stopping && i % 256 == 0 && request->stopping(request->context))
      return err_set(err, ERR_BUSY, "shutting down");
    int code = believe(before, &topics[i], err);
    if (!code)
      code = believe(after, &topics[i], err);
    if (code)
      return code;
    if (agree(before, after))
      continue;
    if (told++ == DRY_RUN_FLIPS_MAX || flips->len > DRY_RUN_ANSWER_MAX) {
      out->complete = false;
      return 0;
    }
    add_flip(flips, &topics[i], before, after);
  }
  return buf_check(flips, "what would flip", err);
}

/* Resolves all that is touched with and without the cover. */
static int find_flips(const struct reader *reader, const struct watermark *mark, const struct dry_run_request *request,
                      const struct cover *cover, struct buf *flips, struct dry_run_result *out, struct err *err) {
  const struct assumption assumption = {cover, request->retraction};
  const struct query options = {.lens = request->lens};
  const struct reader as_is = {reader->store, reader->projection, mark, NULL};
  const struct reader as_if = {reader->store, reader->projection, mark, &assumption};
  struct belief before = {.resolver = NULL}, after = {.resolver = NULL};
  struct touched *touched = NULL;
  const uint64_t now = mark->visible_seq;
  buf_init(&before.text, DRY_RUN_ANSWER_MAX);
  buf_init(&after.text, DRY_RUN_ANSWER_MAX);
  int code = touched_collect(&as_is, cover, DRY_RUN_TOPICS_MAX, &touched, err);
  if (!code)
    code = resolver_open(&as_is, mark, NULL, &options, now, 0, &before.resolver, err);
  if (!code)
    code = resolver_open(&as_if, mark, NULL, &options, now, 0, &after.resolver, err);
  if (!code)
    code = compare_all(request, touched, &before, &after, flips, out, err);
  resolver_close(before.resolver);
  resolver_close(after.resolver);
  buf_free(&before.text);
  buf_free(&after.text);
  touched_free(touched);
  return code;
}

int dry_run(const struct reader *reader, const struct watermark *mark, const struct dry_run_request *request,
            struct buf *flips, struct dry_run_result *out, struct err *err) {
  struct cover *cover = NULL;
  *out = (struct dry_run_result){.complete = true};
  int code = cover_compute(reader, request->retraction, mark->visible_seq, &cover, err);
  if (!code) {
    cover_counts(cover, &out->counts);
    out->fits = cover_fits(cover);
  }
  if (!code && out->fits && out->counts.direct + out->counts.cascaded > 0)
    code = find_flips(reader, mark, request, cover, flips, out, err);
  cover_free(cover);
  return code;
}
