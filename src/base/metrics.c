#include "base/metrics.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics_cells.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "cells are shared between processes");

size_t metrics_size(void) {
  return sizeof(struct metrics);
}

void metrics_format(void *memory) {
  struct metrics *m = memory;
  atomic_store(&m->simple[SIMPLE_CELLS].family, METRIC_ID_COUNT);
  atomic_store(&m->histograms[HISTOGRAM_CELLS].cell.family, METRIC_ID_COUNT);
  atomic_store(&m->summaries[SUMMARY_CELLS].cell.family, METRIC_ID_COUNT);
}

/* FNV-1a over family and labels; 0 is kept for free cells. */
static uint64_t key_of(enum metric_id id, const char *labels) {
  uint64_t h = (0xcbf29ce484222325U ^ (uint64_t)id) * 0x100000001b3U;
  for (const char *p = labels; *p; p++)
    h = (h ^ (unsigned char)*p) * 0x100000001b3U;
  return h ? h : 1;
}

static void cell_name(struct metric_cell *cell, enum metric_id id, const char *labels) {
  uint64_t words[LABEL_WORDS] = {0};
  size_t len = strlen(labels);
  memcpy(words, labels, len < sizeof(words) ? len : sizeof(words) - 1);
  for (size_t i = 0; i < LABEL_WORDS; i++)
    atomic_store_explicit(&cell->labels[i], words[i], memory_order_relaxed);
  atomic_store_explicit(&cell->family, (uint32_t)id, memory_order_relaxed);
  atomic_store_explicit(&cell->named, 1, memory_order_release);
}

/* Whether `cell` is, or has now become, the one of `key`. */
static bool cell_claim(struct metric_cell *cell, uint64_t key) {
  uint64_t expected = 0;
  return atomic_load(&cell->key) == key || atomic_compare_exchange_strong(&cell->key, &expected, key) ||
         expected == key;
}

/* The i-th of the cells of this kind; *count of them, without the overflow cell. */
static struct metric_cell *cell_at(struct metrics *m, enum metric_kind kind, size_t i, size_t *count) {
  switch (kind) {
  case METRIC_HISTOGRAM: *count = HISTOGRAM_CELLS; return &m->histograms[i].cell;
  case METRIC_SUMMARY: *count = SUMMARY_CELLS; return &m->summaries[i].cell;
  case METRIC_COUNTER:
  case METRIC_GAUGE: break;
  }
  *count = SIMPLE_CELLS;
  return &m->simple[i];
}

struct metric_cell *metrics_cell(struct metrics *m, enum metric_id id, const char *labels) {
  enum metric_kind kind = metrics_table[id].kind;
  uint64_t key = key_of(id, labels);
  size_t count;
  cell_at(m, kind, 0, &count);
  for (size_t i = 0; i < count; i++) {
    struct metric_cell *cell = cell_at(m, kind, (key + i) % count, &count);
    if (!cell_claim(cell, key))
      continue;
    if (!atomic_load_explicit(&cell->named, memory_order_acquire))
      cell_name(cell, id, labels);
    return cell;
  }
  return cell_at(m, kind, count, &count);
}

void metric_add(struct metric_cell *cell, uint64_t n) {
  atomic_fetch_add_explicit(&cell->value, n, memory_order_relaxed);
}

void metric_set(struct metric_cell *cell, uint64_t value) {
  atomic_store_explicit(&cell->value, value, memory_order_relaxed);
}

uint64_t metric_value(const struct metric_cell *cell) {
  return atomic_load_explicit(&cell->value, memory_order_relaxed);
}

void metric_observe(struct metric_cell *cell, uint64_t value) {
  uint32_t id = atomic_load_explicit(&cell->family, memory_order_relaxed);
  if (id >= METRIC_ID_COUNT)
    return;
  const struct metric_family *family = &metrics_table[id];
  metric_add(cell, value);
  if (family->kind == METRIC_HISTOGRAM) {
    struct histogram_cell *h = (struct histogram_cell *)cell;
    size_t bucket = 0;
    while (bucket < family->bound_count && (double)value * family->scale > family->bounds[bucket])
      bucket++;
    atomic_fetch_add_explicit(&h->counts[bucket], 1, memory_order_relaxed);
  } else if (family->kind == METRIC_SUMMARY) {
    struct summary_cell *s = (struct summary_cell *)cell;
    atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
    window_observe(s, value, clock_monotonic());
  }
}
