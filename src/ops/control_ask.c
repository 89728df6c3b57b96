#include "ops/control_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Connects to the node's command socket; *fd is -1 if no node listens. */
static int connect_node(const struct config *config, int *fd, struct err *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
  *fd = -1;
  /* A socket's path may have but 107 bytes, so from its own folder. */
  if (chdir(config->run_dir) != 0)
    return errno == ENOENT ? 0 : err_sys(err, errno, "cannot enter %s", config->run_dir);
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0)
    return err_sys(err, errno, "cannot make a socket");
  if (connect(s, (const struct sockaddr *)&address, sizeof(address)) == 0) {
    *fd = s;
    return 0;
  }
  int sys = errno;
  close(s);
  return sys == ENOENT || sys == ECONNREFUSED
             ? 0
             : err_sys(err, sys, "cannot ask the node (%s/control.sock)", config->run_dir);
}

/* All that the node says, up to its end, as text in out[CONTROL_ANSWER_MAX]. */
static int converse(int fd, const char *request, char *out, struct err *err) {
  size_t len = 0;
  ssize_t got = send(fd, request, strlen(request), MSG_NOSIGNAL);
  while (got > 0 && len < CONTROL_ANSWER_MAX - 1) {
    got = recv(fd, out + len, CONTROL_ANSWER_MAX - 1 - len, 0);
    len += got > 0 ? (size_t)got : 0;
    if (got < 0 && errno == EINTR)
      got = 1;
  }
  out[len] = '\0';
  return got < 0 && len == 0 ? err_sys(err, errno, "asking the node") : 0;
}

/* The last line of the answer. */
static char *last_line(char *text) {
  size_t len = strlen(text);
  while (len > 0 && text[len - 1] == '\n')
    text[--len] = '\0';
  char *line = strrchr(text, '\n');
  return line ? line + 1 : text;
}

int control_ask(const struct config *config, const char *request, char answer[CONTROL_ANSWER_MAX], bool *there,
                struct err *err) {
  int fd, rc = connect_node(config, &fd, err);
  *there = !rc && fd >= 0;
  if (!*there)
    return rc;
  rc = converse(fd, request, answer, err);
  close(fd);
  if (rc)
    return rc;
  char *line = last_line(answer);
  memmove(answer, line, strlen(line) + 1);
  return 0;
}
