#include "api/resource.h"

#include <stdio.h>

#include "api/answer.h"
#include "api/route.h"
#include "base/clock.h"
#include "domain/lens.h"

enum { LABELS_SIZE = 120 };

static void begin_route(struct metrics *m, const struct route *route) {
  static const int failures[] = {500, 503, 409};
  char labels[LABELS_SIZE];
  size_t count = sizeof(failures) / sizeof(failures[0]) - (route->methods == HTTP_POST ? 0 : 1);
  for (size_t i = 0; i < count; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%s\",method=\"%s\",status=\"%d\"", route->path,
             http_method_name((enum http_method)route->methods), failures[i]);
    metrics_cell(m, METRIC_HTTP_REQUESTS_TOTAL, labels);
  }
  snprintf(labels, sizeof(labels), "endpoint=\"%s\"", route->path);
  metrics_cell(m, METRIC_HTTP_REQUEST_DURATION, labels);
}

void metrics_begin(struct api *api) {
  char labels[LABELS_SIZE];
  size_t count;
  const struct route *routes = route_table(&count);
  for (size_t i = 0; i < count; i++)
    begin_route(api->metrics, &routes[i]);
  const struct lens *lenses = lens_table(&count);
  for (size_t i = 0; i < count; i++) {
    snprintf(labels, sizeof(labels), "lens=\"%s\"", lenses[i].name);
    metrics_cell(api->metrics, METRIC_QUERIES_TOTAL, labels);
    metrics_cell(api->metrics, METRIC_QUERY_LATENCY, labels);
  }
  metrics_cell(api->metrics, METRIC_REQUESTS_SHED_TOTAL, "");
}

enum http_outcome metrics_handle(struct api *api, struct exchange *exchange) {
  struct metrics *m = api->metrics;
  struct watermark mark;
  segment_watermark(api->segment, &mark);
  /* Before the committer has published anything, 0 would be taken for a counter that was reset. */
  if (mark.timeline > 0)
    metric_set(metrics_cell(m, METRIC_ASSERTIONS_TOTAL, ""), mark.assertion_count);
  metric_set(metrics_cell(m, METRIC_UPTIME, ""), clock_monotonic() - segment_started(api->segment));
  metric_set(metrics_cell(m, METRIC_BUILD_INFO, "version=\"" PACKAGE_VERSION "\""), 1);
  answer_begin(exchange, 200);
  exchange->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  metrics_render(m, &exchange->response.body);
  return HTTP_DONE;
}
