/* HTTP to a node, by libcurl: one connection, requests one after the other. */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum { CLIENT_HISTORY_SIZE = 128 };

/* Where a node is and who asks. */
struct client_settings {
  const char *url;   /* "http://127.0.0.1:18180", without a slash at its end */
  const char *token; /* NULL: none */
  uint64_t wait_s;   /* how long to go on trying while the node is unavailable; 0: once */
};

/* Where the body of a request comes from: fills at most `size` bytes; *got is 0 at its end. An error ends the request.
 */
typedef int client_read(void *context, void *data, size_t size, size_t *got, struct err *err);
/* Where the body of a 2xx answer goes. An error ends the request. */
typedef int client_write(void *context, struct span data, struct err *err);

struct client_request {
  const char *method;       /* "GET", "POST" */
  const char *target;       /* "/v1/health", query string included */
  const char *content_type; /* of the body; NULL: there is none */
  const char *accept;       /* NULL: application/json */
  const char *key;          /* Idempotency-Key, or NULL */
  bool repeatable;          /* sending it twice is as good as once: it is a read, or has a key */
  struct span body;
  client_read *read; /* in place of `body`; such a request is never sent again here */
  client_write *write;
  void *context; /* of both */
};

/* Its head is known when the first bytes of the body come. */
struct client_answer {
  long status;
  bool problem;                      /* application/problem+json */
  struct buf body;                   /* unless it went to `write` */
  uint64_t retry_after_s;            /* 0: not named */
  uint64_t last_seq;                 /* Stemedb-Last-Seq; 0 if it is not there */
  char history[CLIENT_HISTORY_SIZE]; /* Stemedb-History, "" if it is not there */
};

struct client;

/* The settings' strings are borrowed. */
NODISCARD int client_open(const struct client_settings *settings, struct client **out, struct err *err);
/* Takes NULL. */
void client_close(struct client *client);

void client_answer_init(struct client_answer *answer);
void client_answer_free(struct client_answer *answer);

/*
 * Sends a request and reads the answer, whatever its status. A repeatable one is sent again while the node answers 503
 * or 429 or loses the connection, for wait_s from the first try; a node that cannot be reached at all is not waited
 * for. ERR_BUSY: no answer; ERR_IO and others: reading or writing a body failed here; ERR_CONFLICT: stopped by a signal
 * that interrupt_pending() knows.
 */
NODISCARD int client_send(struct client *client, const struct client_request *request, struct client_answer *answer,
                          struct err *err);
/* For those who repeat by themselves: whether it is worth trying again after this outcome of client_send(). Pauses as
 * long as the node asked for; false once wait_s are over, counted from client_progress(). */
bool client_pause(struct client *client, int rc, const struct client_answer *answer);
/* Starts the waiting time anew, because something was achieved. */
void client_progress(struct client *client);

#endif
