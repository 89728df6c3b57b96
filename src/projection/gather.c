#include "projection/gather.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

void gather_init(struct gather *g, struct arena *arena) {
  *g = (struct gather){.arena = arena};
}

unsigned char *gather_alloc(struct gather *g, size_t size, struct err *err) {
  unsigned char *p = arena_alloc(g->arena, size);
  if (!p)
    err_set(err, ERR_NOMEM, "no memory to project %zu bytes", size);
  return p;
}

static uint64_t key_head(struct span key) {
  unsigned char bytes[8] = {0};
  memcpy(bytes, key.data, key.len < sizeof(bytes) ? key.len : sizeof(bytes));
  return get_u64(bytes);
}

static int grow(struct gather *g, struct err *err) {
  size_t cap = g->cap ? g->cap * 2 : 64;
  struct put *puts = cap > g->cap ? arena_calloc(g->arena, cap, sizeof(*puts)) : NULL;
  if (!puts)
    return err_set(err, ERR_NOMEM, "no memory for %zu index entries", cap);
  if (g->count)
    memcpy(puts, g->puts, g->count * sizeof(*puts));
  g->puts = puts;
  g->cap = cap;
  return 0;
}

int gather_put(struct gather *g, struct span key, struct span value, struct err *err) {
  if (key.len == 0 || key.len > UINT32_MAX || value.len > UINT32_MAX)
    return err_set(err, ERR_INVALID, "an index key of %zu bytes, a value of %zu", key.len, value.len);
  if (g->count == g->cap) {
    int rc = grow(g, err);
    if (rc)
      return rc;
  }
  g->puts[g->count++] = (struct put){.head = key_head(key),
                                     .key = key.data,
                                     .value = value.data,
                                     .key_len = (uint32_t)key.len,
                                     .value_len = (uint32_t)value.len};
  return 0;
}

/* Whether b sorts strictly before a: what a stable merge asks. */
static inline bool sorts_before(const struct put *b, const struct put *a) {
  if (b->head != a->head)
    return b->head < a->head;
  return span_compare(put_key(b), put_key(a)) < 0;
}

/* Merges the sorted runs [0, mid) and [mid, len) of `from` into `to`. */
static void merge_runs(const struct put *from, size_t mid, size_t len, struct put *to) {
  size_t a = 0, b = mid;
  for (size_t i = 0; i < len; i++)
    to[i] = b < len && (a == mid || sorts_before(&from[b], &from[a])) ? from[b++] : from[a++];
}

/* The end of the sorted run that begins at `from`. */
static size_t run_end(const struct put *puts, size_t from, size_t count) {
  size_t end = from + 1;
  while (end < count && !sorts_before(&puts[end], &puts[end - 1]))
    end++;
  return end;
}

/* A natural merge sort: stable, and linear for what comes in order already, as imports often do. */
int gather_sort(struct gather *g, struct err *err) {
  if (g->count < 2 || run_end(g->puts, 0, g->count) == g->count)
    return 0;
  struct put *from = g->puts, *to = arena_calloc(g->arena, g->count, sizeof(*to));
  if (!to)
    return err_set(err, ERR_NOMEM, "no memory to sort %zu index entries", g->count);
  for (size_t runs = 2; runs > 1;) {
    runs = 0;
    for (size_t start = 0; start < g->count; runs++) {
      size_t mid = run_end(from, start, g->count);
      size_t end = mid < g->count ? run_end(from, mid, g->count) : mid;
      merge_runs(from + start, mid - start, end - start, to + start);
      start = end;
    }
    struct put *swap = from;
    from = to;
    to = swap;
  }
  g->puts = from;
  g->cap = g->count; /* the other array may be smaller than the first was */
  return 0;
}
