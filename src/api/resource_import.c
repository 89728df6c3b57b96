#include "api/resource.h"

#include <sodium.h>
#include <stdlib.h>

#include "api/auth.h"
#include "api/fields.h"
#include "api/import_chunk.h"
#include "api/lines.h"
#include "api/problem.h"
#include "api/route.h"

/* A line's tokens and copies: 24 bytes for every two bytes of it, and some more. */
enum { LINE_ARENA_MAX = 16 << 20, SALTS = 256 };

/* One import. Its memory does not grow with the body. */
struct import {
  struct api *api;
  struct exchange *exchange;
  struct http_stream *stream;
  struct ingest ingest;
  struct lines lines;
  struct arena *arena; /* of one line */
  struct import_report report;
  struct import_chunk chunk;
  struct buf server;
  struct buf detail;
  size_t salts_left; /* random bytes come from the kernel for many lines at once */
  unsigned char salts[SALTS * SALT_SIZE];
};

/* How an import ended. */
enum import_end { IMPORT_COMPLETE, IMPORT_CUT_OFF, IMPORT_STOPPING, IMPORT_REFUSED, IMPORT_LOST, IMPORT_FAILED };

static const unsigned char *next_salt(struct import *import) {
  if (import->salts_left == 0) {
    randombytes_buf(import->salts, sizeof(import->salts));
    import->salts_left = SALTS;
  }
  return import->salts + --import->salts_left * SALT_SIZE;
}

/* --- one line --- */

/* Notes that the line is wrong; the detail is in import->detail. */
static void reject_line(struct import *import) {
  report_add_error(&import->report, import->lines.number, buf_span(&import->detail));
  import->chunk.filling.rejected++;
}

static void reject_line_because(struct import *import, const char *detail) {
  buf_reset(&import->detail);
  buf_add_str(&import->detail, detail);
  reject_line(import);
}

/* All that is wrong with a line, in one text: "/confidence: must be …; /x: unknown field". */
static void reject_fields(struct import *import, const struct field_errors *errors) {
  size_t shown = errors->count < FIELD_ERRORS_MAX ? errors->count : FIELD_ERRORS_MAX;
  buf_reset(&import->detail);
  for (size_t i = 0; i < shown && import->detail.len < REPORT_DETAIL_MAX; i++) {
    if (i > 0)
      buf_add_str(&import->detail, "; ");
    buf_add_span(&import->detail, errors->items[i].pointer);
    buf_add_str(&import->detail, errors->items[i].pointer.len ? ": " : "");
    buf_add_span(&import->detail, errors->items[i].detail);
  }
  reject_line(import);
}

static bool is_blank(struct span line) {
  for (size_t i = 0; i < line.len; i++)
    if (line.data[i] != ' ' && line.data[i] != '\t')
      return false;
  return true;
}

/* Adds a line to the chunk, or its faults to the report. A line never fails the import. */
static void take_line(struct import *import, struct span line) {
  struct json_doc doc;
  struct json_fault fault;
  struct field_errors errors;
  struct assertion_draft draft;
  struct err err;
  arena_reset(import->arena);
  int rc = json_parse_wrapped(import->arena, line, 1, &doc, &fault, &err);
  if (rc == ERR_INVALID) {
    buf_reset(&import->detail);
    buf_addf(&import->detail, "not strict JSON: %s at byte %zu", fault.reason, fault.offset);
    reject_line(import);
    return;
  }
  if (!rc && doc.tokens[0].type != JSON_OBJECT) {
    reject_line_because(import, "must be an object");
    return;
  }
  field_errors_init(&errors, import->arena);
  if (!rc)
    rc = assertion_validate(import->arena, &doc, 0, span_str(""), &errors, &draft, &err);
  if (rc) {
    reject_line_because(import, "needs more memory than one line may use");
    return;
  }
  if (errors.count > 0) {
    reject_fields(import, &errors);
    return;
  }
  const char *forbidden = auth_assert_fault(&import->exchange->caller, draft.predicate, draft.source);
  if (forbidden) {
    reject_line_because(import, forbidden);
    return;
  }
  ingest_put(&import->ingest, &draft, (uint32_t)import->lines.number, next_salt(import), &import->server,
             &import->chunk.entries);
  import->chunk.count++;
}

/* --- all lines --- */

static bool chunk_is_full(const struct import *import) {
  return import->chunk.filling.lines >= import->api->config->import_chunk_lines ||
         import->chunk.entries.len >= CHUNK_BYTES;
}

static enum import_end end_of_chunk_error(int rc) {
  return rc == ERR_CONFLICT ? IMPORT_REFUSED : rc == ERR_BUSY ? IMPORT_LOST : IMPORT_FAILED;
}

/* Reads and sends until the body ends or something stops it. The reply to the last chunk may still be on its way. */
static enum import_end read_lines(struct import *import, struct err *err) {
  for (;;) {
    struct span line;
    enum line_kind kind;
    if (import->stream->stopping(import->stream))
      return IMPORT_STOPPING;
    if (lines_next(&import->lines, &line, &kind, err))
      return IMPORT_CUT_OFF;
    if (kind == LINE_END)
      break;
    if (import->lines.number > UINT32_MAX) {
      err_set(err, ERR_INVALID, "more than %u lines", UINT32_MAX);
      return IMPORT_FAILED;
    }
    import->chunk.filling.lines++;
    import->chunk.filling.last_line = import->lines.number;
    if (kind == LINE_TOO_LONG)
      reject_line_because(import, "longer than 256 KiB");
    else if (!is_blank(line))
      take_line(import, line);
    if (chunk_is_full(import)) {
      int rc = chunk_send(&import->chunk, err);
      if (rc)
        return end_of_chunk_error(rc);
    }
  }
  int rc = chunk_send(&import->chunk, err);
  return rc ? end_of_chunk_error(rc) : IMPORT_COMPLETE;
}

/* Runs it to its end; nothing is in flight afterwards, unless the committer is gone. */
static enum import_end run(struct import *import, struct err *err) {
  enum import_end end = read_lines(import, err);
  if (end == IMPORT_REFUSED || end == IMPORT_LOST)
    return end;
  struct err late;
  int rc = chunk_collect(&import->chunk, &late);
  if (rc) {
    *err = late;
    end = end_of_chunk_error(rc);
  }
  return end;
}

static void answer(struct import *import, enum import_end end, const struct err *err) {
  struct exchange *exchange = import->exchange;
  struct span batch = span_of(import->ingest.batch, BATCH_SIZE);
  const char *detail;
  int status;
  switch (end) {
  case IMPORT_COMPLETE: report_answer(&import->report, batch, exchange); return;
  case IMPORT_CUT_OFF:
    status = 400;
    detail = "the body was cut off: lines up to last_line are settled, nothing after it was stored";
    break;
  case IMPORT_STOPPING:
    status = 503;
    detail = "shutting down: lines up to last_line are settled, nothing after it was stored";
    break;
  case IMPORT_REFUSED: status = ingest_refusal(import->chunk.refusal, &detail); break;
  case IMPORT_LOST:
    status = 503;
    detail = import->chunk.in_flight ? "outcome unknown: lines after last_line may be stored; send them again with the "
                                       "same Idempotency-Key"
                                     : "recovering: lines up to last_line are settled, nothing after it was stored";
    break;
  case IMPORT_FAILED:
  default:
    problem_err(import->api, &exchange->response, err);
    status = exchange->response.status;
    detail = status == 500 ? "an error inside the node; its log says more" : err->text;
    break;
  }
  report_problem(&import->report, batch, exchange, status, detail);
}

static int open_import(struct import *import, struct err *err) {
  struct exchange *exchange = import->exchange;
  struct watermark mark;
  int rc = ingest_begin(exchange, "import", true, &import->ingest, err);
  if (!rc)
    rc = lines_open(&import->lines, import->stream, err);
  if (rc)
    return rc;
  import->arena = arena_create(LINE_ARENA_MAX);
  if (!import->arena)
    return err_set(err, ERR_NOMEM, "no memory for lines");
  segment_watermark(import->api->segment, &mark);
  import->report.last_seq = mark.visible_seq;
  return 0;
}

/* Reads the whole body, and leaves the answer in the exchange. */
static void import_body(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  struct err err;
  struct import *import = calloc(1, sizeof(*import));
  if (!import) {
    api_unavailable(exchange, "no memory");
    return;
  }
  import->api = api;
  import->exchange = exchange;
  import->stream = stream;
  chunk_open(&import->chunk, stream, &import->ingest, exchange->tag, &import->report);
  buf_init(&import->server, ENTRY_MAX_SIZE);
  buf_init(&import->detail, 256 << 10);
  if (open_import(import, &err)) {
    problem_err(api, &exchange->response, &err);
  } else {
    enum import_end end = run(import, &err);
    answer(import, end, &err);
  }
  chunk_close(&import->chunk);
  buf_free(&import->server);
  buf_free(&import->detail);
  lines_close(&import->lines);
  arena_free(import->arena);
  free(import);
}

/* What can be refused before the body is read. */
static bool admit(struct api *api, struct exchange *exchange) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct err err;
  const char *detail;
  field_errors_init(&errors, arena);
  if (!api->ready) {
    api_unavailable(exchange, "recovering");
    return false;
  }
  if (segment_disk_full(api->segment)) {
    int status = ingest_refusal(REFUSAL_DISK_FULL, &detail);
    problem_set(&exchange->response, status, "%s", detail);
    return false;
  }
  if (fields_read_query(arena, exchange->request.query_string, NULL, 0, &errors, NULL, &err)) {
    problem_err(api, &exchange->response, &err);
    return false;
  }
  if (errors.count > 0)
    problem_fields(&exchange->response, &errors);
  return errors.count == 0;
}

void import_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  struct err err;
  if (admit(api, exchange))
    import_body(api, exchange, stream);
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
