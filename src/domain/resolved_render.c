#include "domain/resolved_render.h"

#include "domain/explain.h"
#include "domain/resolve.h"
#include "model/canonical.h"
#include "model/json.h"

static const char *const status_names[] = {
    [STATUS_UNANIMOUS] = "unanimous", [STATUS_AGREED] = "agreed", [STATUS_CONTESTED] = "contested"};

const char *conflict_status_name(enum conflict_status status) {
  return status_names[status];
}

void number_render(struct buf *out, double number) {
  char text[40];
  canonical_double(number, text);
  buf_add_str(out, text);
}

/* The sources behind a group, each once; null is the anonymous one. */
static void add_sources(struct buf *out, const struct candidates *c, const struct group *group) {
  const struct head *last = NULL;
  buf_add_str(out, ",\"sources\":[");
  for (uint32_t h = group->first; h != HEAD_NONE; h = c->heads[h].next) {
    const struct head *head = &c->heads[h];
    if (last && span_equal(last->source, head->source))
      continue;
    if (last)
      buf_add_byte(out, ',');
    if (head->source.len)
      json_quote(out, head->source);
    else
      buf_add_str(out, "null");
    last = head;
  }
  buf_add_byte(out, ']');
}

static void add_candidates(struct buf *out, const struct candidates *c) {
  buf_add_str(out, ",\"candidates\":[");
  for (uint32_t g = 0; g < c->group_count; g++) {
    buf_add_str(out, g ? ",{\"value\":" : "{\"value\":");
    buf_add_span(out, c->groups[g].value);
    buf_add_str(out, ",\"share\":");
    number_render(out, c->groups[g].share);
    add_sources(out, c, &c->groups[g]);
    buf_add_byte(out, '}');
  }
  buf_add_byte(out, ']');
}

static void add_values(struct buf *out, const struct candidates *c) {
  buf_add_str(out, ",\"values\":[");
  for (uint32_t g = 0; g < c->group_count; g++) {
    buf_add_str(out, g ? ",{\"value\":" : "{\"value\":");
    buf_add_span(out, c->groups[g].value);
    buf_add_str(out, ",\"confidence\":");
    number_render(out, c->heads[c->groups[g].winner].confidence);
    add_sources(out, c, &c->groups[g]);
    buf_add_byte(out, '}');
  }
  buf_add_byte(out, ']');
}

static void add_choice(struct buf *out, const struct head *winner, double confidence) {
  buf_add_str(out, "\"value\":");
  buf_add_span(out, winner->value);
  buf_add_str(out, ",\"confidence\":");
  number_render(out, confidence);
  buf_add_str(out, ",\"winner\":\"");
  buf_add_hex(out, winner->id, ID_SIZE);
  buf_add_byte(out, '"');
}

static void add_verdict(struct buf *out, double conflict, enum conflict_status status) {
  buf_add_str(out, ",\"conflict\":");
  number_render(out, conflict);
  buf_add_str(out, ",\"status\":\"");
  buf_add_str(out, status_names[status]);
  buf_add_byte(out, '"');
}

static void add_layers(struct buf *out, const struct candidates *c) {
  buf_add_str(out, ",\"layers\":[");
  for (uint32_t i = 0; i < c->layer_count; i++) {
    const struct candidates *layer = &c->layers[i].candidates;
    buf_add_str(out, i ? ",{\"tier\":" : "{\"tier\":");
    buf_add_dec(out, (uint64_t)c->layers[i].tier);
    buf_add_byte(out, ',');
    add_choice(out, &layer->heads[layer->groups[0].winner], layer->groups[0].share);
    add_verdict(out, layer->conflict, groups_status(layer));
    buf_add_byte(out, '}');
  }
  buf_add_byte(out, ']');
}

void resolution_render(struct buf *out, const struct candidates *c, const struct resolution *resolution) {
  if (resolution->winner) {
    buf_add_byte(out, ',');
    add_choice(out, resolution->winner, resolution->confidence);
  } else {
    add_values(out, c);
  }
  add_verdict(out, resolution->conflict, resolution->status);
  if (resolution->show_candidates)
    add_candidates(out, c);
  if (resolution->show_layers)
    add_layers(out, c);
}

int resolved_render(struct walk *walk, struct topic *topic, struct buf *out, struct err *err) {
  struct resolution resolution;
  int code = resolve_topic(walk, topic, &resolution, err);
  if (code)
    return code;
  buf_add_str(out, "{\"concept_path\":");
  json_quote(out, topic->path);
  buf_add_str(out, ",\"predicate\":");
  json_quote(out, topic->predicate);
  resolution_render(out, &topic->candidates, &resolution);
  if (walk->query->explain) {
    buf_add_str(out, ",\"explain\":");
    code = explain_render(walk, topic, out, err);
  }
  buf_add_byte(out, '}');
  return code;
}
