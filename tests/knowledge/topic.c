#include "tests/knowledge/topic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double tie = 1e-9;

static bool is_number(const struct item *item) {
  const char c = item->fact->step.value[0];
  return c == '-' || (c >= '0' && c <= '9');
}

/* Its 64 binary digits tell all integers apart that keep their value. */
static long double number(const struct item *item) {
  return strtold(item->fact->step.value, NULL);
}

static const char *source_of(const struct item *item) {
  return item->fact->step.source ? item->fact->step.source : "";
}

static int by_source(const void *a, const void *b) {
  return strcmp(source_of(*(struct item *const *)a), source_of(*(struct item *const *)b));
}

static int by_number(const void *a, const void *b) {
  const long double x = number(*(struct item *const *)a), y = number(*(struct item *const *)b);
  return x < y ? -1 : x > y;
}

static bool is_better(const struct item *a, const struct item *b) {
  return a->confidence != b->confidence ? a->confidence > b->confidence : a->fact->seq > b->fact->seq;
}

static void join(struct group *group, struct item *head) {
  group->heads = realloc(group->heads, (group->count + 1) * sizeof(*group->heads));
  if (!group->heads)
    abort();
  group->heads[group->count++] = head;
  if (!group->winner || is_better(head, group->winner))
    group->winner = head;
}

/* Equal values; with a tolerance the numbers come in ascending order, and a chain of near ones is one group. */
static bool belongs(const struct group *group, const struct item *head, double tolerance) {
  const struct item *last = group->heads[group->count - 1];
  if (tolerance >= 0 && is_number(head) && is_number(last))
    return number(head) - number(last) <= tolerance * (1 + 1e-12); /* 0.4 and 0.3 are 0.1 apart */
  return strcmp(last->fact->step.value, head->fact->step.value) == 0;
}

static void gather(struct item **heads, size_t count, double tolerance, struct groups *out) {
  for (size_t i = 0; i < count; i++) {
    size_t g = 0;
    while (g < out->count && !belongs(&out->list[g], heads[i], tolerance))
      g++;
    if (g == out->count)
      out->count++;
    join(&out->list[g], heads[i]);
  }
}

/* The numbers first, ascending, then the others. */
static void sort_for_tolerance(struct item **heads, size_t count) {
  struct item **rest = calloc(count + 1, sizeof(*rest));
  size_t numbers = 0, others = 0;
  if (!rest)
    abort();
  for (size_t i = 0; i < count; i++) {
    if (is_number(heads[i]))
      heads[numbers++] = heads[i];
    else
      rest[others++] = heads[i];
  }
  qsort(heads, numbers, sizeof(*heads), by_number);
  memcpy(heads + numbers, rest, others * sizeof(*rest));
  free(rest);
}

static void weigh(struct group *group) {
  qsort(group->heads, group->count, sizeof(*group->heads), by_source);
  for (size_t i = 0; i < group->count; i++)
    group->weight += group->heads[i]->confidence * group->heads[i]->trust;
}

/* From the heaviest down: what is near the heaviest that is left ties with it, the newer winner first. */
static void rank(struct groups *groups) {
  size_t done = 0;
  while (done < groups->count) {
    double top = 0;
    for (size_t i = done; i < groups->count; i++)
      top = groups->list[i].weight > top ? groups->list[i].weight : top;
    for (;;) {
      size_t best = groups->count;
      for (size_t i = done; i < groups->count; i++)
        if (top - groups->list[i].weight <= tie &&
            (best == groups->count || groups->list[i].winner->fact->seq > groups->list[best].winner->fact->seq))
          best = i;
      if (best == groups->count)
        break;
      const struct group chosen = groups->list[best];
      groups->list[best] = groups->list[done];
      groups->list[done] = chosen;
      groups->list[done++].level = top <= tie ? 0 : top;
    }
  }
}

double model_conflict(const double *shares, size_t count) {
  double entropy = 0;
  if (count < 2)
    return 0;
  for (size_t i = 0; i < count; i++)
    if (shares[i] > 0)
      entropy -= shares[i] * log2(shares[i]);
  entropy = round(entropy / log2((double)count) * 1e12) / 1e12;
  return entropy < 0 ? 0 : entropy > 1 ? 1 : entropy;
}

void model_groups_make(struct item **heads, size_t count, double tolerance, struct groups *out) {
  double total = 0;
  double *shares = calloc(count + 1, sizeof(*shares));
  *out = (struct groups){.list = calloc(count + 1, sizeof(*out->list))};
  if (!shares || !out->list)
    abort();
  if (tolerance >= 0)
    sort_for_tolerance(heads, count);
  gather(heads, count, tolerance, out);
  for (size_t g = 0; g < out->count; g++)
    weigh(&out->list[g]);
  rank(out);
  for (size_t g = 0; g < out->count; g++)
    total += out->list[g].weight;
  for (size_t g = 0; g < out->count; g++) {
    struct group *group = &out->list[g];
    group->share = shares[g] = total > 0 ? group->weight / total : 1 / (double)out->count;
    for (size_t i = 0; i < group->count; i++)
      group->heads[i]->level = group->level;
  }
  out->conflict = model_conflict(shares, out->count);
  free(shares);
}

void model_groups_clear(struct groups *groups) {
  for (size_t g = 0; g < groups->count; g++)
    free(groups->list[g].heads);
  free(groups->list);
  *groups = (struct groups){0};
}

const char *model_groups_status(const struct groups *groups) {
  return groups->count <= 1 ? "unanimous" : groups->conflict < 0.5 ? "agreed" : "contested";
}
