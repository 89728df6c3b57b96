#include "api/resource.h"

#include "api/answer.h"
#include "api/problem.h"
#include "base/clock.h"
#include "model/timeline.h"

static const char *state_name(enum node_state state) {
  switch (state) {
  case NODE_STARTING: return "starting";
  case NODE_RECOVERING: return "recovering";
  case NODE_READY: return "ready";
  case NODE_STOPPING: return "stopping";
  case NODE_FAILED: break;
  }
  return "failed";
}

static const char *status_name(enum node_state state) {
  switch (state) {
  case NODE_READY: return "healthy";
  case NODE_STARTING:
  case NODE_RECOVERING: return "recovering";
  case NODE_STOPPING:
  case NODE_FAILED: break;
  }
  return "unhealthy";
}

/* 200 if the node is ready, else 503 with Retry-After: health answers from the shared segment alone, so also while the
 * committer recovers. */
static enum node_state begin_health(struct api *api, struct exchange *exchange) {
  enum node_state state = segment_state(api->segment);
  answer_begin(exchange, state == NODE_READY ? 200 : 503);
  if (state != NODE_READY)
    buf_add_str(&exchange->response.headers, "Retry-After: 1\r\n");
  return state;
}

enum http_outcome health_handle(struct api *api, struct exchange *exchange) {
  struct buf *out = &exchange->response.body;
  enum node_state state = begin_health(api, exchange);
  struct watermark mark;
  segment_watermark(api->segment, &mark);
  buf_addf(out,
           "{\"status\":\"%s\",\"version\":\"%s\",\"uptime_seconds\":%llu,\"assertion_count\":%llu,\"last_seq\":%llu",
           status_name(state), PACKAGE_VERSION,
           (unsigned long long)((clock_monotonic() - segment_started(api->segment)) / 1000000),
           (unsigned long long)mark.assertion_count, (unsigned long long)mark.visible_seq);
  /* No timeline has the number 0: the committer has not published anything yet. */
  if (mark.timeline > 0) {
    answer_history(out, &mark);
    buf_add_str(out, ",\"history_root\":\"");
    buf_add_hex(out, mark.root, sizeof(mark.root));
    buf_add_byte(out, '"');
    answer_timestamp(out, "timestamp", mark.visible_seq, mark.time_us);
  }
  bool read_only = api->config->read_only;
  bool writable =
      state == NODE_READY && !read_only && !segment_disk_full(api->segment) && !segment_stalled(api->segment);
  buf_addf(out, ",\"state\":\"%s\",\"writable\":%s,\"read_only\":%s,\"archived\":%s}\n", state_name(state),
           writable ? "true" : "false", read_only ? "true" : "false",
           api->config->archive_target[0] ? "true" : "false");
  return HTTP_DONE;
}

enum http_outcome health_live_handle(struct api *api, struct exchange *exchange) {
  (void)api;
  answer_begin(exchange, 200);
  buf_add_str(&exchange->response.body, "{\"status\":\"live\"}\n");
  return HTTP_DONE;
}

enum http_outcome health_ready_handle(struct api *api, struct exchange *exchange) {
  enum node_state state = begin_health(api, exchange);
  buf_addf(&exchange->response.body, "{\"status\":\"%s\"}\n", state_name(state));
  return HTTP_DONE;
}
