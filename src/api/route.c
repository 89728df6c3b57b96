#include "api/route.h"

#include <stdio.h>

#include "api/audit.h"
#include "api/auth.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/resource.h"
#include "base/clock.h"

#define JSON_TYPE "application/json"
#define NDJSON_TYPES "application/x-ndjson application/ndjson"

enum { ASSERT_BODY_MAX = 8 << 20, QUERY_BODY_MAX = 1 << 20 };

/* Every call of the contract has its line; those that later work brings are marked ROUTE_LATER. */
static const struct route routes[] = {
    {HTTP_POST, "/v1/assert", ROUTE_NEEDS_STORE | ROUTE_WRITES, ROLE_WRITER, ASSERT_BODY_MAX, JSON_TYPE,
     .handle = assert_handle, .finish = assert_finish},
    {HTTP_POST, "/v1/import", ROUTE_NEEDS_STORE | ROUTE_STREAM | ROUTE_WRITES, ROLE_WRITER, 0, NDJSON_TYPES,
     .stream = import_stream},
    {HTTP_POST, "/v1/query", ROUTE_NEEDS_STORE, ROLE_READER, QUERY_BODY_MAX, JSON_TYPE, .handle = query_handle,
     .stream = query_stream},
    {HTTP_GET, "/v1/query", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = query_handle, .stream = query_stream},
    {HTTP_POST, "/v1/retract", ROUTE_NEEDS_STORE, ROLE_ADMIN, QUERY_BODY_MAX, JSON_TYPE, .handle = retract_handle,
     .finish = retract_finish, .stream = retract_stream},
    {HTTP_POST, "/v1/reinstate", ROUTE_NEEDS_STORE, ROLE_ADMIN, QUERY_BODY_MAX, JSON_TYPE, .handle = reinstate_handle,
     .finish = reinstate_finish},
    {HTTP_GET, "/v1/assertions", ROUTE_NEEDS_STORE | ROUTE_STREAM, .role = ROLE_READER, .accept = NDJSON_TYPES,
     .stream = feed_stream},
    {HTTP_GET, "/v1/assertions", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = feed_handle},
    {HTTP_GET, "/v1/assertions/{id}", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = assertion_handle},
    {HTTP_GET, "/v1/history", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = history_handle},
    {HTTP_GET, "/v1/history/proof", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = proof_handle},
    {HTTP_GET, "/v1/why/{id}", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = why_handle, .stream = why_stream},
    {HTTP_GET, "/v1/concepts", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = explore_handle,
     .stream = concepts_stream},
    {HTTP_GET, "/v1/sources", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = explore_handle,
     .stream = sources_stream},
    {HTTP_GET, "/v1/diff", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = explore_handle, .stream = diff_stream},
    {HTTP_GET, "/v1/conflicts", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = explore_handle,
     .stream = conflicts_stream},
    {HTTP_GET, "/v1/retractions", ROUTE_NEEDS_STORE, .role = ROLE_READER, .handle = retractions_handle},
    {HTTP_GET, "/v1/backups", ROUTE_STREAM, .role = ROLE_READER, .stream = backups_stream},
    {HTTP_GET, "/v1/health", ROUTE_LOCAL, .role = ROLE_READER, .handle = health_handle},
    {HTTP_GET, "/v1/health/live", ROUTE_OPEN, .role = ROLE_NONE, .handle = health_live_handle},
    {HTTP_GET, "/v1/health/ready", ROUTE_OPEN, .role = ROLE_NONE, .handle = health_ready_handle},
    {HTTP_GET, "/v1/openapi.json", 0, .role = ROLE_READER, .handle = openapi_handle},
    {HTTP_GET, "/metrics", ROUTE_LOCAL, .role = ROLE_READER, .handle = metrics_handle},
};

const struct route *route_table(size_t *count) {
  *count = sizeof(routes) / sizeof(routes[0]);
  return routes;
}

/* Whether the path is the route's; *parameter is what its {name} stands for. */
static bool path_matches(const char *pattern, struct span path, struct span *parameter) {
  *parameter = (struct span){NULL, 0};
  size_t fixed = strcspn(pattern, "{");
  if (pattern[fixed] == '\0')
    return span_equal(span_str(pattern), path);
  if (path.len <= fixed || memcmp(path.data, pattern, fixed) != 0 ||
      memchr(path.data + fixed, '/', path.len - fixed) != NULL)
    return false;
  *parameter = span_of(path.data + fixed, path.len - fixed);
  return true;
}

/* The first line that fits the request, else NULL; *allowed is what the path's lines allow, 0 if there is none. */
static const struct route *find_route(struct http_request *request, int *allowed) {
  int method = request->method == HTTP_HEAD ? HTTP_GET : (int)request->method;
  *allowed = 0;
  for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
    const struct route *r = &routes[i];
    struct span parameter;
    if (!path_matches(r->path, request->path, &parameter))
      continue;
    *allowed |= r->methods;
    if ((r->methods & method) == 0 || (r->accept && !request_prefers(request->accept, r->accept)))
      continue;
    request->parameter = parameter;
    return r;
  }
  return NULL;
}

static void method_not_allowed(struct http_response *response, int allowed) {
  const char *list = allowed == HTTP_POST ? "POST" : allowed == HTTP_GET ? "GET, HEAD" : "GET, HEAD, POST";
  problem_set(response, 405, "this path answers to %s", list);
  buf_addf(&response->headers, "Allow: %s\r\n", list);
}

/* nginx's $remote_addr. */
static bool from_loopback(struct span client) {
  static const char net[] = "127.";
  return span_equal(client, span_str("::1")) ||
         (client.len > sizeof(net) - 1 && memcmp(client.data, net, sizeof(net) - 1) == 0);
}

/* Elsewhere, health and metrics tell more than a stranger should know. */
static bool asks_token(const struct route *route, const struct http_request *request) {
  return !(route->flags & ROUTE_OPEN) && !((route->flags & ROUTE_LOCAL) && from_loopback(request->client));
}

bool api_route(struct api *api, struct exchange *exchange) {
  struct http_request *request = &exchange->request;
  struct http_response *response = &exchange->response;
  int allowed;
  const struct route *route = find_route(request, &allowed);
  exchange->route = route;
  if (!route) {
    if (allowed)
      method_not_allowed(response, allowed);
    else
      problem_set(response, 404, "no such call; /v1/openapi.json lists what there is");
    return false;
  }
  if (asks_token(route, request) && !auth_admit(api, exchange, route->role))
    return false;
  if ((route->flags & ROUTE_WRITES) && api->config->read_only) {
    problem_read_only(response);
    return false;
  }
  if (route->flags & ROUTE_LATER) {
    problem_set(response, 501, "not available yet");
    return false;
  }
  if (request->method == HTTP_POST && route->content_type &&
      !request_type_is(request->content_type, route->content_type)) {
    problem_set(response, 415, "the body must be UTF-8 with Content-Type: %.*s", (int)strcspn(route->content_type, " "),
                route->content_type);
    return false;
  }
  return true;
}

enum http_outcome api_dispatch(struct api *api, struct exchange *exchange) {
  const struct route *route = exchange->route;
  if (route->methods == HTTP_POST && exchange->request.body.len > route->max_body) {
    problem_set(&exchange->response, 413, "the body is larger than %zu bytes", route->max_body);
    return HTTP_DONE;
  }
  if ((route->flags & ROUTE_NEEDS_STORE) && !api->ready) {
    api_unavailable(exchange, "recovering");
    return HTTP_DONE;
  }
  enum http_outcome outcome = route->handle(api, exchange);
  if (outcome == HTTP_DONE && exchange->response.body.failed)
    problem_set(&exchange->response, 422, "the answer would be larger than %d bytes: ask for less", HTTP_ANSWER_MAX);
  return outcome;
}

/* What was stored now, and not by the first call with the same key. */
static void note_stored(struct exchange *exchange, const struct reply *reply) {
  struct commit_receipt receipt;
  if (reply->replayed || reply->count == 0)
    return;
  if (reply->type == REPLY_RETRACTED)
    receipt = reply->receipt;
  else if (reply->type == REPLY_COMMITTED)
    reply_receipt(reply, reply->count - 1, &receipt);
  else
    return;
  exchange->stored_count = reply->count;
  exchange->stored_last_seq = receipt.seq;
}

void api_finish(struct api *api, struct exchange *exchange, const struct reply *reply) {
  exchange->route->finish(api, exchange, reply);
  note_stored(exchange, reply);
  if (exchange->response.body.failed)
    problem_set(&exchange->response, 503, "stored, but there is no memory for the answer");
}

void api_unavailable(struct exchange *exchange, const char *detail) {
  problem_set(&exchange->response, 503, "%s", detail);
}

void api_account(struct api *api, const struct exchange *exchange) {
  const char *endpoint = exchange->route ? exchange->route->path : "other";
  char labels[120];
  snprintf(labels, sizeof(labels), "endpoint=\"%s\",method=\"%s\",status=\"%d\"", endpoint,
           http_method_name(exchange->request.method), exchange->response.status);
  metric_add(metrics_cell(api->metrics, METRIC_HTTP_REQUESTS_TOTAL, labels), 1);
  snprintf(labels, sizeof(labels), "endpoint=\"%s\"", endpoint);
  metric_observe(metrics_cell(api->metrics, METRIC_HTTP_REQUEST_DURATION, labels),
                 clock_monotonic() - exchange->started_us);
  audit_note(api->audit, api, exchange);
}
