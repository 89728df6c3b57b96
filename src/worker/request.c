#include "worker/worker.h"

#include <string.h>

#include "api/problem.h"

/* A FastCGI parameter and where its value goes. */
struct parameter {
  const char *name;
  size_t offset; /* of a struct span in struct http_request */
};

static const struct parameter parameters[] = {
    {"DOCUMENT_URI", offsetof(struct http_request, path)},
    {"QUERY_STRING", offsetof(struct http_request, query_string)},
    {"CONTENT_TYPE", offsetof(struct http_request, content_type)},
    {"HTTP_ACCEPT", offsetof(struct http_request, accept)},
    {"HTTP_IDEMPOTENCY_KEY", offsetof(struct http_request, idempotency_key)},
    {"HTTP_AUTHORIZATION", offsetof(struct http_request, authorization)},
    {"HTTP_X_API_KEY", offsetof(struct http_request, api_key)},
    {"REMOTE_ADDR", offsetof(struct http_request, client)},
    {"REQUEST_PASSED_ON", offsetof(struct http_request, passed_on)},
};

static enum http_method method_of(const char *name) {
  if (strcmp(name, "GET") == 0)
    return HTTP_GET;
  if (strcmp(name, "POST") == 0)
    return HTTP_POST;
  if (strcmp(name, "HEAD") == 0)
    return HTTP_HEAD;
  return HTTP_OTHER;
}

void request_from_params(struct exchange *exchange, char **params) {
  struct http_request *request = &exchange->request;
  request->method = HTTP_OTHER;
  for (char **p = params; *p; p++) {
    const char *equals = strchr(*p, '=');
    if (!equals)
      continue;
    size_t name_len = (size_t)(equals - *p);
    if (name_len == 14 && memcmp(*p, "REQUEST_METHOD", 14) == 0) {
      request->method = method_of(equals + 1);
      continue;
    }
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
      const char *name = parameters[i].name;
      if (strlen(name) != name_len || memcmp(name, *p, name_len) != 0)
        continue;
      /* nginx passes an absent header's variable as an empty value. */
      struct span value = span_str(equals + 1);
      if (value.len > 0)
        memcpy((unsigned char *)request + parameters[i].offset, &value, sizeof(value));
      break;
    }
  }
}

/* Digits with one point, in microseconds; 0 if it is something else. */
static uint64_t read_seconds(struct span text) {
  enum { SECOND_US = 1000 * 1000, DIGITS_MAX = 12 };
  uint64_t whole = 0, part = 0, unit = SECOND_US;
  bool point = false;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = text.data[i];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || i > DIGITS_MAX + 4 || (!point && whole > UINT64_C(999999999999)) || unit == 1)
      return 0;
    if (point)
      part += (unit /= 10) * (uint64_t)(c - '0');
    else
      whole = whole * 10 + (uint64_t)(c - '0');
  }
  return whole * SECOND_US + part;
}

uint64_t request_waited(const struct http_request *request, uint64_t now) {
  enum { WAIT_MAX_US = 60 * 1000 * 1000 }; /* nginx has given up after it (fastcgi_read_timeout) */
  uint64_t passed_on = read_seconds(request->passed_on);
  /* More, or less than nothing, is not a wait but a clock that was set. */
  return passed_on == 0 || passed_on > now || now - passed_on > WAIT_MAX_US ? 0 : now - passed_on;
}

bool request_keep(struct http_request *request) {
  for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
    struct span value;
    memcpy(&value, (unsigned char *)request + parameters[i].offset, sizeof(value));
    if (value.len == 0)
      continue;
    value = arena_copy(request->arena, value);
    if (!value.data)
      return false;
    memcpy((unsigned char *)request + parameters[i].offset, &value, sizeof(value));
  }
  return true;
}

bool request_read_body(FCGX_Request *fcgi, struct buf *body, size_t max) {
  unsigned char block[16384];
  for (;;) {
    int got = FCGX_GetStr((char *)block, (int)sizeof(block), fcgi->in);
    if (got <= 0)
      break;
    size_t room = max + 1 - body->len;
    buf_add(body, block, (size_t)got < room ? (size_t)got : room);
    if (body->failed)
      return false;
  }
  return FCGX_GetError(fcgi->in) == 0;
}

void request_skip_body(FCGX_Request *fcgi) {
  struct buf rest;
  buf_init(&rest, 1);
  (void)request_read_body(fcgi, &rest, 0);
  buf_free(&rest);
}

bool response_write_head(FCGX_Request *fcgi, const struct http_response *response, bool with_length) {
  struct buf head;
  buf_init(&head, 65536);
  buf_addf(&head, "Status: %d %s\r\n", response->status, problem_title(response->status));
  if (response->content_type)
    buf_addf(&head, "Content-Type: %s\r\n", response->content_type);
  if (with_length)
    buf_addf(&head, "Content-Length: %zu\r\n", response->body.len);
  buf_add_span(&head, buf_span(&response->headers));
  buf_add_str(&head, "\r\n");
  bool ok = !head.failed && FCGX_PutStr((const char *)head.data, (int)head.len, fcgi->out) == (int)head.len;
  buf_free(&head);
  return ok;
}

bool response_write(FCGX_Request *fcgi, const struct http_request *request, const struct http_response *response) {
  if (!response_write_head(fcgi, response, true))
    return false;
  if (request->method == HTTP_HEAD || response->body.len == 0)
    return true;
  return FCGX_PutStr((const char *)response->body.data, (int)response->body.len, fcgi->out) == (int)response->body.len;
}
