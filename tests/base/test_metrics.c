#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics_cells.h"
#include "tests/harness/harness.h"

static struct metrics *area(void) {
  struct metrics *m = aligned_alloc(64, (metrics_size() + 63) / 64 * 64);
  CU_ASSERT_PTR_NOT_NULL_FATAL(m);
  memset((void *)m, 0, metrics_size());
  metrics_format(m);
  return m;
}

/* The rendered text, NUL-terminated; free() it. */
static char *render(const struct metrics *m) {
  struct buf b;
  struct err err;
  buf_init(&b, 4 << 20);
  metrics_render(m, &b);
  buf_add_byte(&b, 0);
  CU_ASSERT_EQUAL_FATAL(buf_check(&b, "metrics", &err), 0);
  return (char *)b.data;
}

static bool shows(const struct metrics *m, const char *text) {
  char *all = render(m);
  bool found = strstr(all, text) != NULL;
  free(all);
  return found;
}

static void nothing_is_shown_of_nothing(void) {
  struct metrics *m = area();
  CU_ASSERT_TRUE(shows(m, ""));
  char *all = render(m);
  CU_ASSERT_STRING_EQUAL(all, "");
  free(all);
  free(m);
}

static void counters_and_gauges_are_shown(void) {
  struct metrics *m = area();
  metric_add(metrics_cell(m, METRIC_ASSERTIONS_TOTAL, ""), 3);
  metric_add(metrics_cell(m, METRIC_ASSERTIONS_TOTAL, ""), 4);
  metric_set(metrics_cell(m, METRIC_WORKERS, "state=\"ready\""), 2);
  metric_set(metrics_cell(m, METRIC_WORKERS, "state=\"down\""), 1);
  metric_set(metrics_cell(m, METRIC_WORKERS, "state=\"ready\""), 5);
  metric_set(metrics_cell(m, METRIC_UPTIME, ""), 1234567);
  metric_set(metrics_cell(m, METRIC_LAST_BACKUP_TIMESTAMP, ""), 1795556595123456);
  char *all = render(m);
  CU_ASSERT_STRING_EQUAL(
      all, "# HELP stemedb_assertions_total Assertions in the history, retracted ones included.\n"
           "# TYPE stemedb_assertions_total counter\n"
           "stemedb_assertions_total 7\n"
           "# HELP stemedb_workers Workers by state.\n"
           "# TYPE stemedb_workers gauge\n"
           "stemedb_workers{state=\"down\"} 1\n"
           "stemedb_workers{state=\"ready\"} 5\n"
           "# HELP stemedb_last_backup_timestamp_seconds Unix time of the last good backup; 0 if there is none.\n"
           "# TYPE stemedb_last_backup_timestamp_seconds gauge\n"
           "stemedb_last_backup_timestamp_seconds 1795556595.12346\n"
           "# HELP stemedb_uptime_seconds Time since the node started.\n"
           "# TYPE stemedb_uptime_seconds gauge\n"
           "stemedb_uptime_seconds 1.234567\n");
  free(all);
  free(m);
}

static void histograms_are_cumulative(void) {
  struct metrics *m = area();
  struct metric_cell *cell = metrics_cell(m, METRIC_QUERY_LATENCY, "lens=\"recency\"");
  metric_observe(cell, 250); /* on the first bound: belongs below it */
  metric_observe(cell, 251);
  metric_observe(cell, 4000);
  metric_observe(cell, 60000000);
  CU_ASSERT_TRUE(shows(m, "# TYPE stemedb_query_latency_seconds histogram\n"
                          "stemedb_query_latency_seconds_bucket{lens=\"recency\",le=\"0.00025\"} 1\n"
                          "stemedb_query_latency_seconds_bucket{lens=\"recency\",le=\"0.0005\"} 2\n"
                          "stemedb_query_latency_seconds_bucket{lens=\"recency\",le=\"0.001\"} 2\n"));
  CU_ASSERT_TRUE(shows(m, "{lens=\"recency\",le=\"0.005\"} 3\n"));
  CU_ASSERT_TRUE(shows(m, "{lens=\"recency\",le=\"10\"} 3\n"
                          "stemedb_query_latency_seconds_bucket{lens=\"recency\",le=\"+Inf\"} 4\n"
                          "stemedb_query_latency_seconds_sum{lens=\"recency\"} 60.004501\n"
                          "stemedb_query_latency_seconds_count{lens=\"recency\"} 4\n"));
  free(m);
}

static void summaries_show_quantiles(void) {
  struct metrics *m = area();
  struct metric_cell *cell = metrics_cell(m, METRIC_WAL_FSYNC_LATENCY, "");
  CU_ASSERT_TRUE(shows(m, "wal_fsync_latency_seconds{quantile=\"0.5\"} NaN\n"
                          "wal_fsync_latency_seconds{quantile=\"0.99\"} NaN\n"
                          "wal_fsync_latency_seconds_sum 0\nwal_fsync_latency_seconds_count 0\n"));
  for (int i = 0; i < 98; i++)
    metric_observe(cell, 10);
  metric_observe(cell, 15);
  metric_observe(cell, 1000000);
  CU_ASSERT_TRUE(shows(m, "wal_fsync_latency_seconds{quantile=\"0.5\"} 1e-05\n"
                          "wal_fsync_latency_seconds{quantile=\"0.99\"} 1.5e-05\n"
                          "wal_fsync_latency_seconds_sum 1.000995\nwal_fsync_latency_seconds_count 100\n"));
  free(m);
}

static void windows_forget_after_five_minutes(void) {
  const uint64_t period = 30000000, start = 1000 * period;
  struct summary_cell *s = aligned_alloc(64, sizeof(*s));
  double value = 0;
  memset((void *)s, 0, sizeof(*s));
  window_observe(s, 100, start);
  CU_ASSERT_TRUE(window_quantile(s, 0.5, start + 10 * period, &value));
  CU_ASSERT_FALSE(window_quantile(s, 0.5, start + 11 * period, &value));
  window_observe(s, 9, start + 11 * period);
  CU_ASSERT_TRUE(window_quantile(s, 0.99, start + 11 * period, &value));
  CU_ASSERT_EQUAL(value, 9);
  window_observe(s, 5, start + 12 * period);
  CU_ASSERT_TRUE(window_quantile(s, 0.5, start + 12 * period, &value));
  CU_ASSERT_EQUAL(value, 5);
  CU_ASSERT_TRUE(window_quantile(s, 0.99, start + 12 * period, &value));
  CU_ASSERT_EQUAL(value, 9);
  free(s);
}

static void windows_are_close_at_every_size(void) {
  struct summary_cell *s = aligned_alloc(64, sizeof(*s));
  for (uint64_t v = 1; v < UINT64_C(1) << 36; v += v / 3 + 1) {
    double value = 0;
    memset((void *)s, 0, sizeof(*s));
    window_observe(s, v, 0);
    CU_ASSERT_TRUE(window_quantile(s, 0.5, 0, &value));
    double error = value - (double)v;
    CU_ASSERT(error <= (double)v / 32 && -error <= (double)v / 32);
  }
  memset((void *)s, 0, sizeof(*s));
  window_observe(s, UINT64_MAX, 0);
  double greatest = 0;
  CU_ASSERT_TRUE(window_quantile(s, 0.5, 0, &greatest));
  CU_ASSERT(greatest > 6.6e10);
  free(s);
}

static void full_areas_lose_no_cell_that_is_there(void) {
  struct metrics *m = area();
  struct metric_cell *last = NULL;
  char labels[120];
  for (int i = 0; i < SIMPLE_CELLS + 10; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%d\"", i);
    last = metrics_cell(m, METRIC_HTTP_REQUESTS_TOTAL, labels);
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    metric_add(last, 1);
  }
  CU_ASSERT_EQUAL(metric_value(last), 10);
  CU_ASSERT_EQUAL(metric_value(metrics_cell(m, METRIC_HTTP_REQUESTS_TOTAL, "endpoint=\"0\"")), 1);
  for (int i = 0; i < HISTOGRAM_CELLS + 10; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%d\"", i);
    metric_observe(metrics_cell(m, METRIC_HTTP_REQUEST_DURATION, labels), 1);
  }
  for (int i = 0; i < SUMMARY_CELLS + 10; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%d\"", i);
    metric_observe(metrics_cell(m, METRIC_WAL_FSYNC_LATENCY, labels), 1);
  }
  char *all = render(m);
  size_t lines = 0;
  for (char *p = all; (p = strchr(p, '\n')) != NULL; p++)
    lines++;
  /* Requests; 14 bounds, +Inf, sum and count; two quantiles, sum and count; HELP and TYPE. */
  CU_ASSERT_EQUAL(lines, SIMPLE_CELLS + HISTOGRAM_CELLS * 17 + SUMMARY_CELLS * 4 + 3 * 2);
  free(all);
  free(m);
}

static void half_claimed_cells_are_completed(void) {
  struct metrics *m = area();
  struct metric_cell *cell = metrics_cell(m, METRIC_WORKERS, "state=\"ready\"");
  /* As a process that was killed right after its claim leaves it. */
  atomic_store(&cell->named, 0);
  memset((void *)cell->labels, 0, sizeof(cell->labels));
  CU_ASSERT_FALSE(shows(m, "stemedb_workers"));
  CU_ASSERT_PTR_EQUAL(metrics_cell(m, METRIC_WORKERS, "state=\"ready\""), cell);
  CU_ASSERT_TRUE(shows(m, "stemedb_workers{state=\"ready\"} 0\n"));
  free(m);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_in_every_cell(void *arg) {
  struct metrics *m = arg;
  char labels[40];
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%d\"", i % 100);
    metric_add(metrics_cell(m, METRIC_HTTP_REQUESTS_TOTAL, labels), 1);
    metric_observe(metrics_cell(m, METRIC_COMMIT_BATCH_SIZE, ""), 3);
  }
  return NULL;
}

static void sums_are_exact_over_threads(void) {
  struct metrics *m = area();
  pthread_t threads[THREADS];
  char labels[40];
  for (int i = 0; i < THREADS; i++)
    CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_in_every_cell, m), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < 100; i++) {
    snprintf(labels, sizeof(labels), "endpoint=\"%d\"", i);
    CU_ASSERT_EQUAL(metric_value(metrics_cell(m, METRIC_HTTP_REQUESTS_TOTAL, labels)), THREADS * ROUNDS / 100);
  }
  CU_ASSERT_TRUE(shows(m, "stemedb_commit_batch_size_bucket{le=\"2\"} 0\n"
                          "stemedb_commit_batch_size_bucket{le=\"4\"} 80000\n"));
  CU_ASSERT_TRUE(shows(m, "stemedb_commit_batch_size_sum 240000\nstemedb_commit_batch_size_count 80000\n"));
  free(m);
}

static void the_table_is_whole(void) {
  for (size_t i = 0; i < METRIC_ID_COUNT; i++) {
    const struct metric_family *f = &metrics_table[i];
    CU_ASSERT_EQUAL(f->id, i);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->name);
    CU_ASSERT(f->scale > 0);
    CU_ASSERT_EQUAL(f->kind == METRIC_HISTOGRAM, f->bound_count > 0);
    CU_ASSERT(f->bound_count <= HISTOGRAM_BOUNDS_MAX);
    for (size_t b = 1; b < f->bound_count; b++)
      CU_ASSERT(f->bounds[b - 1] < f->bounds[b]);
    size_t len = strlen(f->name);
    bool total = len > 6 && strcmp(f->name + len - 6, "_total") == 0;
    CU_ASSERT_EQUAL(f->kind == METRIC_COUNTER, total);
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"the table has a line for each family", the_table_is_whole},
      {"families without a cell are not shown", nothing_is_shown_of_nothing},
      {"counters and gauges are shown in the order of table and labels", counters_and_gauges_are_shown},
      {"the buckets of a histogram are cumulative, bounds included", histograms_are_cumulative},
      {"a summary shows its quantiles, sum and count", summaries_show_quantiles},
      {"a window forgets what is older than five minutes", windows_forget_after_five_minutes},
      {"a window is within 1/32 of any value", windows_are_close_at_every_size},
      {"a full area counts what is new in its overflow cell", full_areas_lose_no_cell_that_is_there},
      {"a cell whose claimer was killed is completed by the next", half_claimed_cells_are_completed},
      {"sums are exact over threads that claim the same cells", sums_are_exact_over_threads},
  };
  return harness_run("metrics", cases, HARNESS_COUNT(cases));
}
