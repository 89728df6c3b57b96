/* The route table: every call of StemeDB is one line in route.c and one file resource_NAME.c. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/http.h"

enum route_flags {
  ROUTE_NEEDS_STORE = 1, /* waits until the node is ready (2 s, then 503) */
  ROUTE_OPEN = 2,        /* no token asked, ever */
  ROUTE_STREAM = 4,      /* runs on a streaming thread, body unread */
  ROUTE_LATER = 8,       /* named by the contract, built later: answers 501 */
  ROUTE_WRITES = 16,     /* refused (403) where the node is read only */
  ROUTE_LOCAL = 32       /* no token asked of clients on this machine */
};

struct route {
  int methods;      /* enum http_method, or-ed; GET implies HEAD */
  const char *path; /* "/v1/assertions/{id}": at most one {parameter}, the last segment; also the metric label */
  int flags;
  enum role role;           /* the least that a caller needs; ROLE_NONE with ROUTE_OPEN */
  size_t max_body;          /* bytes; more is 413 */
  const char *content_type; /* that a body must have (several: separated by a space); NULL: any */
  const char *accept;       /* only for requests that prefer this type over JSON; such a line comes first; NULL: any */
  enum http_outcome (*handle)(struct api *api, struct exchange *exchange);
  void (*finish)(struct api *api, struct exchange *exchange, const struct reply *reply);
  void (*stream)(struct api *api, struct exchange *exchange, struct http_stream *stream);
};

const struct route *route_table(size_t *count);

/* Finds the route of exchange->request and checks method, token and content type. Returns true with exchange->route
 * set; else the response is the finished problem (404, 405 with Allow, 401, 403, 415, 501). The body need not be there.
 */
bool api_route(struct api *api, struct exchange *exchange);
/* Runs a route that does not stream, once the body is there (413 if too large). HTTP_SLOW only from a route that has a
 * `stream`, too. */
enum http_outcome api_dispatch(struct api *api, struct exchange *exchange);
/* Ends an exchange whose command was answered. */
void api_finish(struct api *api, struct exchange *exchange, const struct reply *reply);
/* Ends one that cannot be: 503 with Retry-After, `detail` saying why ("recovering", "outcome unknown", "shutting
 * down"). */
void api_unavailable(struct exchange *exchange, const char *detail);
/* Counts the finished exchange in the metrics, and notes it in the audit log. */
void api_account(struct api *api, const struct exchange *exchange);

#endif
