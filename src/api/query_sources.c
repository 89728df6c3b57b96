#include "api/query_sources.h"

#include <stdlib.h>

#include "model/canonical.h"
#include "model/name.h"

/* The field as JSON: a token of the body, or the parsed text of a parameter; *good is false if that is none. */
static int as_json(const struct field_input *input, struct json_doc *doc, uint32_t *token, bool *good,
                   struct err *err) {
  struct json_fault fault;
  *good = true;
  if (input->doc) {
    *doc = *input->doc;
    *token = input->token;
    return 0;
  }
  *token = 0;
  int rc = json_parse(input->arena, input->text, doc, &fault, err);
  *good = rc == 0;
  if (rc == ERR_INVALID)
    field_fault(input, "must be JSON: %s", fault.reason);
  return rc == ERR_INVALID ? 0 : rc;
}

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for the sources of a query");
}

/* Adds what is wrong below the field: at the element or member that `pointer` names. */
static int add_fault(const struct field_input *input, struct span pointer, const char *detail, struct err *err) {
  if (!pointer.data)
    return no_memory(err);
  field_errors_add(input->errors, pointer, NULL, "%s", detail);
  return 0;
}

static struct span field_root(const struct field_input *input) {
  return field_pointer(input->arena, span_str(""), span_str(input->name));
}

static int compare_spans(const void *left, const void *right) {
  return span_compare(*(const struct span *)left, *(const struct span *)right);
}

static int compare_overrides(const void *left, const void *right) {
  return span_compare(((const struct trust_override *)left)->source, ((const struct trust_override *)right)->source);
}

/* One element of exclude_sources. */
static int read_source(const struct field_input *input, const struct json_doc *doc, uint32_t token, size_t index,
                       struct span *out, struct err *err) {
  const char *fault = NULL;
  *out = span_str("");
  if (doc->tokens[token].type == JSON_NULL)
    return 0;
  if (doc->tokens[token].type != JSON_STRING)
    return add_fault(input, field_pointer_index(input->arena, field_root(input), index), "must be a source or null",
                     err);
  int rc = json_string(input->arena, doc, token, out, err);
  if (rc == 0 && out->len > 0)
    fault = name_path_fault(*out);
  return fault ? add_fault(input, field_pointer_index(input->arena, field_root(input), index), fault, err) : rc;
}

/* A parameter that is no array is one source. */
static int read_single(const struct field_input *input, struct query *query, struct err *err) {
  struct span *single = arena_calloc(input->arena, 1, sizeof(*single));
  if (!single)
    return no_memory(err);
  *single = input->text;
  query->excluded = single;
  query->excluded_count = 1;
  const char *fault = input->text.len > 0 ? name_path_fault(input->text) : NULL;
  if (fault)
    field_fault(input, "%s", fault);
  return 0;
}

int query_read_excluded(const struct field_input *input, struct query *query, struct err *err) {
  struct json_doc doc;
  uint32_t token;
  bool good;
  if (!input->doc && (input->text.len == 0 || input->text.data[0] != '['))
    return read_single(input, query, err);
  int rc = as_json(input, &doc, &token, &good, err);
  if (rc || !good)
    return rc;
  const struct json_token *array = &doc.tokens[token];
  if (array->type != JSON_ARRAY || array->count > QUERY_SOURCES_MAX) {
    field_fault(input, "must be an array of at most %d sources", QUERY_SOURCES_MAX);
    return 0;
  }
  struct span *sources = arena_calloc(input->arena, (size_t)array->count + 1, sizeof(*sources));
  if (!sources)
    return no_memory(err);
  uint32_t at = token + 1;
  for (uint32_t i = 0; !rc && i < array->count; i++, at = doc.tokens[at].next)
    rc = read_source(input, &doc, at, i, &sources[i], err);
  qsort(sources, array->count, sizeof(*sources), compare_spans);
  query->excluded = sources;
  query->excluded_count = array->count;
  return rc;
}

/* One member of trust_override, whose name is at `token`. */
static int read_override(const struct field_input *input, const struct json_doc *doc, uint32_t token,
                         struct trust_override *out, struct err *err) {
  char number[40];
  const char *fault = NULL;
  int rc = json_string(input->arena, doc, token, &out->source, err);
  if (rc)
    return rc;
  const struct json_token *value = &doc->tokens[token + 1];
  if (out->source.len > 0)
    fault = name_path_fault(out->source);
  if (!fault && (value->type != JSON_NUMBER || !canonical_number(json_raw(doc, token + 1), number)))
    fault = "must be a number in [0, 1]";
  if (!fault)
    out->trust = strtod(number, NULL);
  if (!fault && !(out->trust >= 0 && out->trust <= 1))
    fault = "must be a number in [0, 1]";
  return fault ? add_fault(input, field_pointer(input->arena, field_root(input), out->source), fault, err) : 0;
}

int query_read_overrides(const struct field_input *input, struct query *query, struct err *err) {
  struct json_doc doc;
  uint32_t token;
  bool good;
  int rc = as_json(input, &doc, &token, &good, err);
  if (rc || !good)
    return rc;
  const struct json_token *object = &doc.tokens[token];
  if (object->type != JSON_OBJECT || object->count > QUERY_SOURCES_MAX) {
    field_fault(input, "must be an object of at most %d sources with numbers", QUERY_SOURCES_MAX);
    return 0;
  }
  struct trust_override *overrides = arena_calloc(input->arena, (size_t)object->count + 1, sizeof(*overrides));
  if (!overrides)
    return no_memory(err);
  uint32_t at = token + 1;
  for (uint32_t i = 0; !rc && i < object->count; i++, at = doc.tokens[at + 1].next)
    rc = read_override(input, &doc, at, &overrides[i], err);
  qsort(overrides, object->count, sizeof(*overrides), compare_overrides);
  query->overrides = overrides;
  query->override_count = object->count;
  return rc;
}
