/*
 * HTTP as the resources see it: a request that was read, a response that will be written, and three ways to answer. No
 * FastCGI and no sockets in here; worker/ brings the bytes in and out.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "base/segment.h"
#include "base/span.h"
#include "domain/settings.h"
#include "model/command.h"
#include "model/token.h"
#include "projection/snapshot.h"

enum http_method { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4, HTTP_OTHER = 8 };

/* Most bytes of an answer that does not stream, and of its header lines. */
enum { HTTP_ANSWER_MAX = 32 << 20, HTTP_HEADERS_MAX = 16 << 10 };

/* Who is asking: filled in by auth_admit(). Spans and array are in the request's arena. */
struct caller {
  struct span name; /* the token's; len 0 where the node has no tokens */
  enum role role;
  const struct span *sources; /* that it may speak for */
  size_t source_count;        /* 0: for any */
};

struct http_request {
  enum http_method method;
  struct span path;                                                          /* percent-decoded, begins with '/' */
  struct span query_string;                                                  /* raw, without '?' */
  struct span content_type, accept, idempotency_key, authorization, api_key; /* data NULL if absent */
  struct span client;                                                        /* the address that it came from */
  struct span passed_on; /* when nginx sent it to a worker: seconds since 1970, with milliseconds */
  struct span parameter; /* what the route's {id} matched */
  struct span body;      /* whole body (not for streaming routes) */
  struct arena *arena;   /* ends with the request */
};

struct http_response {
  int status;
  const char *content_type;
  struct buf headers; /* further header lines, each "Name: value\r\n" */
  struct buf body;
};

/* A streaming route's body and answer; implemented by worker/. The route itself sends the whole answer through `begin`
 * and `write`, problems included, and for HEAD nothing after `begin`. */
struct http_stream {
  void *io;
  /* Set by the route when an answer that has begun cannot be finished: the connection must then be cut, so that the
   * client does not take what it has for all. */
  bool broken;
  /* Reads up to `size` bytes; *got is 0 only at the whole body's end. ERR_IO: cut off (the client is gone or too slow).
   */
  int (*read)(struct http_stream *stream, void *data, size_t size, size_t *got, struct err *err);
  /* Sends status line and headers of `response` (body ignored), once, before the first write. */
  int (*begin)(struct http_stream *stream, const struct http_response *response, struct err *err);
  /* ERR_IO: the client is gone. */
  int (*write)(struct http_stream *stream, const void *data, size_t size, struct err *err);
  /* Sends one command frame to the committer / receives the next reply frame (good until the next receive). ERR_BUSY:
   * the committer is gone. */
  int (*send_command)(struct http_stream *stream, struct span frame, struct err *err);
  int (*receive_reply)(struct http_stream *stream, struct span *frame, struct err *err);
  /* Whether the process was told to stop: finish what is under way, soon. */
  bool (*stopping)(struct http_stream *stream);
};

struct auth;
struct audit;

/* What the resources work with; made by main, borrowed. */
struct api {
  const struct config *config;
  const struct log *log;
  struct segment *segment;
  struct metrics *metrics;
  struct reader reader;            /* usable when `ready` */
  struct settings_cache *settings; /* for the thread that dispatches; NULL: none is kept */
  struct auth *auth;               /* NULL: anyone is an admin */
  struct audit *audit;             /* NULL: nothing is noted */
  bool ready;
};

/* What a handler did. */
enum http_outcome {
  HTTP_DONE,    /* the response is complete */
  HTTP_COMMAND, /* exchange->command holds one frame for the committer; `finish` is called with its reply */
  HTTP_SLOW /* too slow for an event loop: the route's `stream` is to be called on a streaming thread. The body is in
               the request, the response begins anew */
};

/* One request on its way, from dispatch to response. A HEAD is answered like the GET, body included, so that its length
 * is known; worker/ leaves the body out. */
struct exchange {
  struct http_request request;
  struct caller caller;
  struct http_response response;
  const struct route *route;
  struct buf command; /* frame(s) for the committer; the tag is set by api_dispatch's caller beforehand in `tag` */
  uint64_t tag;
  uint64_t stored_count, stored_last_seq; /* entries that it stored, for the audit log */
  void *state;                            /* the handler's own, in the arena, from handle to finish */
  uint64_t started_us;                    /* clock_monotonic() */
};

/* "GET"; "other" for what is none of the methods known here. */
const char *http_method_name(enum http_method method);
/* An exchange without a request yet; buffers are empty. `arena` is borrowed and must outlive it. */
void exchange_init(struct exchange *exchange, struct arena *arena);
/* Frees its buffers (not the arena). */
void exchange_free(struct exchange *exchange);

/* Sends exchange->response whole through the stream, with its Content-Length; for HEAD without the body. ERR_IO: the
 * client is gone. */
NODISCARD int exchange_send(const struct exchange *exchange, struct http_stream *stream, struct err *err);

#endif
