#include "base/metrics_cells.h"

enum { WINDOW_PERIOD_US = 30 * 1000 * 1000, LINEAR = 1 << WINDOW_LINEAR_BITS };

/* Below LINEAR a bucket a value; above, LINEAR buckets for each power of two. */
static size_t bucket_of(uint64_t value) {
  if (value < LINEAR)
    return (size_t)value;
  unsigned octave = 63 - (unsigned)__builtin_clzll(value);
  size_t within = (size_t)(value >> (octave - WINDOW_LINEAR_BITS)) & (LINEAR - 1);
  size_t bucket = (octave - WINDOW_LINEAR_BITS + 1) * LINEAR + within;
  return bucket < WINDOW_BUCKETS ? bucket : WINDOW_BUCKETS - 1;
}

/* The middle of a bucket. */
static double bucket_value(size_t bucket) {
  if (bucket < LINEAR)
    return (double)bucket;
  size_t shift = bucket / LINEAR - 1;
  uint64_t low = (uint64_t)(LINEAR + bucket % LINEAR) << shift;
  return (double)low + (double)(((uint64_t)1 << shift) - 1) / 2;
}

static uint64_t period_of(uint64_t now) {
  return now / WINDOW_PERIOD_US + 1;
}

void window_observe(struct summary_cell *s, uint64_t value, uint64_t now) {
  uint64_t period = period_of(now);
  struct window_slot *slot = &s->slots[period % WINDOW_SLOTS];
  if (atomic_load(&slot->period) != period) {
    /* Emptied before it is renamed: a process killed in between leaves it under its old name, to be emptied again. Two
     * that do this at once may lose a few observations to each other; quantiles can bear that, sum and count do not
     * come from here. */
    for (size_t i = 0; i < WINDOW_BUCKETS; i++)
      atomic_store_explicit(&slot->counts[i], 0, memory_order_relaxed);
    atomic_store(&slot->period, period);
  }
  atomic_fetch_add_explicit(&slot->counts[bucket_of(value)], 1, memory_order_relaxed);
}

static bool slot_counts(const struct window_slot *slot, uint64_t period) {
  uint64_t at = atomic_load(&slot->period);
  return at != 0 && at <= period && at + WINDOW_SLOTS > period;
}

bool window_quantile(const struct summary_cell *s, double quantile, uint64_t now, double *value) {
  uint64_t counts[WINDOW_BUCKETS] = {0}, total = 0, period = period_of(now);
  for (size_t i = 0; i < WINDOW_SLOTS; i++)
    for (size_t b = 0; slot_counts(&s->slots[i], period) && b < WINDOW_BUCKETS; b++)
      counts[b] += atomic_load_explicit(&s->slots[i].counts[b], memory_order_relaxed);
  for (size_t b = 0; b < WINDOW_BUCKETS; b++)
    total += counts[b];
  if (total == 0)
    return false;
  /* The smallest value that at least this part of the observations does not exceed. */
  double rank = quantile * (double)total;
  uint64_t seen = 0;
  size_t b = 0;
  while (b < WINDOW_BUCKETS - 1) {
    seen += counts[b];
    if (seen > 0 && (double)seen >= rank)
      break;
    b++;
  }
  *value = bucket_value(b);
  return true;
}
