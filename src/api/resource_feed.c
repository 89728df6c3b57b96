#include "api/resource.h"

#include "api/answer.h"
#include "api/entry_walk.h"
#include "api/fields.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/log.h"
#include "domain/render.h"
#include "model/timeline.h"

/* A page ends when it is this large, a stream is written in pieces of this size. */
enum { FEED_LIMIT_DEFAULT = 100, FEED_LIMIT_MAX = 1000, FEED_PAGE_BYTES = 4 << 20, FEED_PIECE_BYTES = 64 << 10 };

struct feed_request {
  uint64_t after_seq, limit; /* limit 0: not given */
  bool has_history;
  unsigned char history_id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
};

static int read_after_seq(const struct field_input *input, void *target, struct err *err) {
  struct feed_request *request = target;
  bool good;
  return field_integer(input, 0, UINT64_MAX - 1, &request->after_seq, &good, err);
}

static int read_page_limit(const struct field_input *input, void *target, struct err *err) {
  struct feed_request *request = target;
  bool good;
  return field_integer(input, 1, FEED_LIMIT_MAX, &request->limit, &good, err);
}

static int read_stream_limit(const struct field_input *input, void *target, struct err *err) {
  struct feed_request *request = target;
  bool good;
  return field_integer(input, 1, UINT64_MAX, &request->limit, &good, err);
}

static int read_history(const struct field_input *input, void *target, struct err *err) {
  struct feed_request *request = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  request->has_history = history_name_parse(text, request->history_id, &request->timeline, &request->branch);
  if (!request->has_history)
    field_fault(input, "must be a history as health and queries name it: HISTORY_ID.TIMELINE-BRANCH");
  return 0;
}

static const struct field page_fields[] = {
    {"after_seq", 0, read_after_seq}, {"limit", 0, read_page_limit}, {"history", 0, read_history}};
static const struct field stream_fields[] = {
    {"after_seq", 0, read_after_seq}, {"limit", 0, read_stream_limit}, {"history", 0, read_history}};

enum { FEED_FIELD_COUNT = 3 };

/* The last seq that the named branch shares with the one in force; 0 if it is not known here. */
static int find_branch_point(struct store *store, const struct feed_request *request, uint64_t *seq, struct err *err) {
  struct history_meta meta = {0};
  int rc = history_meta_read(store, &meta, err);
  if (rc)
    return rc;
  *seq = 0;
  for (uint32_t i = 0; i < meta.count; i++) {
    if (meta.timelines[i].number != request->timeline || meta.timelines[i].branch != request->branch)
      continue;
    /* Each later branch kept only what the one before it had up to its own beginning. */
    uint64_t shared = UINT64_MAX;
    for (uint32_t k = i + 1; k < meta.count; k++)
      shared = meta.timelines[k].branched_at_seq < shared ? meta.timelines[k].branched_at_seq : shared;
    *seq = shared == UINT64_MAX ? 0 : shared;
  }
  history_meta_free(&meta);
  return 0;
}

/* 409 if the consumer follows another history, or a branch that was abandoned. */
static int check_history(struct api *api, struct exchange *exchange, const struct feed_request *request,
                         const struct watermark *mark, bool *good, struct err *err) {
  struct http_response *response = &exchange->response;
  bool same = memcmp(request->history_id, mark->history_id, HISTORY_ID_SIZE) == 0;
  uint64_t seq = 0;
  *good = !request->has_history || (same && request->timeline == mark->timeline && request->branch == mark->branch);
  if (*good)
    return 0;
  int rc = same ? find_branch_point(api->reader.store, request, &seq, err) : 0;
  if (rc)
    return rc;
  if (!same)
    problem_begin(response, 409, "this is another history");
  else if (seq > 0)
    problem_begin(response, 409, "this branch was abandoned: only entries up to %llu are still in the history",
                  (unsigned long long)seq);
  else
    problem_begin(response, 409, "this branch is not known here: nothing of it is sure to be in the history");
  buf_addf(&response->body, ",\"branched_at_seq\":%llu", (unsigned long long)seq);
  answer_history(&response->body, mark);
  problem_end(response);
  return 0;
}

/* Reads the request. *good is false when the response is a problem already. */
static int read_request(struct api *api, struct exchange *exchange, const struct field *fields,
                        struct feed_request *request, struct watermark *mark, bool *good, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  *good = false;
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, fields, FEED_FIELD_COUNT, &errors, request, err);
  if (rc)
    return rc;
  segment_watermark(api->segment, mark);
  if (errors.count > 0) {
    problem_fields(&exchange->response, &errors);
    return 0;
  }
  return check_history(api, exchange, request, mark, good, err);
}

/* The last seq that the request asks for and may see. */
static uint64_t last_wanted(const struct feed_request *request, const struct watermark *mark) {
  uint64_t last = mark->visible_seq;
  if (request->limit > 0 && request->after_seq < last && last - request->after_seq > request->limit)
    last = request->after_seq + request->limit;
  return last;
}

/* --- pages --- */

static int render_page(struct api *api, struct exchange *exchange, const struct feed_request *request,
                       const struct watermark *mark, struct err *err) {
  struct buf *out = &exchange->response.body;
  uint64_t next = request->after_seq;
  struct entry_walk walk;
  struct entry entry;
  bool found;
  int rc = 0;
  answer_begin(exchange, 200);
  buf_add_str(out, "{\"entries\":[");
  entry_walk_open(&walk, api->reader.store, request->after_seq + 1, last_wanted(request, mark));
  while (out->len < FEED_PAGE_BYTES && !(rc = entry_walk_next(&walk, &entry, &found, err)) && found) {
    if (next > request->after_seq)
      buf_add_byte(out, ',');
    if ((rc = render_feed_entry(out, &entry, err)))
      break;
    next = entry.seq;
  }
  entry_walk_close(&walk);
  buf_addf(out, "],\"next_after_seq\":%llu,\"last_seq\":%llu", (unsigned long long)next,
           (unsigned long long)mark->visible_seq);
  answer_history(out, mark);
  buf_add_str(out, "}\n");
  return rc;
}

enum http_outcome feed_handle(struct api *api, struct exchange *exchange) {
  struct feed_request request = {0};
  struct watermark mark;
  struct err err;
  bool good;
  int rc = read_request(api, exchange, page_fields, &request, &mark, &good, &err);
  if (request.limit == 0)
    request.limit = FEED_LIMIT_DEFAULT;
  if (!rc && good)
    rc = render_page(api, exchange, &request, &mark, &err);
  if (rc)
    problem_err(api, &exchange->response, &err);
  return HTTP_DONE;
}

/* --- the stream --- */

/* Writes the entries, a line each, in pieces. ERR_BUSY: the process stops. */
static int write_entries(struct api *api, struct http_stream *stream, uint64_t first, uint64_t last, struct err *err) {
  struct entry_walk walk;
  struct entry entry;
  struct buf piece;
  bool found = true;
  int rc = 0;
  buf_init(&piece, FEED_PIECE_BYTES + 2 * ENTRY_MAX_SIZE);
  entry_walk_open(&walk, api->reader.store, first, last);
  while (!rc && found) {
    rc = entry_walk_next(&walk, &entry, &found, err);
    if (!rc && found) {
      rc = render_feed_entry(&piece, &entry, err);
      buf_add_byte(&piece, '\n');
    }
    if (rc || (found && piece.len < FEED_PIECE_BYTES))
      continue;
    rc = buf_check(&piece, "a piece of the feed", err);
    if (!rc && piece.len > 0)
      rc = stream->write(stream, piece.data, piece.len, err);
    if (!rc && found && stream->stopping(stream))
      rc = err_set(err, ERR_BUSY, "shutting down");
    buf_reset(&piece);
  }
  entry_walk_close(&walk);
  buf_free(&piece);
  return rc;
}

/* Begins the answer and writes what was asked for. */
static void stream_entries(struct api *api, struct exchange *exchange, struct http_stream *stream,
                           const struct feed_request *request, const struct watermark *mark) {
  struct http_response *response = &exchange->response;
  char history[HISTORY_NAME_SIZE];
  struct err err;
  answer_begin(exchange, 200);
  response->content_type = "application/x-ndjson";
  history_name(history, mark->history_id, mark->timeline, mark->branch);
  uint64_t last = last_wanted(request, mark);
  buf_addf(&response->headers, "Stemedb-History: %s\r\nStemedb-Last-Seq: %llu\r\n", history, (unsigned long long)last);
  int rc = stream->begin(stream, response, &err);
  if (!rc && exchange->request.method != HTTP_HEAD)
    rc = write_entries(api, stream, request->after_seq + 1, last, &err);
  if (!rc)
    return;
  stream->broken = true;
  if (err.code == ERR_CORRUPT)
    log_error(api->log, "feed: %s", err.text);
}

void feed_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  struct feed_request request = {0};
  struct watermark mark;
  struct err err;
  bool good;
  if (!api->ready) {
    api_unavailable(exchange, "recovering");
  } else {
    int rc = read_request(api, exchange, stream_fields, &request, &mark, &good, &err);
    if (!rc && good) {
      stream_entries(api, exchange, stream, &request, &mark);
      return;
    }
    if (rc)
      problem_err(api, &exchange->response, &err);
  }
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
