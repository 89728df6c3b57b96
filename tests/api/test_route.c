#include "api/auth.h"
#include "api/route.h"

#include <stdlib.h>

#include "tests/api/call.h"

static void unknown_paths_are_not_found(void) {
  static const char *const paths[] = {"/",
                                      "/v1",
                                      "/v1/",
                                      "/v1/assert/",
                                      "/v1/assertion",
                                      "/v1/why",
                                      "/v1/why/",
                                      "/v1/assertions/",
                                      "/v1/assertions/a/b",
                                      "/v2/query",
                                      "/V1/query",
                                      "/metrics/",
                                      "/v1/health/x"};
  struct call call;
  call_open(&call);
  for (size_t i = 0; i < HARNESS_COUNT(paths); i++)
    CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, paths[i], NULL), 404);
  call_close(&call);
}

static void wrong_methods_are_told_the_right_ones(void) {
  static const struct {
    enum http_method method;
    const char *path, *allow;
  } cases[] = {
      {HTTP_GET, "/v1/assert", "Allow: POST"},
      {HTTP_HEAD, "/v1/import", "Allow: POST"},
      {HTTP_OTHER, "/v1/query", "Allow: GET, HEAD, POST"},
      {HTTP_POST, "/v1/health", "Allow: GET, HEAD"},
      {HTTP_POST, "/v1/assertions", "Allow: GET, HEAD"},
      {HTTP_POST, "/v1/assertions/0123", "Allow: GET, HEAD"},
      {HTTP_GET, "/v1/retract", "Allow: POST"},
      {HTTP_OTHER, "/metrics", "Allow: GET, HEAD"},
  };
  struct call call;
  call_open(&call);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    CU_ASSERT_EQUAL(call_make(&call, cases[i].method, cases[i].path, NULL), 405);
    CU_ASSERT_TRUE(call_has_header(&call, cases[i].allow));
  }
  call_close(&call);
}

/* A path that the route matches. */
static const char *path_of(const struct route *route, char *out, size_t size) {
  snprintf(out, size, "%.*s%s", (int)strcspn(route->path, "{"), route->path,
           strchr(route->path, '{') ? "0123456789abcdef" : "");
  return out;
}

static void every_call_of_the_contract_has_its_line(void) {
  static const char *const paths[] = {"/v1/assert",       "/v1/import",       "/v1/query",
                                      "/v1/retract",      "/v1/reinstate",    "/v1/assertions/{id}",
                                      "/v1/assertions",   "/v1/history",      "/v1/history/proof",
                                      "/v1/why/{id}",     "/v1/concepts",     "/v1/sources",
                                      "/v1/diff",         "/v1/conflicts",    "/v1/retractions",
                                      "/v1/backups",      "/v1/health",       "/v1/health/live",
                                      "/v1/health/ready", "/v1/openapi.json", "/metrics"};
  size_t count;
  const struct route *routes = route_table(&count);
  for (size_t i = 0; i < HARNESS_COUNT(paths); i++) {
    bool found = false;
    for (size_t k = 0; k < count; k++)
      found = found || strcmp(routes[k].path, paths[i]) == 0;
    CU_ASSERT_TRUE(found);
  }
}

static void later_calls_are_not_implemented(void) {
  struct call call;
  size_t count;
  const struct route *routes = route_table(&count);
  call_open(&call);
  for (size_t i = 0; i < count; i++) {
    char path[128];
    bool later = routes[i].flags & ROUTE_LATER;
    CU_ASSERT_EQUAL(later, !routes[i].handle && !routes[i].stream);
    /* A route with both is handed over by its handler. */
    if (!later)
      CU_ASSERT_EQUAL((routes[i].flags & ROUTE_STREAM) != 0, !routes[i].handle);
    if (routes[i].flags & ROUTE_STREAM)
      CU_ASSERT_PTR_NOT_NULL(routes[i].stream);
    if (later)
      CU_ASSERT_EQUAL(
          call_make(&call, (enum http_method)routes[i].methods, path_of(&routes[i], path, sizeof(path)), "{}"), 501);
  }
  call_close(&call);
}

static void calls_need_at_least_a_role(void) {
  size_t count;
  const struct route *routes = route_table(&count);
  for (size_t i = 0; i < count; i++)
    CU_ASSERT_EQUAL((routes[i].flags & ROUTE_OPEN) != 0, routes[i].role == ROLE_NONE);
}

static void strangers_need_a_token_for_health_too(void) {
  static const struct {
    const char *client, *path;
    int status;
  } cases[] = {
      {"127.0.0.1", "/metrics", 200},     {"127.9.9.9", "/v1/health", 503},      {"::1", "/metrics", 200},
      {"192.0.2.1", "/metrics", 401},     {"192.0.2.1", "/v1/health", 401},      {"2001:db8::1", "/v1/health", 401},
      {"::127.0.0.1", "/v1/health", 401}, {"127.", "/v1/health", 401},           {"", "/v1/health", 401},
      {"127.0.0.1", "/v1/concepts", 401}, {"192.0.2.1", "/v1/health/live", 200},
  };
  char path[FILEIO_PATH_MAX];
  struct err err;
  struct call call;
  call_open(&call);
  CU_ASSERT_EQUAL_FATAL(fileio_join(path, harness_folder(), "tokens", &err), 0);
  CU_ASSERT_EQUAL_FATAL(fileio_replace(path, "# none\n", 7, 0640, &err), 0);
  CU_ASSERT_EQUAL_FATAL(auth_open(path, &call.log, &call.api.auth, &err), 0);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    struct http_request *request = call_begin(&call, HTTP_GET, cases[i].path);
    request->client = span_str(cases[i].client);
    call_run(&call);
    CU_ASSERT_EQUAL(call.exchange.response.status, cases[i].status);
  }
  auth_close(call.api.auth);
  call.api.auth = NULL;
  call_close(&call);
}

static void bodies_need_their_type(void) {
  static const char *const paths[] = {"/v1/assert", "/v1/import", "/v1/query"};
  struct call call;
  call_open(&call);
  for (size_t i = 0; i < HARNESS_COUNT(paths); i++) {
    struct http_request *request = call_begin(&call, HTTP_POST, paths[i]);
    CU_ASSERT_FALSE(api_route(&call.api, &call.exchange));
    CU_ASSERT_EQUAL(call.exchange.response.status, 415);
    request = call_begin(&call, HTTP_POST, paths[i]);
    request->content_type = span_str("application/x-www-form-urlencoded");
    CU_ASSERT_FALSE(api_route(&call.api, &call.exchange));
    CU_ASSERT_EQUAL(call.exchange.response.status, 415);
  }
  call_close(&call);
}

static void large_bodies_are_refused(void) {
  static const struct {
    const char *path;
    size_t max;
  } cases[] = {{"/v1/assert", 8 << 20}, {"/v1/query", 1 << 20}};
  struct call call;
  call_open(&call);
  call.api.ready = true;
  char *body = calloc(1, (8 << 20) + 2);
  memset(body, ' ', (8 << 20) + 1);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    body[cases[i].max] = '\0';
    CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, cases[i].path, body), 400);
    body[cases[i].max] = ' ';
    body[cases[i].max + 1] = '\0';
    CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, cases[i].path, body), 413);
    body[cases[i].max + 1] = ' ';
  }
  free(body);
  call_close(&call);
}

static void calls_wait_for_the_store(void) {
  struct call call;
  call_open(&call);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/history", NULL), 503);
  CU_ASSERT_TRUE(call_has_header(&call, "Retry-After: 1"));
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/metrics", NULL), 200);
  call_close(&call);
}

static void accept_chooses_page_or_stream(void) {
  struct call call;
  call_open(&call);
  struct http_request *request = call_begin(&call, HTTP_GET, "/v1/assertions?limit=1");
  CU_ASSERT_TRUE(api_route(&call.api, &call.exchange));
  CU_ASSERT_EQUAL(call.exchange.route->flags & ROUTE_STREAM, 0);
  request = call_begin(&call, HTTP_HEAD, "/v1/assertions?limit=1");
  request->accept = span_str("application/x-ndjson");
  CU_ASSERT_TRUE(api_route(&call.api, &call.exchange));
  CU_ASSERT_EQUAL(call.exchange.route->flags & ROUTE_STREAM, ROUTE_STREAM);
  call_close(&call);
}

static void ids_are_matched(void) {
  struct call call;
  call_open(&call);
  struct http_request *request = call_begin(&call, HTTP_GET, "/v1/assertions/abc");
  CU_ASSERT_TRUE(api_route(&call.api, &call.exchange));
  CU_ASSERT_TRUE(span_equal(request->parameter, span_str("abc")));
  CU_ASSERT_STRING_EQUAL(call.exchange.route->path, "/v1/assertions/{id}");
  call_close(&call);
}

static void answers_are_counted(void) {
  struct call call;
  struct buf text;
  call_open(&call);
  call_make(&call, HTTP_GET, "/v1/health/live", NULL);
  api_account(&call.api, &call.exchange);
  api_account(&call.api, &call.exchange);
  call_make(&call, HTTP_OTHER, "/nothing\"here", NULL);
  api_account(&call.api, &call.exchange);
  buf_init(&text, 1 << 20);
  metrics_render(call.api.metrics, &text);
  buf_add_byte(&text, '\0');
  const char *all = (const char *)text.data;
  CU_ASSERT_PTR_NOT_NULL(
      strstr(all, "stemedb_http_requests_total{endpoint=\"/v1/health/live\",method=\"GET\",status=\"200\"} 2\n"));
  CU_ASSERT_PTR_NOT_NULL(
      strstr(all, "stemedb_http_requests_total{endpoint=\"other\",method=\"other\",status=\"404\"} 1\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(all, "stemedb_http_request_duration_seconds_count{endpoint=\"/v1/health/live\"} 2\n"));
  buf_free(&text);
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"an unknown path is not found", unknown_paths_are_not_found},
      {"a wrong method is told the right ones", wrong_methods_are_told_the_right_ones},
      {"every call of the contract has its line", every_call_of_the_contract_has_its_line},
      {"calls that come later say so", later_calls_are_not_implemented},
      {"every call that is not open needs a role", calls_need_at_least_a_role},
      {"health and metrics are open to this machine, elsewhere they want a token",
       strangers_need_a_token_for_health_too},
      {"a body needs its content type", bodies_need_their_type},
      {"a body over the limit is refused", large_bodies_are_refused},
      {"calls that need the store are refused without it, metrics are not", calls_wait_for_the_store},
      {"Accept chooses between page and stream of the feed", accept_chooses_page_or_stream},
      {"the last segment can be a parameter", ids_are_matched},
      {"answers are counted by endpoint, method and status", answers_are_counted},
  };
  return harness_run("api/route", cases, HARNESS_COUNT(cases));
}
