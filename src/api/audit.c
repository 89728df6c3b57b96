#include "api/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "model/json.h"
#include "model/timestamp.h"
#include "model/utf8.h"

enum { LOOK_EVERY_US = 1000000, LINE_MAX_BYTES = 32 << 10, REQUEST_SHOWN_MAX = 2048 };

struct audit {
  const struct config *config;
  const struct log *log;
  char path[FILEIO_PATH_MAX];
  int fd;
  uint64_t look_us; /* clock_monotonic() of the next look whether `fd` is still that file */
  bool complained;
  struct buf line;
};

int audit_open(const struct config *config, const struct log *log, struct audit **out, struct err *err) {
  struct audit *audit = calloc(1, sizeof(*audit));
  if (!audit)
    return err_set(err, ERR_NOMEM, "no memory for the audit log");
  *audit = (struct audit){.config = config, .log = log, .fd = -1};
  buf_init(&audit->line, LINE_MAX_BYTES);
  int rc = fileio_join(audit->path, config->log_dir, "audit.log", err);
  if (rc) {
    audit_close(audit);
    return rc;
  }
  *out = audit;
  return 0;
}

void audit_close(struct audit *audit) {
  if (!audit)
    return;
  if (audit->fd >= 0)
    close(audit->fd);
  buf_free(&audit->line);
  free(audit);
}

static bool still_there(const struct audit *audit) {
  struct stat named, open;
  return stat(audit->path, &named) == 0 && fstat(audit->fd, &open) == 0 && named.st_ino == open.st_ino &&
         named.st_dev == open.st_dev;
}

/* Opens the file, or the new one after it was renamed. */
static bool ready(struct audit *audit) {
  uint64_t now = clock_monotonic();
  if (audit->fd >= 0 && now < audit->look_us)
    return true;
  audit->look_us = now + LOOK_EVERY_US;
  if (audit->fd >= 0 && still_there(audit))
    return true;
  if (audit->fd >= 0)
    close(audit->fd);
  audit->fd = open(audit->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  return audit->fd >= 0;
}

static bool wanted(const struct audit *audit, const struct api *api, const struct exchange *exchange) {
  const struct route *route = exchange->route;
  uint64_t level = audit->config->audit;
  if (level == AUDIT_AUTO)
    level = auth_required(api->auth) ? AUDIT_CHANGES : AUDIT_OFF;
  if (level == AUDIT_OFF || (route && (route->flags & ROUTE_OPEN)))
    return false;
  /* Who was not let in is noted whatever they wanted. */
  bool refused = exchange->response.status == 401 || exchange->response.status == 403;
  return level == AUDIT_ALL || refused || (route && route->role >= ROLE_WRITER);
}

/* A member; what is no text (nginx undoes percent-encoding) is shown in hex. */
static void put_text(struct buf *out, const char *name, struct span text) {
  if (utf8_valid(text)) {
    buf_addf(out, ",\"%s\":", name);
    json_quote(out, text);
    return;
  }
  buf_addf(out, ",\"%s_hex\":\"", name);
  buf_add_hex(out, text.data, text.len);
  buf_add_byte(out, '"');
}

/* The beginning of a text, cut between characters. */
static struct span shown(struct span text) {
  if (text.len <= REQUEST_SHOWN_MAX)
    return text;
  size_t len = REQUEST_SHOWN_MAX;
  while (len > 0 && (text.data[len] & 0xc0) == 0x80)
    len--;
  return span_of(text.data, len);
}

/* What was asked for. The body of an assert is not shown: the history has what was stored of it. */
static void put_request(struct buf *out, const struct exchange *exchange) {
  const struct http_request *request = &exchange->request;
  bool asserts = exchange->route && exchange->route->role == ROLE_WRITER;
  if (request->query_string.len > 0)
    put_text(out, "query", shown(request->query_string));
  if (request->body.len > 0 && !asserts)
    put_text(out, "body", shown(request->body));
}

static void put_line(struct buf *out, const struct exchange *exchange) {
  char time[TIMESTAMP_SIZE];
  timestamp_format((int64_t)clock_now(), time);
  buf_addf(out, "{\"time\":\"%s\"", time);
  put_text(out, "client", exchange->request.client);
  if (exchange->caller.name.len > 0)
    put_text(out, "name", exchange->caller.name);
  if (exchange->caller.role != ROLE_NONE)
    put_text(out, "role", span_str(role_name(exchange->caller.role)));
  put_text(out, "method", span_str(http_method_name(exchange->request.method)));
  put_text(out, "path", shown(exchange->request.path));
  put_request(out, exchange);
  buf_addf(out, ",\"status\":%d,\"seconds\":%.6f", exchange->response.status,
           (double)(clock_monotonic() - exchange->started_us) / 1e6);
  if (exchange->stored_count > 0)
    buf_addf(out, ",\"entries\":%llu,\"last_seq\":%llu", (unsigned long long)exchange->stored_count,
             (unsigned long long)exchange->stored_last_seq);
  buf_add_str(out, "}\n");
}

void audit_note(struct audit *audit, const struct api *api, const struct exchange *exchange) {
  struct err err;
  if (!audit || !wanted(audit, api, exchange))
    return;
  buf_reset(&audit->line);
  put_line(&audit->line, exchange);
  int rc = buf_check(&audit->line, "a line of the audit log", &err);
  if (!rc && !ready(audit))
    rc = err_sys(&err, errno, "%s", audit->path);
  if (!rc)
    rc = fileio_write(audit->fd, audit->line.data, audit->line.len, &err);
  if (rc && !audit->complained)
    log_error(audit->log, "the audit log is not written: %s", err.text);
  audit->complained = rc != 0;
}
