#include "api/resource.h"
#include "tests/api/call.h"

static void a_ready_node_is_healthy(void) {
  struct call call;
  call_open(&call);
  call_publish(&call, 10234);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), 200);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/status"), "healthy");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/version"), PACKAGE_VERSION);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/uptime_seconds"), "0");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/assertion_count"), "10234");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/last_seq"), "10234");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/history"), "11111111111111111111111111111111.1-0000000000000022");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/history_root"),
                         "abababababababababababababababababababababababababababababababab");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/timestamp"), "2025-11-24T22:03:15.123456Z");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/writable"), "true");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/archived"), "false");
  snprintf(call.config.archive_target, sizeof(call.config.archive_target), "/archive");
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), 200);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/archived"), "true");
  CU_ASSERT_EQUAL(call_make(&call, HTTP_HEAD, "/v1/health", NULL), 200);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health/ready", NULL), 200);
  call_close(&call);
}

static void each_state_has_its_status(void) {
  static const struct {
    enum node_state state;
    int status;
    const char *name;
  } cases[] = {{NODE_STARTING, 503, "recovering"},
               {NODE_RECOVERING, 503, "recovering"},
               {NODE_READY, 200, "healthy"},
               {NODE_STOPPING, 503, "unhealthy"},
               {NODE_FAILED, 503, "unhealthy"}};
  struct call call;
  call_open(&call);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    segment_set_state(call.segment, cases[i].state);
    CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), cases[i].status);
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/status"), cases[i].name);
    CU_ASSERT_EQUAL(call_has_header(&call, "Retry-After: 1"), cases[i].status == 503);
    CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health/ready", NULL), cases[i].status);
    CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health/live", NULL), 200);
  }
  call_close(&call);
}

static void before_the_first_mark_there_is_no_history(void) {
  struct call call;
  call_open(&call);
  segment_set_state(call.segment, NODE_RECOVERING);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), 503);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/assertion_count"), "0");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/history"), "");
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/metrics", NULL), 200);
  /* A 0 would be taken for a reset of the counter. */
  CU_ASSERT_PTR_NULL(strstr(arena_str(call.arena, buf_span(&call.exchange.response.body)), "stemedb_assertions_total"));
  call_publish(&call, 0);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), 200);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/timestamp"), "null");
  call_close(&call);
}

static void a_full_disk_is_told(void) {
  struct call call;
  call_open(&call);
  call_publish(&call, 1);
  segment_set_disk_full(call.segment, true);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/health", NULL), 200);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/writable"), "false");
  call_close(&call);
}

static void metrics_hold_count_and_version(void) {
  struct call call;
  call_open(&call);
  call_publish(&call, 7);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/metrics", NULL), 200);
  CU_ASSERT_STRING_EQUAL(call.exchange.response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  char *text = arena_str(call.arena, buf_span(&call.exchange.response.body));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nstemedb_assertions_total 7\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nstemedb_build_info{version=\"" PACKAGE_VERSION "\"} 1\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nstemedb_uptime_seconds "));
  call_close(&call);
}

static void failures_and_lenses_are_shown_from_zero(void) {
  struct call call;
  call_open(&call);
  metrics_begin(&call.api);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/metrics", NULL), 200);
  char *text = arena_str(call.arena, buf_span(&call.exchange.response.body));
  CU_ASSERT_PTR_NOT_NULL(
      strstr(text, "\nstemedb_http_requests_total{endpoint=\"/v1/assert\",method=\"POST\",status=\"409\"} 0\n"));
  CU_ASSERT_PTR_NOT_NULL(
      strstr(text, "\nstemedb_http_requests_total{endpoint=\"/v1/why/{id}\",method=\"GET\",status=\"500\"} 0\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nstemedb_queries_total{lens=\"skeptic\"} 0\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nstemedb_query_latency_seconds_count{lens=\"layered\"} 0\n"));
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a ready node is healthy and names its snapshot", a_ready_node_is_healthy},
      {"each state of the node has its status", each_state_has_its_status},
      {"before the first mark there is no history to name", before_the_first_mark_there_is_no_history},
      {"a full disk is told, and is not unhealthy", a_full_disk_is_told},
      {"metrics hold the count and the version", metrics_hold_count_and_version},
      {"failures of every call and queries of every lens are shown from 0", failures_and_lenses_are_shown_from_zero},
  };
  return harness_run("api/health", cases, HARNESS_COUNT(cases));
}
