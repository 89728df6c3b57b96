#include "api/import_chunk.h"

#include <stdio.h>

/* A chunk is sent when it holds CHUNK_BYTES, so one more line may be in it. */
enum { CHUNK_MAX = CHUNK_BYTES + 2 * ENTRY_MAX_SIZE };

void chunk_open(struct import_chunk *chunk, struct http_stream *stream, const struct ingest *ingest, uint64_t tag,
                struct import_report *report) {
  *chunk = (struct import_chunk){.stream = stream, .report = report, .ingest = ingest, .tag = tag};
  buf_init(&chunk->entries, CHUNK_MAX);
  buf_init(&chunk->frame, CHUNK_MAX + 4096);
}

void chunk_close(struct import_chunk *chunk) {
  buf_free(&chunk->entries);
  buf_free(&chunk->frame);
}

/* The lines of the tally are settled: the report now speaks of them too. */
static void settle(struct import_report *report, const struct chunk_tally *tally) {
  report->rejected += tally->rejected;
  report->last_line = tally->last_line;
}

/* Notes the lines that the committer refused. */
static int take_refused(struct import_report *report, const struct reply *reply, struct err *err) {
  struct span rest = reply->items;
  for (uint32_t i = 0; i < reply->item_count; i++) {
    struct refused_item item;
    char detail[REPORT_DETAIL_MAX];
    if (reply_next_item(&rest, &item, err))
      return err_set(err, ERR_IO, "the committer sent a malformed reply");
    int len = snprintf(detail, sizeof(detail), "%.*s: %.*s", (int)item.pointer.len, (const char *)item.pointer.data,
                       (int)item.detail.len, (const char *)item.detail.data);
    report_add_error(report, item.position, span_of(detail, (size_t)len < sizeof(detail) ? (size_t)len : 0));
    report->rejected++;
  }
  return 0;
}

int chunk_collect(struct import_chunk *chunk, struct err *err) {
  struct import_report *report = chunk->report;
  struct span frame;
  struct reply reply;
  if (!chunk->in_flight)
    return 0;
  int rc = chunk->stream->receive_reply(chunk->stream, &frame, err);
  if (rc)
    return rc;
  chunk->in_flight = false;
  if (reply_parse(frame, &reply, err))
    return err_set(err, ERR_IO, "the committer sent a malformed reply");
  if (reply.type == REPLY_REFUSED) {
    chunk->refusal = reply.refusal;
    return err_set(err, ERR_CONFLICT, "the committer refused a chunk");
  }
  if (reply.type != REPLY_IMPORTED)
    return err_set(err, ERR_IO, "the committer sent a reply of type %u", reply.type);
  rc = take_refused(report, &reply, err);
  if (rc)
    return rc;
  report->accepted += reply.accepted;
  report->duplicates += reply.duplicates;
  report->last_seq = reply.last_seq > report->last_seq ? reply.last_seq : report->last_seq;
  settle(report, &chunk->sent);
  return 0;
}

int chunk_send(struct import_chunk *chunk, struct err *err) {
  const struct ingest *ingest = chunk->ingest;
  int rc = chunk_collect(chunk, err);
  if (rc)
    return rc;
  if (chunk->count == 0) {
    settle(chunk->report, &chunk->filling);
  } else {
    buf_reset(&chunk->frame);
    command_begin(&chunk->frame, COMMAND_IMPORT, chunk->tag, ingest->scope, ingest->key_hash, chunk->count);
    buf_add_span(&chunk->frame, buf_span(&chunk->entries));
    command_end(&chunk->frame, 0);
    if ((rc = buf_check(&chunk->entries, "a chunk", err)) || (rc = buf_check(&chunk->frame, "a chunk", err)))
      return rc;
    /* From the first byte on it may be committed, whatever becomes of the connection. */
    chunk->in_flight = true;
    rc = chunk->stream->send_command(chunk->stream, buf_span(&chunk->frame), err);
    if (rc)
      return rc;
    chunk->sent = chunk->filling;
  }
  buf_reset(&chunk->entries);
  chunk->count = 0;
  chunk->filling = (struct chunk_tally){.last_line = chunk->filling.last_line};
  return 0;
}
