#include "tests/knowledge/request.h"

#include <stdio.h>
#include <string.h>

#include "tests/knowledge/answer.h"

static void put(struct json_object *object, const char *name, struct json_object *value) {
  json_object_object_add(object, name, value);
}

static void put_text(struct json_object *object, const char *name, const char *value) {
  if (value)
    put(object, name, json_object_new_string(value));
}

static void put_instant(struct json_object *object, const char *name, struct instant instant) {
  if (instant.given)
    put(object, name, model_time(instant.us));
}

static struct json_object *symbol(uint32_t uid) {
  char name[24];
  snprintf(name, sizeof(name), "<%u>", uid);
  return json_object_new_string(name);
}

static struct json_object *id_of(const struct model *model, uint32_t uid) {
  return model ? json_object_new_string(model_find(model, uid)->id) : symbol(uid);
}

static struct json_object *seq_of(const struct model *model, uint32_t uid) {
  return model ? json_object_new_int64((int64_t)model_find(model, uid)->seq) : symbol(uid);
}

static void put_ids(struct json_object *object, const char *name, const struct model *model, const uint32_t *uids,
                    size_t count) {
  struct json_object *ids = json_object_new_array();
  if (count == 0) {
    json_object_put(ids);
    return;
  }
  for (size_t i = 0; i < count; i++)
    json_object_array_add(ids, id_of(model, uids[i]));
  put(object, name, ids);
}

static void put_assertion(struct json_object *out, const struct model *model, const struct step *s) {
  put_text(out, "concept_path", s->path);
  put_text(out, "predicate", s->predicate);
  put(out, "value", json_tokener_parse(s->value));
  if (s->confidence)
    put(out, "confidence", json_tokener_parse(s->confidence));
  put_text(out, "source", s->source);
  put_ids(out, "derived_from", model, s->parents, s->parent_count);
  put_instant(out, "observed_at", s->observed_at);
  put_instant(out, "valid_from", s->valid_from);
  put_instant(out, "valid_to", s->valid_to);
}

static void put_selection(struct json_object *out, const struct model *model, const struct step *s) {
  put_text(out, "concept_path", s->path);
  put_ids(out, "ids", model, s->ids, s->id_count);
  if (s->batch && model)
    put_text(out, "batch", model_find(model, s->batch)->batch);
  else if (s->batch)
    put(out, "batch", symbol(s->batch));
  put_text(out, "predicate", s->predicate);
  put_text(out, "source", s->source);
  if (s->from)
    put(out, "from_seq", seq_of(model, s->from));
  if (s->to)
    put(out, "to_seq", seq_of(model, s->to));
  if (s->cascade)
    put(out, "cascade", json_object_new_boolean(true));
}

struct json_object *request_of_step(const struct model *model, const struct step *s) {
  struct json_object *out = json_object_new_object();
  if (s->kind == STEP_ASSERT) {
    put_assertion(out, model, s);
    return out;
  }
  if (s->kind == STEP_RETRACT)
    put_selection(out, model, s);
  else
    put(out, "retraction_id", id_of(model, s->target));
  put_text(out, "reason", "because");
  return out;
}

static void put_as_of(struct json_object *out, const struct model *model, const struct question *q) {
  const struct fact *at = model ? model_find(model, q->as_of_uid) : NULL;
  char plus[40];
  if (q->as_of == AS_OF_NOW)
    return;
  if (!model) {
    snprintf(plus, sizeof(plus), "%s <%u> %+d us", q->as_of == AS_OF_SEQ ? "seq" : "time", q->as_of_uid,
             q->as_of_delta_us);
    put_text(out, "as_of", plus);
  } else if (q->as_of == AS_OF_SEQ) {
    put(out, "as_of", json_object_new_int64(at ? (int64_t)at->seq : 0));
  } else if (at) {
    put(out, "as_of", model_timestamp((uint64_t)((int64_t)at->time_us + q->as_of_delta_us)));
  }
}

static void put_lists(struct json_object *out, const struct question *q) {
  struct json_object *excluded = json_object_new_array(), *overrides = json_object_new_object();
  for (size_t i = 0; i < q->excluded_count; i++)
    json_object_array_add(excluded, q->excluded[i] ? json_object_new_string(q->excluded[i]) : NULL);
  for (size_t i = 0; i < q->override_count; i++)
    put(overrides, q->overrides[i].source, json_tokener_parse(q->overrides[i].trust));
  if (q->excluded_count > 0)
    put(out, "exclude_sources", excluded);
  else
    json_object_put(excluded);
  if (q->override_count > 0)
    put(out, "trust_override", overrides);
  else
    json_object_put(overrides);
}

static void put_flag(struct json_object *out, const char *name, bool flag) {
  if (flag)
    put(out, name, json_object_new_boolean(true));
}

struct json_object *request_of_question(const struct model *model, const struct question *q) {
  struct json_object *out = json_object_new_object();
  put_text(out, "concept_path", q->path);
  put_text(out, "match", q->subtree ? "subtree" : NULL);
  put_text(out, "predicate", q->predicate);
  if (q->has_source)
    put(out, "source", q->source ? json_object_new_string(q->source) : NULL);
  put_text(out, "lens", q->lens);
  put_as_of(out, model, q);
  put_instant(out, "valid_at", q->valid_at);
  if (q->min_confidence)
    put(out, "min_confidence", json_tokener_parse(q->min_confidence));
  put_flag(out, "decay", q->decay);
  put_flag(out, "include_retracted", q->include_retracted);
  put_flag(out, "aliases", q->aliases);
  put_flag(out, "explain", q->explain);
  put_lists(out, q);
  put(out, "limit", json_object_new_int64((int64_t)q->limit));
  return out;
}

const char *request_text(struct json_object *request) {
  return json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
