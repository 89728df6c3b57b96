#include "tools/reply.h"

#include <json-c/json.h>
#include <limits.h>

enum { REPLY_DEPTH = 128 };

int reply_parse(struct span text, struct json_object **out, struct err *err) {
  struct json_tokener *tokener = text.len < INT_MAX ? json_tokener_new_ex(REPLY_DEPTH) : NULL;
  if (!tokener)
    return err_set(err, ERR_NOMEM, "no memory for the answer");
  json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
  struct json_object *tree = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.len);
  if (!tree && json_tokener_get_error(tokener) == json_tokener_continue)
    tree = json_tokener_parse_ex(tokener, "\n", 1); /* a number has no end of its own */
  enum json_tokener_error wrong = json_tokener_get_error(tokener);
  json_tokener_free(tokener);
  if (!tree || wrong != json_tokener_success) {
    json_object_put(tree);
    return err_set(err, ERR_IO, "the answer is not JSON (%s): is this the address of a node?",
                   json_tokener_error_desc(wrong));
  }
  *out = tree;
  return 0;
}

void reply_free(struct json_object *reply) {
  json_object_put(reply);
}

struct json_object *reply_member(struct json_object *object, const char *name) {
  struct json_object *value = NULL;
  if (json_object_is_type(object, json_type_object))
    json_object_object_get_ex(object, name, &value);
  return value;
}

size_t reply_length(struct json_object *object, const char *name) {
  struct json_object *array = reply_member(object, name);
  return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *reply_element(struct json_object *object, const char *name, size_t index) {
  return index < reply_length(object, name) ? json_object_array_get_idx(reply_member(object, name), index) : NULL;
}

const char *reply_text(struct json_object *object, const char *name) {
  struct json_object *value = reply_member(object, name);
  return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

uint64_t reply_count(struct json_object *object, const char *name) {
  struct json_object *value = reply_member(object, name);
  return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value) : 0;
}

bool reply_is_true(struct json_object *object, const char *name) {
  struct json_object *value = reply_member(object, name);
  return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

bool reply_is_false(struct json_object *object, const char *name) {
  struct json_object *value = reply_member(object, name);
  return json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value);
}

static struct span as_json(struct json_object *value) {
  size_t len = 0;
  const char *text =
      json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
  return text ? span_of(text, len) : span_str("");
}

static struct span as_text(struct json_object *value) {
  if (!value)
    return span_str("");
  if (json_object_is_type(value, json_type_string))
    return span_of(json_object_get_string(value), (size_t)json_object_get_string_len(value));
  return as_json(value);
}

void reply_show(struct buf *out, struct json_object *value) {
  buf_add_span(out, as_text(value));
}

void reply_cell(struct table *table, struct json_object *object, const char *name) {
  table_add(table, as_text(reply_member(object, name)));
}

/* A member as JSON; null is told from one that is not there. */
static struct span member_as_json(struct json_object *object, const char *name) {
  struct json_object *value = NULL;
  bool there = json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value);
  return there ? as_json(value) : span_str("");
}

void reply_show_json(struct buf *out, struct json_object *object, const char *name) {
  buf_add_span(out, member_as_json(object, name));
}

void reply_cell_json(struct table *table, struct json_object *object, const char *name) {
  table_add(table, member_as_json(object, name));
}

void reply_show_ratio(struct buf *out, const struct screen *screen, struct json_object *object, const char *name) {
  struct json_object *value = reply_member(object, name);
  if (screen->terminal && json_object_is_type(value, json_type_double))
    buf_addf(out, "%.3g", json_object_get_double(value));
  else
    reply_show(out, value);
}

void reply_cell_ratio(struct table *table, const struct screen *screen, struct json_object *object, const char *name) {
  struct buf text;
  buf_init(&text, REPLY_CELL_MAX);
  reply_show_ratio(&text, screen, object, name);
  table_add(table, buf_span(&text));
  buf_free(&text);
}

void reply_cell_belief(struct table *table, struct json_object *resolved) {
  reply_cell_json(table, resolved, reply_member(resolved, "values") ? "values" : "value");
}

void reply_cell_list(struct table *table, struct json_object *object, const char *name) {
  struct buf text;
  buf_init(&text, REPLY_CELL_MAX);
  for (size_t i = 0; i < reply_length(object, name); i++) {
    if (i > 0)
      buf_add_str(&text, ", ");
    struct json_object *element = reply_element(object, name, i);
    if (element)
      reply_show(&text, element);
    else
      buf_add_str(&text, "(anonymous)");
  }
  table_add(table, buf_span(&text));
  buf_free(&text);
}
