/*
 * Metrics in the shared segment: cells that any process of the node adds to with one atomic instruction, so sums are
 * exact and survive the death of whoever counted. Families are declared in one table (metrics_table.c); adding a metric
 * is one line there. A cell is a family with one set of labels, claimed at its first use; the number of cells is
 * bounded, and label values come from the code's own tables, never from a client. Text format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SUMMARY };

/* The families; the order is the order of /metrics. Each has a line in metrics_table.c. */
enum metric_id {
  METRIC_ASSERTIONS_TOTAL,
  METRIC_RETRACTIONS_TOTAL,
  METRIC_HTTP_REQUESTS_TOTAL,
  METRIC_HTTP_REQUEST_DURATION,
  METRIC_QUERIES_TOTAL,
  METRIC_QUERY_LATENCY,
  METRIC_ASSERTIONS_INGESTED_TOTAL,
  METRIC_WAL_SEGMENTS_TOTAL,
  METRIC_WAL_SEGMENTS,
  METRIC_WAL_FSYNC_LATENCY,
  METRIC_WAL_FSYNC_DURATION,
  METRIC_WAL_BYTES_TOTAL,
  METRIC_WAL_DISK_USAGE,
  METRIC_WAL_RECOVERY_DURATION,
  METRIC_CACHE_HIT_RATIO,
  METRIC_COMMIT_BATCH_SIZE,
  METRIC_LOCK_CONFLICTS_TOTAL,
  METRIC_WORKERS,
  METRIC_PROCESS_RESTARTS_TOTAL,
  METRIC_DATA_FREE_BYTES,
  METRIC_DATA_MIN_FREE_BYTES,
  METRIC_WRITABLE,
  METRIC_REQUESTS_SHED_TOTAL,
  METRIC_LAST_BACKUP_TIMESTAMP,
  METRIC_BACKUP_FAILURES_TOTAL,
  METRIC_LAST_DRILL_TIMESTAMP,
  METRIC_LAST_DRILL_SUCCESS,
  METRIC_LAST_DRILL_RTO,
  METRIC_LAST_DRILL_RPO,
  METRIC_WAL_ARCHIVE_LAG,
  METRIC_WAL_ARCHIVED_BYTES_TOTAL,
  METRIC_WAL_ARCHIVE_FAILURES_TOTAL,
  METRIC_UPTIME,
  METRIC_BUILD_INFO,
  METRIC_ID_COUNT
};

struct metric_family {
  enum metric_id id;
  const char *name, *help;
  enum metric_kind kind;
  double scale;         /* exposed value = cell value * scale (1e-6 for microseconds shown as seconds) */
  const double *bounds; /* histogram: upper bounds in exposed units, ascending, without +Inf; else NULL */
  size_t bound_count;
};

/* The table, indexed by metric_id. */
extern const struct metric_family metrics_table[METRIC_ID_COUNT];

struct metrics;     /* lives in the segment */
struct metric_cell; /* likewise; a pointer to one stays good while the segment is mapped */

/* Bytes that the area needs. */
size_t metrics_size(void);
/* Formats zeroed memory of metrics_size() bytes as an empty area. */
void metrics_format(void *memory);
/* The cell of a family with these labels, written as in the text format without braces (`role="worker",cause="signal"`;
 * "" for none; at most 119 bytes). Claims it on first use. Never NULL: when the area is full, one overflow cell. */
struct metric_cell *metrics_cell(struct metrics *m, enum metric_id id, const char *labels);
void metric_add(struct metric_cell *cell, uint64_t n);     /* counters */
void metric_set(struct metric_cell *cell, uint64_t value); /* gauges, in unscaled units */
/* Histograms and summaries: counts one observation, in unscaled units (microseconds for scale 1e-6). A summary keeps
 * the quantiles 0.5 and 0.99 of the last 5 minutes (ring of one log-linear histogram each 30 s). */
void metric_observe(struct metric_cell *cell, uint64_t value);
uint64_t metric_value(const struct metric_cell *cell);
/* Appends all families that have a cell, in the Prometheus text format 0.0.4. */
void metrics_render(const struct metrics *m, struct buf *out);

#endif
