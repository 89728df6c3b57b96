/*
 * HOME/run/control.sock: on it scripts ask the running node for what nobody else may do. One line of request, lines of
 * answer, then it is closed. For the user that the node runs as, and root. Nothing here ever blocks the supervisor.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_CLIENTS = 8, CONTROL_LINE_MAX = 256, CONTROL_FDS = CONTROL_CLIENTS + 1 };

struct node;

struct control_client {
  int fd; /* -1: this place is free */
  char line[CONTROL_LINE_MAX];
  size_t len;
  bool waits; /* for the end of the backup that it asked for */
};

struct control {
  int listen_fd;
  struct control_client clients[CONTROL_CLIENTS];
};

/* No clients yet. `listen_fd` is borrowed. */
void control_init(struct control *control, int listen_fd);
/* Fills in fds[0..CONTROL_FDS-1] for poll(2). */
void control_watch(const struct control *control, struct pollfd *fds);
/* Accepts, reads and answers what the same `fds` found. */
void control_serve(struct node *node, const struct pollfd *fds);
/* Sends the line to the client that waits, if it is still there, and closes. */
void control_tell(struct control *control, const char *line);

#endif
