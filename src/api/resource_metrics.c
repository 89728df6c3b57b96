#include "api/resource.h"

#include "api/answer.h"
#include "base/clock.h"

enum http_outcome metrics_handle(struct api *api, struct exchange *exchange) {
  struct metrics *m = api->metrics;
  struct watermark mark;
  segment_watermark(api->segment, &mark);
  metric_set(metrics_cell(m, METRIC_ASSERTIONS_TOTAL, ""), mark.assertion_count);
  metric_set(metrics_cell(m, METRIC_UPTIME, ""), clock_monotonic() - segment_started(api->segment));
  metric_set(metrics_cell(m, METRIC_BUILD_INFO, "version=\"" PACKAGE_VERSION "\""), 1);
  answer_begin(exchange, 200);
  exchange->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  metrics_render(m, &exchange->response.body);
  return HTTP_DONE;
}
