#include "domain/resolve.h"

#include "model/canonical.h"

static const char *const status_names[] = {
    [STATUS_UNANIMOUS] = "unanimous", [STATUS_AGREED] = "agreed", [STATUS_CONTESTED] = "contested"};

static void add_number(struct buf *out, double number) {
  char text[40];
  canonical_double(number, text);
  buf_add_str(out, text);
}

/* Every group with its share and the sources behind it; null is the anonymous one. */
static void add_candidates(struct buf *out, const struct candidates *c) {
  buf_add_str(out, ",\"candidates\":[");
  for (uint32_t g = 0; g < c->group_count; g++) {
    buf_add_str(out, g ? ",{\"value\":" : "{\"value\":");
    buf_add_span(out, c->groups[g].value);
    buf_add_str(out, ",\"share\":");
    add_number(out, c->groups[g].share);
    buf_add_str(out, ",\"sources\":[");
    for (uint32_t h = c->groups[g].first; h != HEAD_NONE; h = c->heads[h].next) {
      if (h != c->groups[g].first)
        buf_add_byte(out, ',');
      if (c->heads[h].source.len)
        json_quote(out, c->heads[h].source);
      else
        buf_add_str(out, "null");
    }
    buf_add_str(out, "]}");
  }
  buf_add_byte(out, ']');
}

/* Fills in the first of the candidates: a head, or a superseded assertion that has to be read once more. */
static int fill_first(struct walk *walk, struct topic *topic, const struct entry *first, struct err *err) {
  struct candidates *c = &topic->candidates;
  struct assertion assertion;
  if (topic->first_head != HEAD_NONE) {
    c->first = c->heads[topic->first_head];
    return 0;
  }
  int code = assertion_read(walk->arena, first->body, &assertion, err);
  if (!code)
    c->first =
        (struct head){.value = assertion.value, .confidence = assertion.confidence, .seq = first->seq, .id = first->id};
  return code;
}

int resolve_topic(struct walk *walk, struct topic *topic, const struct entry *first, struct buf *out, struct err *err) {
  struct candidates *c = &topic->candidates;
  int code = topic_weigh(walk, topic, err);
  if (!code)
    code = fill_first(walk, topic, first, err);
  if (code)
    return code;
  struct resolution resolution;
  walk->query->lens->resolve(c, &resolution);
  buf_add_str(out, "{\"concept_path\":");
  json_quote(out, topic->path);
  buf_add_str(out, ",\"predicate\":");
  json_quote(out, topic->predicate);
  buf_add_str(out, ",\"value\":");
  buf_add_span(out, resolution.winner->value);
  buf_add_str(out, ",\"confidence\":");
  add_number(out, resolution.confidence);
  buf_add_str(out, ",\"winner\":\"");
  buf_add_hex(out, resolution.winner->id, ID_SIZE);
  buf_add_str(out, "\",\"conflict\":");
  add_number(out, c->conflict);
  buf_add_str(out, ",\"status\":\"");
  buf_add_str(out, status_names[groups_status(c)]);
  buf_add_byte(out, '"');
  if (resolution.show_candidates)
    add_candidates(out, c);
  buf_add_byte(out, '}');
  return 0;
}
