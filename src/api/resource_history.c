#include "api/resource.h"

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "projection/snapshot.h"

struct history_request {
  bool has_seq;
  uint64_t seq;
};

static int read_seq(const struct field_input *input, void *target, struct err *err) {
  struct history_request *request = target;
  return field_integer(input, 0, UINT64_MAX, &request->seq, &request->has_seq, err);
}

static const struct field history_fields[] = {{"seq", 0, read_seq}};

/* Moves the mark, which is of the newest entry, down to `seq`: its time, count and root. */
static int mark_move(const struct reader *reader, struct watermark *mark, uint64_t seq, struct err *err) {
  struct entry entry;
  struct buf record;
  bool found = true;
  int rc = merkle_root_at(reader, seq, mark->root, &mark->assertion_count, err);
  mark->visible_seq = seq;
  mark->time_us = 0;
  if (rc || seq == 0)
    return rc;
  buf_init(&record, ENTRY_MAX_SIZE + ENTRY_OVERHEAD);
  rc = history_get(reader->store, seq, &record, &entry, &found, err);
  if (!rc && !found)
    rc = err_set(err, ERR_CORRUPT, "entry %llu is missing in the history", (unsigned long long)seq);
  if (!rc)
    mark->time_us = entry.time_us;
  buf_free(&record);
  return rc;
}

static void render(struct exchange *exchange, const struct watermark *mark) {
  struct buf *out = &exchange->response.body;
  answer_begin(exchange, 200);
  buf_addf(out, "{\"seq\":%llu", (unsigned long long)mark->visible_seq);
  answer_timestamp(out, "timestamp", mark->visible_seq, mark->time_us);
  buf_addf(out, ",\"assertion_count\":%llu,\"history_root\":\"", (unsigned long long)mark->assertion_count);
  buf_add_hex(out, mark->root, sizeof(mark->root));
  buf_add_byte(out, '"');
  answer_history(out, mark);
  buf_add_str(out, "}\n");
}

enum http_outcome history_handle(struct api *api, struct exchange *exchange) {
  struct http_response *response = &exchange->response;
  struct arena *arena = exchange->request.arena;
  struct history_request request = {0};
  struct field_errors errors;
  struct watermark mark;
  struct err err;
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, history_fields, 1, &errors, &request, &err);
  segment_watermark(api->segment, &mark);
  if (!rc && request.has_seq && request.seq > mark.visible_seq)
    field_errors_add(&errors, span_str(""), "seq", "above the newest entry, %llu",
                     (unsigned long long)mark.visible_seq);
  if (!rc && errors.count > 0) {
    problem_fields(response, &errors);
    return HTTP_DONE;
  }
  if (!rc && request.has_seq && request.seq < mark.visible_seq)
    rc = mark_move(&api->reader, &mark, request.seq, &err);
  if (rc)
    problem_err(api, response, &err);
  else
    render(exchange, &mark);
  return HTTP_DONE;
}
