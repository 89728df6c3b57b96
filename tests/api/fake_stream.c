#include "tests/api/fake_stream.h"

#include <stdlib.h>

static int fake_read(struct http_stream *stream, void *data, size_t size, size_t *got, struct err *err) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  size_t n = fake->piece && fake->piece < size ? fake->piece : size;
  fake->reads++;
  n = n < fake->body.len ? n : fake->body.len;
  if (n == 0 && fake->cut)
    return err_set(err, ERR_IO, "the client is gone");
  if (n)
    memcpy(data, fake->body.data, n);
  fake->body = span_of(fake->body.data + n, fake->body.len - n);
  *got = n;
  return 0;
}

static int fake_begin(struct http_stream *stream, const struct http_response *response, struct err *err) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  fake->begins++;
  fake->begun = *response;
  buf_add_span(&fake->headers, buf_span(&response->headers));
  return fake->gone ? err_set(err, ERR_IO, "the client is gone") : 0;
}

static int fake_write(struct http_stream *stream, const void *data, size_t size, struct err *err) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  if (fake->gone || fake->begins != 1)
    return err_set(err, ERR_IO, "the client is gone");
  buf_add(&fake->out, data, size);
  return 0;
}

static int fake_send(struct http_stream *stream, struct span frame, struct err *err) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  struct command command;
  size_t size;
  fake->frames++;
  size_t in_flight = fake->frames - fake->answered;
  fake->most_in_flight = in_flight > fake->most_in_flight ? in_flight : fake->most_in_flight;
  fake->largest_frame = frame.len > fake->largest_frame ? frame.len : fake->largest_frame;
  if (fake->frames == fake->lose_send)
    return err_set(err, ERR_BUSY, "the committer is gone");
  if (command_frame_size(frame, &size, err) || size != frame.len || command_parse(frame, &command, err))
    abort();
  buf_reset(&fake->frame);
  buf_add_span(&fake->frame, frame);
  return 0;
}

/* Executes the frame that was sent last. */
static void execute(struct fake_stream *fake) {
  static const struct span pointer = {(const unsigned char *)"/derived_from/0", 15};
  struct refused_item items[2048];
  struct command command;
  struct command_entry entry = {0};
  struct err err;
  uint32_t refused = 0;
  if (command_parse(buf_span(&fake->frame), &command, &err))
    abort();
  for (uint32_t i = 0; i < command.count; i++) {
    if (command_next_entry(&command.entries, &entry, &err))
      abort();
    if (entry.derived_count > 0 && (!fake->derived || memcmp(entry.derived, fake->derived, ID_SIZE) != 0))
      items[refused++] = (struct refused_item){entry.position, pointer, span_str("no such assertion")};
    else
      fake->last_seq++;
  }
  if (command.entries.len > 0)
    abort();
  if (fake->frames <= FAKE_FRAMES_MAX) {
    fake->counts[fake->frames - 1] = command.count;
    fake->last_lines[fake->frames - 1] = entry.position;
  }
  buf_reset(&fake->reply);
  reply_put_imported(&fake->reply, command.tag, fake->last_seq, command.count - refused, 0, items, refused);
}

static int fake_receive(struct http_stream *stream, struct span *frame, struct err *err) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  fake->answered++;
  if (fake->answered == fake->lose_reply)
    return err_set(err, ERR_BUSY, "the committer is gone");
  if (fake->answered == fake->refuse_chunk) {
    buf_reset(&fake->reply);
    reply_put_refused(&fake->reply, 42, fake->refusal, NULL, 0);
  } else if (fake->execute) {
    fake->execute(fake->context, buf_span(&fake->frame), &fake->reply);
  } else {
    execute(fake);
  }
  *frame = buf_span(&fake->reply);
  return 0;
}

static bool fake_stopping(struct http_stream *stream) {
  struct fake_stream *fake = (struct fake_stream *)stream;
  return fake->stop_at_read > 0 && fake->reads + 1 >= fake->stop_at_read;
}

void fake_open(struct fake_stream *fake, struct span body, uint64_t last_seq) {
  *fake = (struct fake_stream){.body = body, .last_seq = last_seq};
  fake->face = (struct http_stream){.read = fake_read,
                                    .begin = fake_begin,
                                    .write = fake_write,
                                    .send_command = fake_send,
                                    .receive_reply = fake_receive,
                                    .stopping = fake_stopping};
  buf_init(&fake->frame, COMMAND_MAX_SIZE);
  buf_init(&fake->reply, COMMAND_MAX_SIZE);
  buf_init(&fake->out, 256 << 20);
  buf_init(&fake->headers, 1 << 16);
}

void fake_close(struct fake_stream *fake) {
  buf_free(&fake->frame);
  buf_free(&fake->reply);
  buf_free(&fake->out);
  buf_free(&fake->headers);
}

int fake_run(struct fake_stream *fake, struct call *call) {
  if (!api_route(&call->api, &call->exchange) || !call->exchange.route->stream)
    return -1;
  call->exchange.route->stream(&call->api, &call->exchange, &fake->face);
  call_parse(call, buf_span(&fake->out));
  return fake->begun.status;
}
