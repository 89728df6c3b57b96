#include "api/resource.h"

#include <stdio.h>

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "api/query_fields.h"
#include "base/clock.h"

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

enum http_outcome query_post_handle(struct api *api, struct exchange *exchange) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct json_doc doc;
  struct json_fault fault;
  struct query query;
  struct err err;
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
    rc = query_fields_read_object(arena, &doc, &errors, &query, &err);
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
  field_errors_init(&errors, arena);
  int rc = query_fields_read_parameters(arena, exchange->request.query_string, &errors, &query, &err);
  if (!rc)
    rc = run(api, exchange, &query, &errors, &err);
  if (rc)
    answer_failed(api, exchange, &err);
  return HTTP_DONE;
}
