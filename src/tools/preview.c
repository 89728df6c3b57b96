#include "tools/preview.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/token.h"

enum { LINE_MAX_SIZE = ERR_TEXT_SIZE + 64, WATCH_MS = 200, LOG_TAIL = 2000 };

/* --- the keeper --- */

static bool unwanted(int lifeline) {
  struct pollfd fd = {.fd = lifeline, .events = POLLIN};
  return poll(&fd, 1, 0) != 0;
}

/* The file of tokens, with this one alone: an admin of a node that stores nothing. */
static int write_token(const struct scratch *scratch, const char *text, struct err *err) {
  struct token token = {.name = span_str("look"), .role = ROLE_ADMIN};
  struct buf line;
  token_hash(token.hash, span_str(text));
  buf_init(&line, TOKENS_FILE_MAX);
  token_put_line(&line, &token);
  int rc = buf_check(&line, "the tokens", err);
  if (!rc)
    rc = fileio_replace(scratch->config.tokens_file, line.data, line.len, 0640, err);
  buf_free(&line);
  return rc;
}

static int open_log(const struct scratch *scratch, struct log *log, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_join(path, scratch->config.log_dir, "stemedb-api.log", err);
  if (rc)
    return rc;
  int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  log_open(log, fd, "look");
  return 0;
}

/* What the copy's log ends with, since it goes with the copy. */
static void show_log(int fd) {
  char text[LOG_TAIL];
  size_t got = 0;
  struct err ignored;
  off_t end = lseek(fd, 0, SEEK_END);
  if (fileio_pread(fd, text, sizeof(text), end > LOG_TAIL ? (uint64_t)(end - LOG_TAIL) : 0, &got, &ignored) == 0)
    fwrite(text, 1, got, stderr);
}

static int prepare(const struct preview_settings *settings, const struct log *log, int lifeline,
                   struct preview_node *node, struct preview *ports, struct err *err) {
  const char *parent = settings->parent ? settings->parent : getenv("TMPDIR");
  struct log quiet = {.fd = -1};
  int rc = scratch_make(parent && *parent ? parent : "/var/tmp", &node->scratch, err);
  if (rc || (rc = scratch_configure(&node->scratch, &settings->node, err)) ||
      (rc = open_log(&node->scratch, &quiet, err)))
    return rc;
  if (!(rc = scratch_fill(&node->scratch, settings->source, log, &quiet, err)) && unwanted(lifeline))
    rc = err_set(err, ERR_CONFLICT, "nobody waits for it");
  if (!rc && settings->token)
    rc = write_token(&node->scratch, settings->token, err);
  if (!rc && (rc = preview_node_start(node, settings, lifeline, ports, err)) == ERR_IO)
    show_log(quiet.fd);
  close(quiet.fd);
  return rc;
}

/* Until the other end of `fd` is closed or the node is gone. */
static void keep(struct preview_node *node, int fd) {
  struct pollfd watched = {.fd = fd, .events = POLLIN};
  while (poll(&watched, 1, WATCH_MS) <= 0 && !preview_node_gone(node))
    ;
}

static _Noreturn void be_keeper(const struct preview_settings *settings, const struct log *log, int fd) {
  struct preview_node node = {.scratch.lock = -1};
  struct preview ports = {0};
  char line[LINE_MAX_SIZE];
  struct err err, second;
  setsid(); /* what a terminal sends is for the caller, whose end is noticed */
  signal(SIGPIPE, SIG_IGN);
  int rc = prepare(settings, log, fd, &node, &ports, &err);
  int len = rc ? snprintf(line, sizeof(line), "failed %d %s\n", rc, err.text)
               : snprintf(line, sizeof(line), "ready %" PRIu64 " %" PRIu64 "\n", ports.api_port, ports.dashboard_port);
  if (fileio_write(fd, line, (size_t)len, &second) == 0 && !rc)
    keep(&node, fd);
  preview_node_stop(&node);
  if (scratch_remove(&node.scratch, &second))
    log_error(log, "%s", second.text);
  _exit(0);
}

/* --- the caller --- */

static int hear(int fd, struct preview *out, struct err *err) {
  char line[LINE_MAX_SIZE];
  size_t len = 0;
  while (len < sizeof(line) - 1) {
    ssize_t got = read(fd, line + len, sizeof(line) - 1 - len);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    len += (size_t)got;
    if (line[len - 1] == '\n')
      break;
  }
  line[len] = '\0';
  int code = 0, at = 0;
  if (sscanf(line, "ready %" SCNu64 " %" SCNu64, &out->api_port, &out->dashboard_port) == 2)
    return 0;
  if (sscanf(line, "failed %d %n", &code, &at) != 1 || code <= ERR_OK || code > ERR_CORRUPT)
    return err_set(err, ERR_IO, "the process that prepares the copy died");
  line[strcspn(line, "\n")] = '\0';
  return err_set(err, (enum err_code)code, "%s", line + at);
}

int preview_start(const struct preview_settings *settings, const struct log *log, struct preview *out,
                  struct err *err) {
  int ends[2];
  *out = (struct preview){.fd = -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return err_sys(err, errno, "cannot make a pair of sockets");
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    be_keeper(settings, log, ends[1]);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return err_sys(err, errno, "cannot fork");
  }
  *out = (struct preview){.keeper = pid, .fd = ends[0]};
  int rc = hear(ends[0], out, err);
  if (rc)
    preview_stop(out);
  return rc;
}

bool preview_over(const struct preview *preview) {
  struct pollfd fd = {.fd = preview->fd, .events = POLLIN};
  return poll(&fd, 1, 0) > 0;
}

void preview_stop(struct preview *preview) {
  if (preview->keeper <= 0)
    return;
  close(preview->fd);
  while (waitpid(preview->keeper, NULL, 0) < 0 && errno == EINTR)
    ;
  *preview = (struct preview){.fd = -1};
}
