/*
 * A worker: one event loop over FastCGI connections, the committer's socket and a few streaming threads.
 *
 * libfcgi is the protocol's codec only: the loop accepts, and gives a connection to libfcgi when it is readable. nginx
 * sends a buffered request whole, so reading it does not wait. A request that needs the committer is parked until the
 * answer comes, one that needs a store that is still recovering waits, a streaming one goes to a thread; meanwhile the
 * loop serves others. All of it is one thread's, but for what stream.c says.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/http.h"
#include "api/route.h"
#include "base/shed.h"

enum {
  WORKER_CONNECTIONS_MAX = 4096,
  WORKER_STREAMS = 4,              /* streaming threads */
  WORKER_READY_WAIT_US = 2000000,  /* how long a request waits for a recovering node */
  WORKER_DRAIN_US = 25000000,      /* how long a worker serves what it has when the node stops */
  WORKER_IO_TIMEOUT_S = 60,        /* a peer that does not take or give a byte for so long is gone */
  WORKER_ACCEPT_PAUSE_US = 100000, /* after descriptors ran out */
  WORKER_ARENA_MAX = 48 << 20,
  WORKER_BODY_MAX = 9 << 20 /* no route takes more */
};

enum connection_state {
  CONNECTION_IDLE,    /* no request read */
  CONNECTION_WAITING, /* request read up to its body; the store is not ready */
  CONNECTION_PARKED,  /* its command is at the committer */
  CONNECTION_STREAMING,
  CONNECTION_ENDING /* answered for the last time; read until nginx closes it */
};

/* What a request needs while it is under way; reused. */
struct job {
  struct exchange exchange;
  struct arena *arena;
  struct buf body;
  struct job *next_free;
};

/* A kept connection from nginx; at most one request at a time (FastCGI without multiplexing). */
struct connection {
  FCGX_Request fcgi;
  enum connection_state state;
  int fd;                         /* libfcgi's too; -1: closed */
  uint32_t slot, generation;      /* together the tag of its command */
  uint64_t deadline;              /* WAITING: clock_monotonic() */
  struct job *job;                /* NULL when IDLE */
  bool kept;                      /* STREAMING, by its thread: may serve another request */
  struct connection *next, *prev; /* WAITING: in order of deadline; finished streams: next alone */
};

struct link;
struct streams;

struct worker {
  struct api *api;
  const struct config *config;
  const struct log *log;
  int epoll_fd, listen_fd, signal_fd, ready_fd;
  bool stopping;
  uint64_t stop_deadline; /* 0: none */
  uint64_t accept_again;  /* when to look at the listening socket again, for want of descriptors; 0: it is looked at */
  int backlog;            /* events of this turn of the loop */
  struct shed shed;
  struct connection *slots[WORKER_CONNECTIONS_MAX];
  uint32_t slot_count, open_count, last_generation;
  uint32_t free_slots[WORKER_CONNECTIONS_MAX];
  uint32_t free_count;
  struct connection *waiting_first, *waiting_last;
  struct job *free_jobs;
  struct link *link;
  struct streams *streams;
};

/* What an epoll event belongs to: kinds other than a connection use these as data.u64; a connection its tag (slot + 16,
 * generation). */
enum event_source { EVENT_LISTEN = 1, EVENT_SIGNAL, EVENT_LINK, EVENT_STREAMS, EVENT_CONNECTION_BASE = 16 };

/* loop.c: runs until the worker was told to stop and is drained. */
NODISCARD int worker_run(struct worker *worker, struct err *err);

/* connection.c */

/* Accepts one waiting connection, if there is one. */
void connection_accept(struct worker *worker);
/* Looks at the listening socket again after a pause; milliseconds until then, -1: no pause. */
int connection_accept_again(struct worker *worker);
/* An event of the connection whose tag it carries; stale ones are ignored. */
void connection_event(struct worker *worker, uint64_t tag, uint32_t events);
/* The committer's answer to the command with this tag. */
void connection_reply(struct worker *worker, const struct reply *reply);
/* Fails everything parked: the committer's connection broke. */
void connection_fail_parked(struct worker *worker);
/* The store is ready: runs what waited. */
void connection_run_waiting(struct worker *worker);
/* Answers what waited too long with 503; returns the milliseconds until the next one is due, -1 if none waits. */
int connection_expire_waiting(struct worker *worker);
/* Ends the request in libfcgi, and leaves the connection open if that is possible; returns whether it may serve another
 * one. For a streaming thread, too. */
bool connection_finish(struct connection *connection);
/* A streaming thread is through with it. */
void connection_stream_done(struct worker *worker, struct connection *connection);
/* Closes all, without answers. */
void connection_close_all(struct worker *worker);

/* request.c: between libfcgi and api/http.h */

/* Fills in the exchange's request, without body, from FastCGI parameters; what is malformed shows as an unknown method
 * or an empty path. */
void request_from_params(struct exchange *exchange, char **params);
/* Microseconds between nginx's sending it and `now` (clock_now()); 0 if that cannot be told. */
uint64_t request_waited(const struct http_request *request, uint64_t now);
/* Copies what was borrowed from the parameters into the request's arena: a stream is accounted for after libfcgi has
 * forgotten them. The route's {parameter} is not kept. False without memory. */
bool request_keep(struct http_request *request);
/* Reads the body, which nginx holds whole, up to `max` + 1 bytes, and skips the rest. False: the connection broke. */
bool request_read_body(FCGX_Request *fcgi, struct buf *body, size_t max);
/* Reads what is left of the body, so that the connection can be kept. */
void request_skip_body(FCGX_Request *fcgi);
/* Writes status line, headers (and for a whole response Content-Length and body). False: the client is gone. */
bool response_write(FCGX_Request *fcgi, const struct http_request *request, const struct http_response *response);
bool response_write_head(FCGX_Request *fcgi, const struct http_response *response, bool with_length);

/* link.c: the connection to the committer */

NODISCARD int link_create(struct worker *worker, struct link **out, struct err *err);
void link_free(struct link *link);
/* Whether commands can be sent. */
bool link_is_ready(const struct link *link);
/* Queues a frame; sent by link_flush at the end of the loop's turn, many at once. False without memory. */
bool link_send(struct link *link, struct span frame);
void link_flush(struct link *link);
void link_event(struct link *link, uint32_t events);
/* Connects again if it is down and time has come; returns milliseconds until it wants to be called, -1: never. */
int link_tick(struct link *link);
/* A blocking connection of a streaming thread, past its REPLY_READY. */
NODISCARD int link_connect_blocking(const struct config *config, int *fd, struct err *err);

/* stream.c: threads for bodies and answers of any length */

NODISCARD int streams_create(struct worker *worker, struct streams **out, struct err *err);
/* Waits for the threads to end. Takes NULL. */
void streams_free(struct streams *streams);
/* Hands the connection to a thread; false if all are busy. */
bool streams_start(struct streams *streams, struct connection *connection);
/* The wake-up descriptor was readable: takes back what is done. */
void streams_event(struct streams *streams);
/* Tells the threads that the node stops. */
void streams_stop(struct streams *streams);

#endif
