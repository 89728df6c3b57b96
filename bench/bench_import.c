/* How long a line of an import takes in a worker: read, parsed, validated, canonicalised, hashed, framed; everything
 * but sockets and committer.
 * In processor time, so that what else runs on the machine matters little.
 *   bench_import FILE.ndjson.gz [ROUNDS] */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/route.h"

struct source {
  struct http_stream face; /* first */
  struct span body;
  uint64_t frames, frame_bytes;
  struct buf reply;
  uint32_t count;
};

static int read_body(struct http_stream *stream, void *data, size_t size, size_t *got, struct err *err) {
  struct source *source = (struct source *)stream;
  (void)err;
  *got = size < source->body.len ? size : source->body.len;
  memcpy(data, source->body.data, *got);
  source->body = span_of(source->body.data + *got, source->body.len - *got);
  return 0;
}

static int begin(struct http_stream *stream, const struct http_response *response, struct err *err) {
  (void)stream, (void)response, (void)err;
  return 0;
}

static int write_answer(struct http_stream *stream, const void *data, size_t size, struct err *err) {
  (void)stream, (void)data, (void)size, (void)err;
  return 0;
}

static int send_command(struct http_stream *stream, struct span frame, struct err *err) {
  struct source *source = (struct source *)stream;
  struct command command;
  int rc = command_parse(frame, &command, err);
  source->count = command.count;
  source->frames++;
  source->frame_bytes += frame.len;
  return rc;
}

static int receive_reply(struct http_stream *stream, struct span *frame, struct err *err) {
  struct source *source = (struct source *)stream;
  (void)err;
  buf_reset(&source->reply);
  reply_put_imported(&source->reply, 1, 1, source->count, 0, NULL, 0);
  *frame = buf_span(&source->reply);
  return 0;
}

static bool stopping(struct http_stream *stream) {
  (void)stream;
  return false;
}

static bool load(const char *path, struct buf *out) {
  char command[4096];
  size_t got;
  unsigned char *at;
  snprintf(command, sizeof(command), "gzip -dc -- '%s'", path);
  FILE *in = popen(command, "r");
  buf_init(out, (size_t)4 << 30);
  while (in && (at = buf_extend(out, 1 << 16)) != NULL) {
    got = fread(at, 1, 1 << 16, in);
    out->len -= (1 << 16) - got;
    if (got == 0)
      break;
  }
  return in && pclose(in) == 0 && !out->failed;
}

static uint64_t count_lines(struct span text) {
  uint64_t lines = 0;
  for (size_t i = 0; i < text.len; i++)
    lines += text.data[i] == '\n';
  return lines;
}

static double cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void run(struct api *api, struct arena *arena, struct span body) {
  struct source source = {.body = body};
  struct exchange exchange;
  source.face = (struct http_stream){.read = read_body,
                                     .begin = begin,
                                     .write = write_answer,
                                     .send_command = send_command,
                                     .receive_reply = receive_reply,
                                     .stopping = stopping};
  buf_init(&source.reply, 4096);
  arena_reset(arena);
  exchange_init(&exchange, arena);
  exchange.request.method = HTTP_POST;
  exchange.request.path = span_str("/v1/import");
  exchange.request.content_type = span_str("application/x-ndjson");
  uint64_t lines = count_lines(body);
  double started = cpu_us();
  if (!api_route(api, &exchange))
    abort();
  exchange.route->stream(api, &exchange, &source.face);
  double us = cpu_us() - started;
  printf("%.3f us a line, %.0f lines/s, %llu lines in %llu frames of %.0f bytes a line; %.*s", us / (double)lines,
         1e6 * (double)lines / us, (unsigned long long)lines, (unsigned long long)source.frames,
         (double)source.frame_bytes / (double)lines, (int)exchange.response.body.len,
         (const char *)exchange.response.body.data);
  buf_free(&source.reply);
  exchange_free(&exchange);
}

int main(int argc, char **argv) {
  struct config config;
  struct segment *segment = NULL;
  struct err err;
  struct buf body;
  int fd;
  if (argc < 2 || sodium_init() < 0)
    return 2;
  if (!load(argv[1], &body) || config_defaults(&config, "/", &err) || segment_create(&segment, &fd, &err))
    return 1;
  struct api api = {.config = &config, .segment = segment, .metrics = segment_metrics(segment), .ready = true};
  struct arena *arena = arena_create(64 << 20);
  for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 3); i++)
    run(&api, arena, buf_span(&body));
  arena_free(arena);
  segment_close(segment);
  buf_free(&body);
  return 0;
}
