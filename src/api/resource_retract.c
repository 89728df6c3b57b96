#include "api/resource.h"

#include "api/answer.h"
#include "api/fields.h"
#include "api/ingest.h"
#include "api/problem.h"
#include "api/undo.h"
#include "domain/dry_run.h"
#include "model/command.h"
#include "model/entry.h"
#include "model/retraction.h"

struct retract_request {
  const struct lens *lens; /* a parameter, and only of a dry run; NULL: not given */
  struct retraction_draft draft;
};

static int read_lens(const struct field_input *input, void *target, struct err *err) {
  struct retract_request *request = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  request->lens = lens_find(text);
  if (!request->lens || request->lens->events)
    field_fault(input, "must be a lens that resolves: recency, confidence, authority, consensus, skeptic or layered");
  return 0;
}

static const struct field retract_parameters[] = {{"lens", 0, read_lens}};

/* Reads and validates the request. *good is false when the response is a problem already. */
static int read_request(struct exchange *exchange, struct retract_request *request, bool *good, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct json_doc doc;
  *good = false;
  *request = (struct retract_request){.lens = NULL};
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, retract_parameters, 1, &errors, request, err);
  if (!rc)
    rc = undo_parse(exchange, &doc, good, err);
  if (rc || !*good)
    return rc;
  rc = retraction_validate(arena, &doc, 0, span_str(""), &errors, &request->draft, err);
  if (!rc && request->lens && !request->draft.dry_run)
    field_errors_add(&errors, span_str(""), "lens", "is for a dry run only");
  *good = !rc && errors.count == 0;
  if (!rc && errors.count > 0)
    problem_fields(&exchange->response, &errors);
  return rc;
}

enum http_outcome retract_handle(struct api *api, struct exchange *exchange) {
  enum http_outcome outcome = HTTP_DONE;
  struct retract_request request;
  struct err err;
  bool good = false;
  int rc = read_request(exchange, &request, &good, &err);
  if (!rc && good && request.draft.dry_run)
    return HTTP_SLOW;
  if (!rc && good)
    rc = undo_command(api, exchange, COMMAND_RETRACT, ENTRY_RETRACTION, "retract", request.draft.body, &outcome, &err);
  if (rc) {
    undo_failed(api, exchange, &err);
    return HTTP_DONE;
  }
  return outcome;
}

static void add_counts(struct buf *out, uint64_t direct, uint64_t cascaded) {
  buf_add_str(out, "\"retracted_count\":");
  buf_add_dec(out, direct);
  buf_add_str(out, ",\"cascaded_count\":");
  buf_add_dec(out, cascaded);
}

void retract_finish(struct api *api, struct exchange *exchange, const struct reply *reply) {
  struct buf *out = &exchange->response.body;
  if (!undo_answer(api, exchange, reply, "retraction_id"))
    return;
  buf_add_byte(out, ',');
  add_counts(out, reply->direct, reply->cascaded);
  buf_add_str(out, "}\n");
}

/* --- the dry run, on a streaming thread --- */

static bool is_stopping(void *context) {
  struct http_stream *stream = context;
  return stream->stopping(stream);
}

/* As the retraction itself would be. */
static void refuse_too_large(struct exchange *exchange) {
  const char *detail;
  const int status = ingest_refusal(REFUSAL_TOO_LARGE, &detail);
  problem_set(&exchange->response, status, "%s", detail);
}

static void render_dry_run(struct exchange *exchange, const struct watermark *mark, const struct lens *lens,
                           const struct dry_run_result *result, const struct buf *flips) {
  struct buf *out = &exchange->response.body;
  answer_begin(exchange, 200);
  buf_add_str(out, "{\"dry_run\":true,\"as_of\":{\"seq\":");
  buf_add_dec(out, mark->visible_seq);
  answer_timestamp(out, "timestamp", mark->visible_seq, mark->time_us);
  buf_add_str(out, "},");
  add_counts(out, result->counts.direct, result->counts.cascaded);
  buf_addf(out, ",\"lens\":\"%s\",\"topics\":", lens->name);
  buf_add_dec(out, result->topics);
  buf_add_str(out, ",\"flips\":[");
  buf_add_span(out, buf_span(flips));
  buf_addf(out, "],\"complete\":%s}\n", result->complete ? "true" : "false");
}

static int answer_dry_run(struct api *api, struct exchange *exchange, struct http_stream *stream, struct err *err) {
  struct retract_request request;
  struct dry_run_result result;
  struct watermark mark;
  struct buf flips;
  bool good;
  int rc = read_request(exchange, &request, &good, err);
  if (rc || !good)
    return rc;
  const struct dry_run_request dry = {.retraction = &request.draft.retraction,
                                      .lens = request.lens ? request.lens : lens_find(span_str("recency")),
                                      .stopping = is_stopping,
                                      .context = stream};
  segment_watermark(api->segment, &mark);
  buf_init(&flips, HTTP_ANSWER_MAX);
  rc = dry_run(&api->reader, &mark, &dry, &flips, &result, err);
  if (!rc && result.counts.covers_direct + result.counts.covers_cascaded == 0)
    rc = err_set(err, ERR_NOTFOUND, "nothing matches: no assertion would be retracted");
  if (!rc && !result.fits)
    refuse_too_large(exchange);
  else if (!rc)
    render_dry_run(exchange, &mark, dry.lens, &result, &flips);
  buf_free(&flips);
  return rc;
}

void retract_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  struct err err;
  if (answer_dry_run(api, exchange, stream, &err))
    undo_failed(api, exchange, &err);
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
