#include "api/http.h"

void exchange_init(struct exchange *exchange, struct arena *arena) {
  *exchange = (struct exchange){.request = {.arena = arena}};
  buf_init(&exchange->response.headers, HTTP_HEADERS_MAX);
  buf_init(&exchange->response.body, HTTP_ANSWER_MAX);
  buf_init(&exchange->command, COMMAND_MAX_SIZE);
}

void exchange_free(struct exchange *exchange) {
  buf_free(&exchange->response.headers);
  buf_free(&exchange->response.body);
  buf_free(&exchange->command);
}

int exchange_send(const struct exchange *exchange, struct http_stream *stream, struct err *err) {
  const struct http_response *response = &exchange->response;
  struct http_response head = *response;
  int rc = 0;

  buf_init(&head.headers, HTTP_HEADERS_MAX);
  buf_add_span(&head.headers, buf_span(&response->headers));
  buf_addf(&head.headers, "Content-Length: %zu\r\n", response->body.len);
  if ((rc = buf_check(&response->body, "the answer", err)) || (rc = buf_check(&head.headers, "the header", err)))
    goto out;
  if ((rc = stream->begin(stream, &head, err)))
    goto out;
  if (exchange->request.method != HTTP_HEAD && response->body.len > 0)
    rc = stream->write(stream, response->body.data, response->body.len, err);
out:
  buf_free(&head.headers);
  return rc;
}

const char *http_method_name(enum http_method method) {
  switch (method) {
  case HTTP_GET: return "GET";
  case HTTP_HEAD: return "HEAD";
  case HTTP_POST: return "POST";
  case HTTP_OTHER: break;
  }
  return "other";
}
