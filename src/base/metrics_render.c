#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics_cells.h"

/* One cell with its labels as text. */
struct shown {
  const struct metric_cell *cell;
  char labels[LABEL_WORDS * 8];
};

static int shown_compare(const void *a, const void *b) {
  const struct shown *x = a, *y = b;
  return strcmp(x->labels, y->labels);
}

/* Whether it is a named cell of this family; then *out. */
static bool cell_show(const struct metric_cell *cell, const struct metric_family *family, struct shown *out) {
  uint64_t words[LABEL_WORDS];
  if (!atomic_load_explicit(&cell->named, memory_order_acquire) ||
      atomic_load_explicit(&cell->family, memory_order_relaxed) != (uint32_t)family->id)
    return false;
  for (size_t i = 0; i < LABEL_WORDS; i++)
    words[i] = atomic_load_explicit(&cell->labels[i], memory_order_relaxed);
  memcpy(out->labels, words, sizeof(out->labels));
  out->cell = cell;
  return true;
}

static const struct metric_cell *cell_of_kind(const struct metrics *m, enum metric_kind kind, size_t i) {
  switch (kind) {
  case METRIC_HISTOGRAM: return i < HISTOGRAM_CELLS ? &m->histograms[i].cell : NULL;
  case METRIC_SUMMARY: return i < SUMMARY_CELLS ? &m->summaries[i].cell : NULL;
  case METRIC_COUNTER:
  case METRIC_GAUGE: break;
  }
  return i < SIMPLE_CELLS ? &m->simple[i] : NULL;
}

/* A whole number as it is, else the shortest form that is exact to 15 digits. */
static void add_number(struct buf *out, uint64_t value, double scale) {
  if (scale == 1)
    buf_add_dec(out, value);
  else
    buf_addf(out, "%.15g", (double)value * scale);
}

/* name SUFFIX { labels , extra } and a blank. */
static void add_name(struct buf *out, const struct metric_family *family, const char *suffix, const char *labels,
                     const char *extra) {
  buf_add_str(out, family->name);
  buf_add_str(out, suffix);
  if (*labels || *extra) {
    buf_add_byte(out, '{');
    buf_add_str(out, labels);
    buf_add_str(out, *labels && *extra ? "," : "");
    buf_add_str(out, extra);
    buf_add_byte(out, '}');
  }
  buf_add_byte(out, ' ');
}

static void add_sum_and_count(struct buf *out, const struct metric_family *family, const struct shown *shown,
                              uint64_t count) {
  add_name(out, family, "_sum", shown->labels, "");
  add_number(out, metric_value(shown->cell), family->scale);
  buf_add_byte(out, '\n');
  add_name(out, family, "_count", shown->labels, "");
  buf_add_dec(out, count);
  buf_add_byte(out, '\n');
}

static void add_histogram(struct buf *out, const struct metric_family *family, const struct shown *shown) {
  const struct histogram_cell *h = (const struct histogram_cell *)shown->cell;
  uint64_t count = 0;
  for (size_t i = 0; i <= family->bound_count; i++) {
    char bound[40] = "le=\"+Inf\"";
    if (i < family->bound_count)
      snprintf(bound, sizeof(bound), "le=\"%.15g\"", family->bounds[i]);
    count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    add_name(out, family, "_bucket", shown->labels, bound);
    buf_add_dec(out, count);
    buf_add_byte(out, '\n');
  }
  add_sum_and_count(out, family, shown, count);
}

static void add_summary(struct buf *out, const struct metric_family *family, const struct shown *shown) {
  static const struct {
    double quantile;
    const char *label;
  } quantiles[] = {{0.5, "quantile=\"0.5\""}, {0.99, "quantile=\"0.99\""}};
  const struct summary_cell *s = (const struct summary_cell *)shown->cell;
  uint64_t now = clock_monotonic();
  for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
    double value;
    add_name(out, family, "", shown->labels, quantiles[i].label);
    if (window_quantile(s, quantiles[i].quantile, now, &value))
      buf_addf(out, "%.6g\n", value * family->scale);
    else
      buf_add_str(out, "NaN\n"); /* what Prometheus' own clients say of an empty window */
  }
  add_sum_and_count(out, family, shown, atomic_load_explicit(&s->count, memory_order_relaxed));
}

static void add_family(struct buf *out, const struct metric_family *family, const struct shown *shown, size_t count) {
  static const char *const kinds[] = {
      [METRIC_COUNTER] = "counter",
      [METRIC_GAUGE] = "gauge",
      [METRIC_HISTOGRAM] = "histogram",
      [METRIC_SUMMARY] = "summary",
  };
  buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, kinds[family->kind]);
  for (size_t i = 0; i < count; i++) {
    switch (family->kind) {
    case METRIC_HISTOGRAM: add_histogram(out, family, &shown[i]); break;
    case METRIC_SUMMARY: add_summary(out, family, &shown[i]); break;
    case METRIC_COUNTER:
    case METRIC_GAUGE:
      add_name(out, family, "", shown[i].labels, "");
      add_number(out, metric_value(shown[i].cell), family->scale);
      buf_add_byte(out, '\n');
      break;
    }
  }
}

void metrics_render(const struct metrics *m, struct buf *out) {
  struct shown *shown = malloc(SIMPLE_CELLS * sizeof(*shown));
  if (!shown) {
    out->failed = true;
    return;
  }
  for (size_t id = 0; id < METRIC_ID_COUNT; id++) {
    const struct metric_family *family = &metrics_table[id];
    const struct metric_cell *cell;
    size_t count = 0;
    for (size_t i = 0; (cell = cell_of_kind(m, family->kind, i)) != NULL; i++)
      count += cell_show(cell, family, &shown[count]) ? 1 : 0;
    if (count == 0)
      continue;
    qsort(shown, count, sizeof(*shown), shown_compare);
    add_family(out, family, shown, count);
  }
  free(shown);
}
