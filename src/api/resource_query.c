#include "api/resource.h"

#include <stdio.h>

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "base/clock.h"
#include "domain/query.h"
#include "model/name.h"

/* --- the fields: one reader each, for POST and GET alike --- */

/* Reads a string and checks it by one of model/name.h's rules. */
static int read_name(const struct field_input *input, const char *(*fault_of)(struct span), struct span *out,
                     struct err *err) {
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const char *fault = fault_of(text);
  if (fault)
    field_fault(input, "%s", fault);
  else
    *out = text;
  return 0;
}

static int read_concept_path(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return read_name(input, name_path_fault, &query->concept_path, err);
}

static int read_predicate(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return read_name(input, name_predicate_fault, &query->predicate, err);
}

/* null, or an empty text: only what nobody named a source for. */
static int read_source(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  query->has_source = true;
  query->source = span_str("");
  if (input->doc ? input->doc->tokens[input->token].type == JSON_NULL : input->text.len == 0)
    return 0;
  return read_name(input, name_path_fault, &query->source, err);
}

static int read_match(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  query->subtree = span_equal(text, span_str("subtree"));
  if (!query->subtree && !span_equal(text, span_str("exact")))
    field_fault(input, "must be \"exact\" or \"subtree\"");
  return 0;
}

/* The names of all lenses, for people. */
static void list_lenses(char *out, size_t size) {
  size_t count;
  const struct lens *lenses = lens_table(&count);
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; i < count && len < size; i++)
    if (lenses[i].available)
      len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", lenses[i].name);
}

static int read_lens(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  struct span text;
  bool good;
  char names[160];
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const struct lens *lens = lens_find(text);
  list_lenses(names, sizeof(names));
  if (!lens)
    field_fault(input, "must be one of %s", names);
  else if (!lens->available)
    field_fault(input, "%s is not available yet; there are %s", lens->name, names);
  else
    query->lens = lens;
  return 0;
}

static int read_as_of(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_moment(input, &query->as_of, &good, err);
}

static int read_min_confidence(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_number(input, 0, 1, &query->min_confidence, &good, err);
}

static int read_limit(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  uint64_t limit = 0;
  bool good;
  int rc = field_integer(input, 1, QUERY_LIMIT_MAX, &limit, &good, err);
  query->limit = (uint32_t)limit;
  return rc;
}

static int read_cursor(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_string(input, &query->cursor, &good, err);
}

static const struct field query_fields[] = {
    {"concept_path", FIELD_REQUIRED, read_concept_path},
    {"match", 0, read_match},
    {"predicate", 0, read_predicate},
    {"source", 0, read_source},
    {"lens", 0, read_lens},
    {"as_of", 0, read_as_of},
    {"valid_at", FIELD_LATER, NULL},
    {"decay", FIELD_LATER, NULL},
    {"min_confidence", 0, read_min_confidence},
    {"include_retracted", FIELD_LATER, NULL},
    {"exclude_sources", FIELD_LATER, NULL},
    {"trust_override", FIELD_LATER, NULL},
    {"aliases", FIELD_LATER, NULL},
    {"explain", FIELD_LATER, NULL},
    {"limit", 0, read_limit},
    {"cursor", 0, read_cursor},
};

enum { QUERY_FIELD_COUNT = sizeof(query_fields) / sizeof(query_fields[0]) };

/* --- the call --- */

/* Runs a query whose fields were read, unless something is wrong with them. */
static int run(struct api *api, struct exchange *exchange, const struct query *query, struct field_errors *errors,
               struct err *err) {
  struct watermark mark;
  char labels[64];
  uint64_t started = clock_monotonic();
  if (errors->count == 0) {
    segment_watermark(api->segment, &mark);
    answer_begin(exchange, 200);
    int rc = query_run(&api->reader, &mark, api->settings, query, exchange->request.arena, errors,
                       &exchange->response.body, err);
    if (rc)
      return rc;
  }
  if (errors->count > 0) {
    problem_fields(&exchange->response, errors);
    return 0;
  }
  buf_add_byte(&exchange->response.body, '\n');
  snprintf(labels, sizeof(labels), "lens=\"%s\"", query->lens->name);
  metric_add(metrics_cell(api->metrics, METRIC_QUERIES_TOTAL, labels), 1);
  metric_observe(metrics_cell(api->metrics, METRIC_QUERY_LATENCY, labels), clock_monotonic() - started);
  return 0;
}

static void answer_failed(struct api *api, struct exchange *exchange, const struct err *err) {
  if (err->code == ERR_NOMEM)
    problem_set(&exchange->response, 422, "too much for one answer: %s; narrow the query", err->text);
  else
    problem_err(api, &exchange->response, err);
}

static void query_defaults(struct query *query) {
  *query = (struct query){.lens = lens_find(span_str("recency")), .limit = QUERY_LIMIT_DEFAULT};
}

enum http_outcome query_post_handle(struct api *api, struct exchange *exchange) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct json_doc doc;
  struct json_fault fault;
  struct query query;
  struct err err;
  query_defaults(&query);
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, NULL, 0, &errors, NULL, &err);
  if (!rc) {
    rc = json_parse(arena, exchange->request.body, &doc, &fault, &err);
    if (rc == ERR_INVALID) {
      problem_json(&exchange->response, &fault);
      return HTTP_DONE;
    }
  }
  if (!rc && doc.tokens[0].type != JSON_OBJECT) {
    problem_set(&exchange->response, 400, "the body must be an object");
    return HTTP_DONE;
  }
  if (!rc)
    rc = fields_read_object(arena, &doc, query_fields, QUERY_FIELD_COUNT, &errors, &query, &err);
  if (!rc)
    rc = run(api, exchange, &query, &errors, &err);
  if (rc)
    answer_failed(api, exchange, &err);
  return HTTP_DONE;
}

enum http_outcome query_get_handle(struct api *api, struct exchange *exchange) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct query query;
  struct err err;
  query_defaults(&query);
  field_errors_init(&errors, arena);
  int rc =
      fields_read_query(arena, exchange->request.query_string, query_fields, QUERY_FIELD_COUNT, &errors, &query, &err);
  if (!rc)
    rc = run(api, exchange, &query, &errors, &err);
  if (rc)
    answer_failed(api, exchange, &err);
  return HTTP_DONE;
}
