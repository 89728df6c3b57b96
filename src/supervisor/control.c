#include "supervisor/control.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/node.h"
#include "supervisor/prune.h"

/* A request's first word, and what is done with the rest of the line: 0 with the answer in `reply` (a line), or 0 with
 * none if the client now waits; else err says why not. */
struct request {
  const char *word;
  int (*run)(struct node *node, char *arguments, char reply[CONTROL_LINE_MAX], struct err *err);
};

/* backup .partial-STAMP [indexes] */
static int request_backup(struct node *node, char *arguments, char reply[CONTROL_LINE_MAX], struct err *err) {
  (void)reply;
  char *more = strchr(arguments, ' ');
  if (more)
    *more++ = '\0';
  if (more && strcmp(more, "indexes") != 0)
    return err_set(err, ERR_INVALID, "'%s' is not known", more);
  return backup_begin(node, arguments, more != NULL, err);
}

/* prune NUMBER: removes log files below it */
static int request_prune(struct node *node, char *arguments, char reply[CONTROL_LINE_MAX], struct err *err) {
  char *end;
  errno = 0;
  unsigned long below = strtoul(arguments, &end, 10);
  if (*arguments < '1' || *arguments > '9' || *end || errno || below > UINT32_MAX)
    return err_set(err, ERR_INVALID, "'%s' is no number of a log file", arguments);
  unsigned removed = 0;
  int rc = prune_log(node, (uint32_t)below, &removed, err);
  snprintf(reply, CONTROL_LINE_MAX, "done %u\n", removed);
  return rc;
}

static const struct request requests[] = {
    {"backup", request_backup},
    {"prune", request_prune},
};

void control_init(struct control *control, int listen_fd) {
  control->listen_fd = listen_fd;
  for (size_t i = 0; i < CONTROL_CLIENTS; i++)
    control->clients[i] = (struct control_client){.fd = -1};
}

void control_watch(const struct control *control, struct pollfd *fds) {
  fds[0] = (struct pollfd){.fd = control->listen_fd, .events = POLLIN};
  for (size_t i = 0; i < CONTROL_CLIENTS; i++)
    fds[i + 1] = (struct pollfd){.fd = control->clients[i].fd, .events = POLLIN};
}

static void drop(struct control_client *client) {
  close(client->fd);
  *client = (struct control_client){.fd = -1};
}

/* A few bytes into an empty socket's buffer: they fit, or the client is gone. */
static void answer(const struct control_client *client, const char *line) {
  if (send(client->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return;
}

static bool is_allowed(int fd) {
  struct ucred peer;
  socklen_t size = sizeof(peer);
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_all(struct control *control) {
  int fd;
  while ((fd = accept4(control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct control_client *place = control->clients, *end = place + CONTROL_CLIENTS;
    while (place < end && place->fd >= 0)
      place++;
    if (place == end || !is_allowed(fd))
      close(fd);
    else
      *place = (struct control_client){.fd = fd};
  }
}

static int run_request(struct node *node, char *line, char reply[CONTROL_LINE_MAX], struct err *err) {
  size_t len = strcspn(line, " ");
  char *arguments = line[len] ? line + len + 1 : line + len;
  line[len] = '\0';
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
    if (strcmp(line, requests[i].word) == 0)
      return requests[i].run(node, arguments, reply, err);
  return err_set(err, ERR_INVALID, "no such request");
}

/* The line is complete. */
static void take_request(struct node *node, struct control_client *client) {
  char text[ERR_TEXT_SIZE + 16], reply[CONTROL_LINE_MAX] = "";
  struct err err;
  int rc = run_request(node, client->line, reply, &err);
  if (rc == 0 && *reply) {
    answer(client, reply);
    drop(client);
    return;
  }
  if (rc == 0) {
    client->waits = true;
    answer(client, "begun\n");
    return;
  }
  snprintf(text, sizeof(text), "%s: %s\n", err.code == ERR_BUSY ? "busy" : "failed", err.text);
  answer(client, text);
  drop(client);
}

static void receive(struct node *node, struct control_client *client) {
  size_t room = CONTROL_LINE_MAX - 1 - client->len;
  ssize_t got = recv(client->fd, client->line + client->len, room, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0 || client->waits) { /* gone; or it says more than it may */
    drop(client);
    return;
  }
  client->len += (size_t)got;
  client->line[client->len] = '\0';
  char *end = strchr(client->line, '\n');
  if (end) {
    *end = '\0';
    take_request(node, client);
  } else if (client->len == CONTROL_LINE_MAX - 1) {
    drop(client);
  }
}

void control_serve(struct node *node, const struct pollfd *fds) {
  struct control *control = &node->control;
  for (size_t i = 0; i < CONTROL_CLIENTS; i++)
    if (fds[i + 1].fd >= 0 && fds[i + 1].revents && control->clients[i].fd == fds[i + 1].fd)
      receive(node, &control->clients[i]);
  if (fds[0].revents)
    accept_all(control);
}

void control_tell(struct control *control, const char *line) {
  for (size_t i = 0; i < CONTROL_CLIENTS; i++)
    if (control->clients[i].fd >= 0 && control->clients[i].waits) {
      answer(&control->clients[i], line);
      drop(&control->clients[i]);
    }
}
