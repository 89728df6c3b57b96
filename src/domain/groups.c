#include <math.h>
#include <stdlib.h>

#include "domain/lens.h"
#include "domain/tolerance.h"

/* Weights that differ by no more than this tie: sums of the same numbers in another order must not decide. */
static const double tie = 1e-9;

/* A head on its way into a group: qsort has no context argument, so the value travels along. */
struct member {
  struct span value;
  uint32_t head, cluster; /* members of one cluster are equal */
};

static int compare_members(const void *left, const void *right) {
  const struct member *a = left, *b = right;
  int order = a->value.data == b->value.data && a->value.len == b->value.len ? 0 : span_compare(a->value, b->value);
  return order ? order : (a->head > b->head) - (a->head < b->head);
}

static int compare_clusters(const void *left, const void *right) {
  const struct member *a = left, *b = right;
  if (a->cluster != b->cluster)
    return a->cluster < b->cluster ? -1 : 1;
  return (a->head > b->head) - (a->head < b->head);
}

/* A group on its way to its place, with the seq of its winner. */
struct place {
  struct group group;
  uint64_t seq;
};

static int compare_weights(const void *left, const void *right) {
  const struct place *a = left, *b = right;
  if (a->group.weight != b->group.weight)
    return a->group.weight > b->group.weight ? -1 : 1;
  return (a->seq < b->seq) - (a->seq > b->seq);
}

static int compare_levels(const void *left, const void *right) {
  const struct place *a = left, *b = right;
  if (a->group.level != b->group.level)
    return a->group.level > b->group.level ? -1 : 1;
  return (a->seq < b->seq) - (a->seq > b->seq);
}

static bool beats(const struct head *a, const struct head *b) {
  return a->confidence != b->confidence ? a->confidence > b->confidence : a->seq > b->seq;
}

/* Appends the members of one cluster, sorted by head, as a group. */
static void add_group(struct candidates *c, struct place *place, const struct member *members, uint32_t count) {
  struct group *g = &place->group;
  *g = (struct group){.winner = members[0].head, .first = members[0].head};
  for (uint32_t i = 0; i < count; i++) {
    struct head *h = &c->heads[members[i].head];
    h->next = i + 1 < count ? members[i + 1].head : HEAD_NONE;
    g->weight += h->confidence * h->trust;
    if (beats(h, &c->heads[g->winner]))
      g->winner = members[i].head;
  }
  g->value = c->heads[g->winner].value;
  place->seq = c->heads[g->winner].seq;
}

/* Heaviest first. A group takes the level of the heaviest one within reach of it that has no heavier one within reach
 * itself, so that ties are the same for everybody, which pairs within reach of each other would not be. */
static void order_groups(struct place *places, uint32_t count) {
  qsort(places, count, sizeof(*places), compare_weights);
  double level = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (i == 0 || level - places[i].group.weight > tie)
      level = places[i].group.weight;
    places[i].group.level = level > tie ? level : 0;
  }
  qsort(places, count, sizeof(*places), compare_levels);
}

/* The sums go through the heads in their order, so that they come out the same whatever the groups are. */
static void share_weight(struct candidates *c) {
  double total = 0;
  for (uint32_t i = 0; i < c->head_count; i++)
    total += c->heads[i].confidence * c->heads[i].trust;
  for (uint32_t i = 0; i < c->group_count; i++)
    c->groups[i].share = total > 0 ? c->groups[i].weight / total : 1.0 / c->group_count;
}

/* Rounded, because log2 may differ in the last digit from one C library to the next. */
static double entropy_of_shares(const struct candidates *c) {
  if (c->group_count < 2)
    return 0;
  double sum = 0;
  for (uint32_t i = 0; i < c->group_count; i++)
    if (c->groups[i].share > 0)
      sum -= c->groups[i].share * log2(c->groups[i].share);
  double conflict = round(sum / log2(c->group_count) * 1e12) / 1e12;
  return conflict > 1 ? 1 : conflict > 0 ? conflict : 0;
}

/* Sorts the members, equal ones together and among them by head. */
static int cluster_members(struct arena *arena, const struct candidates *c, struct member *members, struct err *err) {
  const uint32_t count = c->head_count;
  uint32_t values = 0;
  for (uint32_t i = 0; i < count; i++)
    members[i] = (struct member){.value = c->heads[i].value, .head = i};
  qsort(members, count, sizeof(*members), compare_members);
  for (uint32_t i = 0; i < count; i++) {
    values += i == 0 || !span_equal(members[i].value, members[i - 1].value);
    members[i].cluster = values - 1;
  }
  if (c->tolerance.len == 0)
    return 0;
  struct span *distinct = arena_calloc(arena, values, sizeof(*distinct));
  uint32_t *cluster = distinct ? arena_calloc(arena, values, sizeof(*cluster)) : NULL;
  if (!cluster)
    return err_set(err, ERR_NOMEM, "too many values for one answer");
  for (uint32_t i = 0; i < count; i++)
    distinct[members[i].cluster] = members[i].value;
  int code = tolerance_cluster(arena, distinct, values, c->tolerance, cluster, err);
  for (uint32_t i = 0; !code && i < count; i++)
    members[i].cluster = cluster[members[i].cluster];
  if (!code)
    qsort(members, count, sizeof(*members), compare_clusters);
  return code;
}

int groups_form(struct arena *arena, struct candidates *c, struct err *err) {
  struct member *members = arena_calloc(arena, c->head_count, sizeof(*members));
  struct place *places = members ? arena_calloc(arena, c->head_count, sizeof(*places)) : NULL;
  c->groups = places ? arena_calloc(arena, c->head_count, sizeof(*c->groups)) : NULL;
  if (!c->groups)
    return err_set(err, ERR_NOMEM, "too many sources for one answer");
  int code = cluster_members(arena, c, members, err);
  if (code)
    return code;
  c->group_count = 0;
  for (uint32_t from = 0, to; from < c->head_count; from = to) {
    for (to = from + 1; to < c->head_count && members[to].cluster == members[from].cluster;)
      to++;
    add_group(c, &places[c->group_count++], &members[from], to - from);
  }
  order_groups(places, c->group_count);
  for (uint32_t g = 0; g < c->group_count; g++) {
    c->groups[g] = places[g].group;
    for (uint32_t h = places[g].group.first; h != HEAD_NONE; h = c->heads[h].next) {
      c->heads[h].group = g;
      c->heads[h].level = places[g].group.level;
    }
  }
  share_weight(c);
  c->conflict = entropy_of_shares(c);
  return 0;
}

enum conflict_status groups_status(const struct candidates *c) {
  if (c->group_count < 2)
    return STATUS_UNANIMOUS;
  return c->conflict < 0.5 ? STATUS_AGREED : STATUS_CONTESTED;
}
