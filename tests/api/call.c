#include "tests/api/call.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>

void call_open(struct call *call) {
  struct err err;
  *call = (struct call){.segment_fd = -1};
  if (segment_create(&call->segment, &call->segment_fd, &err) || config_defaults(&call->config, "/", &err))
    abort();
  log_open(&call->log, open("/dev/null", O_WRONLY | O_CLOEXEC), "test");
  call->api = (struct api){
      .config = &call->config, .log = &call->log, .segment = call->segment, .metrics = segment_metrics(call->segment)};
  call->arena = arena_create(64 << 20);
  exchange_init(&call->exchange, call->arena);
}

void call_close(struct call *call) {
  json_object_put(call->answer);
  exchange_free(&call->exchange);
  arena_free(call->arena);
  segment_close(call->segment);
  close(call->segment_fd);
  close(call->log.fd);
}

struct http_request *call_begin(struct call *call, enum http_method method, const char *target) {
  json_object_put(call->answer);
  call->answer = NULL;
  exchange_free(&call->exchange);
  arena_reset(call->arena);
  exchange_init(&call->exchange, call->arena);
  struct http_request *request = &call->exchange.request;
  size_t path_len = strcspn(target, "?");
  request->method = method;
  request->path = span_of(target, path_len);
  if (target[path_len] == '?')
    request->query_string = span_str(target + path_len + 1);
  call->exchange.tag = 42;
  return request;
}

void call_parse(struct call *call, struct span text) {
  json_object_put(call->answer);
  char *copy = arena_str(call->arena, text);
  call->answer = copy && text.len > 0 ? json_tokener_parse(copy) : NULL;
}

enum http_outcome call_run(struct call *call) {
  enum http_outcome outcome = HTTP_DONE;
  if (api_route(&call->api, &call->exchange))
    outcome = api_dispatch(&call->api, &call->exchange);
  if (outcome == HTTP_DONE)
    call_parse(call, buf_span(&call->exchange.response.body));
  return outcome;
}

void call_reply(struct call *call, struct span frame) {
  struct reply reply;
  struct err err;
  if (reply_parse(frame, &reply, &err))
    abort();
  api_finish(&call->api, &call->exchange, &reply);
  call_parse(call, buf_span(&call->exchange.response.body));
}

int call_make(struct call *call, enum http_method method, const char *target, const char *body) {
  struct http_request *request = call_begin(call, method, target);
  if (body) {
    request->body = span_str(body);
    request->content_type = span_str("application/json");
  }
  return call_run(call) == HTTP_DONE ? call->exchange.response.status : 0;
}

void call_publish(struct call *call, uint64_t seq) {
  struct watermark mark = {
      .visible_seq = seq, .time_us = seq ? 1764021795123456 : 0, .assertion_count = seq, .timeline = 1};
  memset(mark.root, 0xab, sizeof(mark.root));
  memset(mark.history_id, 0x11, sizeof(mark.history_id));
  mark.branch = 0x22;
  segment_publish(call->segment, &mark);
  segment_set_state(call->segment, NODE_READY);
}

const char *call_answer(const struct call *call) {
  return json_object_to_json_string(call->answer);
}

const char *call_text(const struct call *call, const char *pointer) {
  struct json_object *found = NULL;
  if (json_pointer_get(call->answer, pointer, &found))
    return "";
  return found ? json_object_get_string(found) : "null";
}

bool call_has_error(const struct call *call, const char *pointer) {
  struct json_object *errors = NULL;
  if (json_pointer_get(call->answer, "/errors", &errors) || !json_object_is_type(errors, json_type_array))
    return false;
  for (size_t i = 0; i < json_object_array_length(errors); i++) {
    struct json_object *item = json_object_array_get_idx(errors, i);
    struct json_object *at = json_object_object_get(item, "pointer");
    if (at && strcmp(json_object_get_string(at), pointer) == 0)
      return true;
  }
  return false;
}

bool call_has_header(const struct call *call, const char *line) {
  const struct buf *headers = &call->exchange.response.headers;
  size_t len = strlen(line);
  for (size_t at = 0; at + len + 2 <= headers->len; at++)
    if ((at == 0 || headers->data[at - 1] == '\n') && memcmp(headers->data + at, line, len) == 0 &&
        headers->data[at + len] == '\r')
      return true;
  return false;
}
