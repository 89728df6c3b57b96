#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static const struct {
  int status;
  const char *title;
} titles[] = {
    {200, "OK"},
    {201, "Created"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

const char *problem_title(int status) {
  for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
    if (titles[i].status == status)
      return titles[i].title;
  return "Unknown";
}

static void problem_vbegin(struct http_response *response, int status, const char *fmt, va_list args) {
  char detail[ERR_TEXT_SIZE];
  vsnprintf(detail, sizeof(detail), fmt, args);
  response->status = status;
  response->content_type = "application/problem+json";
  buf_reset(&response->headers);
  buf_reset(&response->body);
  if (status == 429 || status == 503)
    buf_add_str(&response->headers, "Retry-After: 1\r\n");
  buf_addf(&response->body,
           "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":", problem_title(status), status);
  json_quote(&response->body, span_str(detail));
}

void problem_begin(struct http_response *response, int status, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  problem_vbegin(response, status, fmt, args);
  va_end(args);
}

void problem_end(struct http_response *response) {
  buf_add_str(&response->body, "}\n");
}

void problem_set(struct http_response *response, int status, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  problem_vbegin(response, status, fmt, args);
  va_end(args);
  problem_end(response);
}

void problem_fields(struct http_response *response, const struct field_errors *errors) {
  size_t shown = errors->count < FIELD_ERRORS_MAX ? errors->count : FIELD_ERRORS_MAX;
  if (errors->count == 1)
    problem_begin(response, 422, "1 field is wrong");
  else if (shown == errors->count)
    problem_begin(response, 422, "%zu fields are wrong", errors->count);
  else
    problem_begin(response, 422, "%zu fields are wrong, the first %zu are shown", errors->count, shown);
  struct buf *body = &response->body;
  buf_add_str(body, ",\"errors\":[");
  for (size_t i = 0; i < shown; i++) {
    buf_add_str(body, i ? ",{\"pointer\":" : "{\"pointer\":");
    json_quote(body, errors->items[i].pointer);
    buf_add_str(body, ",\"detail\":");
    json_quote(body, errors->items[i].detail);
    buf_add_byte(body, '}');
  }
  buf_add_byte(body, ']');
  problem_end(response);
}

void problem_json(struct http_response *response, const struct json_fault *fault) {
  if (fault->too_large) {
    problem_set(response, 413, "the body has more than %d JSON values", JSON_MAX_TOKENS);
    return;
  }
  problem_begin(response, 400, "not strict JSON: %s at byte %zu", fault->reason, fault->offset);
  buf_add_str(&response->body, ",\"offset\":");
  buf_add_dec(&response->body, fault->offset);
  problem_end(response);
}

void problem_read_only(struct http_response *response) {
  problem_set(response, 403, "this node is read only: it answers questions, and stores nothing");
}

void problem_err(struct api *api, struct http_response *response, const struct err *err) {
  switch (err->code) {
  case ERR_INVALID: problem_set(response, 400, "%s", err->text); return;
  case ERR_NOTFOUND: problem_set(response, 404, "%s", err->text); return;
  case ERR_CONFLICT: problem_set(response, 409, "%s", err->text); return;
  case ERR_FULL: problem_set(response, 507, "too little disk space"); return;
  case ERR_NOMEM: problem_set(response, 503, "%s", err->text); return;
  case ERR_BUSY: problem_set(response, 503, "busy, try again"); return;
  case ERR_OK:
  case ERR_IO:
  case ERR_NEWER:
  case ERR_CORRUPT: break;
  }
  log_error(api->log, "request failed: %s", err->text);
  problem_set(response, 500, "an error inside the node; its log says more");
}
