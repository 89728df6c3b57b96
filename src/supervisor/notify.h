/* What a service manager is told: sd_notify(3)'s datagrams, without the library. */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

struct notify {
  int fd; /* connected to $NOTIFY_SOCKET; -1 where there is none */
};

/* Connects to $NOTIFY_SOCKET and takes the variable out of the environment, so that no child speaks in our name. */
void notify_open(struct notify *notify);
/* Sends one assignment: "READY=1". Nobody listening is no error. */
void notify_send(const struct notify *notify, const char *state);

#endif
