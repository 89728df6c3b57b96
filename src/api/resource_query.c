#include "api/resource.h"

#include <stdio.h>

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "api/query_fields.h"
#include "base/clock.h"
#include "base/fault.h"

/* So many assertions are read on the event loop (some ms), and so many on a streaming thread (some s). */
enum { ROWS_MAX_LOOP = 10000, ROWS_MAX_STREAM = 20000000 };

/* One try at answering. */
struct attempt {
  struct settings_cache *settings; /* the thread's; may be NULL */
  uint64_t rows_max;
  bool slow; /* set: it failed for want of more */
};

static void count_query(struct api *api, const struct query *query, uint64_t started) {
  char labels[64];
  snprintf(labels, sizeof(labels), "lens=\"%s\"", query->lens->name);
  metric_add(metrics_cell(api->metrics, METRIC_QUERIES_TOTAL, labels), 1);
  metric_observe(metrics_cell(api->metrics, METRIC_QUERY_LATENCY, labels), clock_monotonic() - started);
}

/* Runs a query whose fields were read, unless something is wrong with them. */
static int run(struct api *api, struct exchange *exchange, struct attempt *attempt, struct query *query,
               struct field_errors *errors, struct err *err) {
  struct watermark mark;
  uint64_t started = clock_monotonic();
  query->rows_max = attempt->rows_max;
  if (errors->count == 0) {
    segment_watermark(api->segment, &mark);
    answer_begin(exchange, 200);
    int rc = query_run(&api->reader, &mark, attempt->settings, query, exchange->request.arena, errors,
                       &exchange->response.body, err);
    attempt->slow = rc == ERR_NOMEM;
    if (rc)
      return rc;
  }
  if (errors->count > 0) {
    problem_fields(&exchange->response, errors);
    return 0;
  }
  buf_add_byte(&exchange->response.body, '\n');
  count_query(api, query, started);
  return 0;
}

static void answer_failed(struct api *api, struct exchange *exchange, const struct err *err) {
  if (err->code == ERR_NOMEM)
    problem_set(&exchange->response, 422, "too much for one answer: %s; narrow the query", err->text);
  else
    problem_err(api, &exchange->response, err);
}

static void answer_post(struct api *api, struct exchange *exchange, struct attempt *attempt) {
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
      return;
    }
  }
  if (!rc && doc.tokens[0].type != JSON_OBJECT) {
    problem_set(&exchange->response, 400, "the body must be an object");
    return;
  }
  if (!rc)
    rc = query_fields_read_object(arena, &doc, &errors, &query, &err);
  if (!rc)
    rc = run(api, exchange, attempt, &query, &errors, &err);
  if (rc)
    answer_failed(api, exchange, &err);
}

static void answer_get(struct api *api, struct exchange *exchange, struct attempt *attempt) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct query query;
  struct err err;
  field_errors_init(&errors, arena);
  int rc = query_fields_read_parameters(arena, exchange->request.query_string, &errors, &query, &err);
  if (!rc)
    rc = run(api, exchange, attempt, &query, &errors, &err);
  if (rc)
    answer_failed(api, exchange, &err);
}

static void answer(struct api *api, struct exchange *exchange, struct attempt *attempt) {
  if (exchange->request.method == HTTP_POST)
    answer_post(api, exchange, attempt);
  else
    answer_get(api, exchange, attempt);
}

enum http_outcome query_handle(struct api *api, struct exchange *exchange) {
  struct attempt attempt = {.settings = api->settings, .rows_max = ROWS_MAX_LOOP};
  answer(api, exchange, &attempt);
  if (!attempt.slow)
    return HTTP_DONE;
  buf_reset(&exchange->response.headers);
  buf_reset(&exchange->response.body);
  return HTTP_SLOW;
}

void query_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  /* A test has no patience for so many. */
  struct attempt attempt = {.rows_max = FAULT_FAILS("api.query.rows") ? ROWS_MAX_LOOP : ROWS_MAX_STREAM};
  struct err err;
  answer(api, exchange, &attempt);
  if (exchange->response.body.failed)
    problem_set(&exchange->response, 422, "the answer would be larger than %d bytes: ask for less", HTTP_ANSWER_MAX);
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
