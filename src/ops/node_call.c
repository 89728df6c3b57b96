#include "ops/node_call.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_ID = 1, LONG_LENGTH = 128, REQUEST_MAX = 2 * NODE_CALL_BODY_MAX, LENGTH_TEXT = 24 };

/* By way of the folder's descriptor, since the path of a socket may have 107 bytes only. */
static int connect_to(const char *run_dir, unsigned timeout_s, int *out, struct err *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval timeout = {.tv_sec = (time_t)timeout_s};
  int rc = 0, fd = -1, dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return err_sys(err, errno, "opening %s", run_dir);
  snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/api.sock", dir);
  if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0)
    rc = err_sys(err, errno, "making a socket");
  else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
    rc = err_set(err, ERR_BUSY, "no node answers at %s/api.sock: %s", run_dir, strerror(errno));
  close(dir);
  if (rc && fd >= 0)
    close(fd);
  *out = rc ? -1 : fd;
  return rc;
}

/* --- the request --- */

static void add_record(struct buf *out, unsigned char type, struct span content) {
  const FCGI_Header header = {.version = FCGI_VERSION_1,
                              .type = type,
                              .requestIdB0 = REQUEST_ID,
                              .contentLengthB1 = (unsigned char)(content.len >> 8),
                              .contentLengthB0 = (unsigned char)(content.len & 0xff)};
  buf_add(out, &header, sizeof(header));
  buf_add_span(out, content);
}

static void add_length(struct buf *out, size_t len) {
  if (len < LONG_LENGTH)
    buf_add_byte(out, (unsigned char)len);
  else
    buf_add_u32(out, (uint32_t)len | UINT32_C(0x80000000));
}

static void add_parameter(struct buf *out, const char *name, const char *value) {
  add_length(out, strlen(name));
  add_length(out, strlen(value));
  buf_add_str(out, name);
  buf_add_str(out, value);
}

static int build(const struct node_call *call, struct buf *out, struct err *err) {
  FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER};
  char length[LENGTH_TEXT];
  struct buf parameters;
  if (call->body.len > NODE_CALL_BODY_MAX)
    return err_set(err, ERR_INVALID, "the body is too long");
  snprintf(length, sizeof(length), "%zu", call->body.len);
  buf_init(&parameters, NODE_CALL_BODY_MAX);
  add_parameter(&parameters, "REQUEST_METHOD", call->method);
  add_parameter(&parameters, "DOCUMENT_URI", call->path);
  add_parameter(&parameters, "QUERY_STRING", call->query);
  add_parameter(&parameters, "CONTENT_TYPE", call->body.len > 0 ? "application/json" : "");
  add_parameter(&parameters, "CONTENT_LENGTH", length);
  add_record(out, FCGI_BEGIN_REQUEST, span_of(&begin, sizeof(begin)));
  add_record(out, FCGI_PARAMS, buf_span(&parameters));
  add_record(out, FCGI_PARAMS, span_of(NULL, 0));
  if (call->body.len > 0)
    add_record(out, FCGI_STDIN, call->body);
  add_record(out, FCGI_STDIN, span_of(NULL, 0));
  int rc = buf_check(&parameters, "a request", err);
  buf_free(&parameters);
  return rc ? rc : buf_check(out, "a request", err);
}

static int send_all(int fd, struct span data, struct err *err) {
  while (data.len > 0) {
    ssize_t n = send(fd, data.data, data.len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_set(err, errno == EAGAIN ? ERR_BUSY : ERR_IO, "sending: %s", strerror(errno));
    data = span_of(data.data + n, data.len - (size_t)n);
  }
  return 0;
}

/* --- the answer --- */

static int receive(int fd, void *out, size_t len, struct err *err) {
  for (size_t at = 0; at < len;) {
    ssize_t n = recv(fd, (char *)out + at, len - at, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return err_set(err, errno == EAGAIN ? ERR_BUSY : ERR_IO, "waiting for an answer: %s", strerror(errno));
    if (n == 0)
      return err_set(err, ERR_IO, "the answer breaks off");
    at += (size_t)n;
  }
  return 0;
}

/* All of the record's output goes to `out`; the end of the request ends it. */
static int receive_records(int fd, struct buf *out, struct err *err) {
  unsigned char content[FCGI_MAX_LENGTH + 255];
  for (;;) {
    FCGI_Header header;
    int rc = receive(fd, &header, sizeof(header), err);
    if (rc)
      return rc;
    size_t len = (size_t)header.contentLengthB1 << 8 | header.contentLengthB0;
    if ((rc = receive(fd, content, len + header.paddingLength, err)))
      return rc;
    if (header.type == FCGI_END_REQUEST)
      return 0;
    if (header.type == FCGI_STDOUT)
      buf_add(out, content, len);
    if ((rc = buf_check(out, "the answer", err)))
      return rc;
  }
}

/* "Status: 200 OK", headers, an empty line, the body. */
static int split(struct buf *answer, int *status, struct err *err) {
  const unsigned char *end = answer->len > 0 ? memmem(answer->data, answer->len, "\r\n\r\n", 4) : NULL;
  char line[16] = "";
  if (end && answer->len >= sizeof(line))
    memcpy(line, answer->data, sizeof(line) - 1);
  if (sscanf(line, "Status: %d", status) != 1)
    return err_set(err, ERR_IO, "the answer is none of HTTP");
  buf_drop_front(answer, (size_t)(end - answer->data) + 4);
  return 0;
}

int node_call(const char *run_dir, const struct node_call *call, int *status, struct buf *answer, struct err *err) {
  struct buf request;
  int fd = -1, rc = 0;
  buf_init(&request, REQUEST_MAX);
  buf_reset(answer);
  if ((rc = build(call, &request, err)) || (rc = connect_to(run_dir, call->timeout_s, &fd, err)) ||
      (rc = send_all(fd, buf_span(&request), err)) || (rc = receive_records(fd, answer, err)) ||
      (rc = split(answer, status, err)))
    err_context(err, "%s %s", call->method, call->path);
  buf_free(&request);
  if (fd >= 0)
    close(fd);
  return rc;
}
