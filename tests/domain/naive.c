#include "tests/domain/naive.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/canonical.h"

struct context {
  const struct world *world;
  const struct query *query;
  uint64_t snapshot;
  const struct naive *naive;
};

static bool same(struct span span, const char *text) {
  return span_equal(span, span_str(text));
}

static bool in_scope(const struct query *q, const char *path) {
  if (same(q->concept_path, path))
    return true;
  size_t len = q->concept_path.len;
  return q->subtree && strlen(path) > len && memcmp(path, q->concept_path.data, len) == 0 && path[len] == '/';
}

static bool same_source(const struct fact *a, const struct fact *b) {
  return strcmp(a->source ? a->source : "", b->source ? b->source : "") == 0;
}

static bool same_topic(const struct fact *a, const struct fact *b) {
  return strcmp(a->path, b->path) == 0 && strcmp(a->predicate, b->predicate) == 0;
}

/* Whether the lens sees it at all: it exists and passes the filters. */
static bool passes(const struct context *c, const struct fact *f) {
  const struct query *q = c->query;
  if (f->seq > c->snapshot || f->number < q->min_confidence)
    return false;
  return !q->has_source || same(q->source, f->source ? f->source : "");
}

static double find_trust(const struct context *c, const struct fact *f) {
  double trust = 1;
  for (size_t i = 0; f->source && i < c->snapshot; i++) {
    const struct fact *s = c->world->facts[i];
    if (strcmp(s->predicate, "stemedb.trust") == 0 && strcmp(s->path, f->source) == 0)
      trust = strtod(s->value, NULL);
  }
  return trust;
}

static bool find_head(const struct context *c, const struct fact *f) {
  if (!passes(c, f))
    return false;
  for (size_t i = 0; i < c->snapshot; i++) {
    const struct fact *g = c->world->facts[i];
    if (g->seq > f->seq && passes(c, g) && same_topic(f, g) && same_source(f, g))
      return false;
  }
  return true;
}

/* --- groups of a topic --- */

struct naive_group {
  const char *value;
  double weight, share, level;
  const struct fact *winner;
};

struct verdict {
  const struct fact **heads; /* by source */
  size_t head_count;
  struct naive_group *groups; /* heaviest first */
  size_t group_count;
  double conflict;
};

static int by_source(const void *left, const void *right) {
  const struct fact *a = *(const struct fact *const *)left, *b = *(const struct fact *const *)right;
  return strcmp(a->source ? a->source : "", b->source ? b->source : "");
}

static bool more_confident(const struct fact *a, const struct fact *b) {
  return a->number > b->number || (a->number == b->number && a->seq > b->seq);
}

/* Selection sort: the heaviest of the rest comes next, and of those within 1e-9 of it the one with the newer winner. */
static void order_groups(struct naive_group *groups, size_t count) {
  for (size_t i = 0; i < count;) {
    double heaviest = -1;
    for (size_t j = i; j < count; j++)
      heaviest = groups[j].weight > heaviest ? groups[j].weight : heaviest;
    const size_t from = i;
    for (;;) {
      size_t best = count;
      for (size_t j = i; j < count; j++)
        if (heaviest - groups[j].weight <= 1e-9 && (best == count || groups[j].winner->seq > groups[best].winner->seq))
          best = j;
      if (best == count)
        break;
      struct naive_group g = groups[best];
      groups[best] = groups[i];
      groups[i++] = g;
    }
    for (size_t j = from; j < i; j++)
      groups[j].level = heaviest <= 1e-9 ? 0 : heaviest;
  }
}

static void judge(const struct context *c, const struct fact *topic, struct verdict *v) {
  *v = (struct verdict){.heads = calloc(c->snapshot + 1, sizeof(*v->heads)),
                        .groups = calloc(c->snapshot + 1, sizeof(*v->groups))};
  for (size_t i = 0; i < c->snapshot; i++)
    if (same_topic(topic, c->world->facts[i]) && c->naive->is_head[i])
      v->heads[v->head_count++] = c->world->facts[i];
  qsort(v->heads, v->head_count, sizeof(*v->heads), by_source);
  double total = 0;
  for (size_t i = 0; i < v->head_count; i++) {
    const struct fact *h = v->heads[i];
    struct naive_group *g = v->groups;
    while (g->value && strcmp(g->value, h->value) != 0)
      g++;
    v->group_count += g->value == NULL;
    g->value = h->value;
    g->weight += h->number * c->naive->trust[h->seq - 1];
    total += h->number * c->naive->trust[h->seq - 1];
    if (!g->winner || more_confident(h, g->winner))
      g->winner = h;
  }
  order_groups(v->groups, v->group_count);
  double entropy = 0;
  for (size_t i = 0; i < v->group_count; i++) {
    struct naive_group *g = &v->groups[i];
    g->share = total > 0 ? g->weight / total : 1.0 / (double)v->group_count;
    entropy -= g->share > 0 ? g->share * log2(g->share) : 0;
  }
  if (v->group_count > 1)
    v->conflict = fmin(1, fmax(0, round(entropy / log2((double)v->group_count) * 1e12) / 1e12));
}

static void verdict_free(struct verdict *v) {
  free(v->heads);
  free(v->groups);
}

/* --- the order --- */

struct sortable {
  const struct fact *fact;
  bool by_topic;
  double major, minor;
};

static int by_place(const void *left, const void *right) {
  const struct sortable *a = left, *b = right;
  int order = a->by_topic ? strcmp(a->fact->path, b->fact->path) : 0;
  if (order == 0 && a->by_topic)
    order = strcmp(a->fact->predicate, b->fact->predicate);
  if (order)
    return order;
  if (a->major != b->major)
    return a->major > b->major ? -1 : 1;
  if (a->minor != b->minor)
    return a->minor > b->minor ? -1 : 1;
  return a->fact->seq > b->fact->seq ? -1 : 1;
}

static bool lens_is(const struct query *q, const char *name) {
  return strcmp(q->lens->name, name) == 0;
}

/* The levels of all heads of the topic of `f`. */
static void find_levels(const struct context *c, const struct fact *f) {
  struct verdict v;
  judge(c, f, &v);
  for (size_t h = 0; h < v.head_count; h++)
    for (size_t i = 0; i < v.group_count; i++)
      if (strcmp(v.groups[i].value, v.heads[h]->value) == 0)
        c->naive->level[v.heads[h]->seq - 1] = v.groups[i].level;
  verdict_free(&v);
}

static struct sortable place(const struct context *c, const struct fact *f) {
  struct sortable s = {.fact = f, .by_topic = c->query->subtree};
  if (lens_is(c->query, "confidence"))
    s.major = f->number;
  if (lens_is(c->query, "authority")) {
    s.major = c->naive->trust[f->seq - 1];
    s.minor = f->number;
  }
  if (lens_is(c->query, "consensus") || lens_is(c->query, "skeptic")) {
    s.major = c->naive->level[f->seq - 1];
    s.minor = f->number;
  }
  return s;
}

static bool first_of_topic(const struct world *world, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (same_topic(world->facts[i], world->facts[at]))
      return false;
  return true;
}

void naive_answer(const struct world *world, const struct query *query, uint64_t snapshot, struct naive *out) {
  const struct context c = {world, query, snapshot, out};
  struct sortable *all = calloc(snapshot + 1, sizeof(*all));
  *out = (struct naive){.items = calloc(snapshot + 1, sizeof(*out->items)),
                        .is_head = calloc(snapshot + 1, sizeof(*out->is_head)),
                        .trust = calloc(snapshot + 1, sizeof(*out->trust)),
                        .level = calloc(snapshot + 1, sizeof(*out->level))};
  for (size_t i = 0; i < snapshot; i++) {
    out->is_head[i] = find_head(&c, world->facts[i]);
    out->trust[i] = find_trust(&c, world->facts[i]);
  }
  for (size_t i = 0; i < snapshot; i++)
    if (first_of_topic(world, i))
      find_levels(&c, world->facts[i]);
  for (size_t i = 0; i < snapshot; i++) {
    const struct fact *f = world->facts[i];
    if (passes(&c, f) && in_scope(query, f->path) && (!query->predicate.data || same(query->predicate, f->predicate)))
      all[out->count++] = place(&c, f);
  }
  qsort(all, out->count, sizeof(*all), by_place);
  for (size_t i = 0; i < out->count; i++)
    out->items[i] = all[i].fact;
  free(all);
}

void naive_free(struct naive *naive) {
  free(naive->items);
  free(naive->is_head);
  free(naive->trust);
  free(naive->level);
}

/* --- the JSON --- */

static void print_number(FILE *out, double number) {
  char text[40];
  canonical_double(number, text);
  fputs(text, out);
}

static void print_quoted(FILE *out, const char *text) {
  char *quoted = world_quote(text);
  fputs(quoted, out);
  free(quoted);
}

static void print_candidates(FILE *out, const struct verdict *v) {
  fputs(",\"candidates\":[", out);
  for (size_t i = 0; i < v->group_count; i++) {
    fprintf(out, "%s{\"value\":%s,\"share\":", i ? "," : "", v->groups[i].value);
    print_number(out, v->groups[i].share);
    fputs(",\"sources\":[", out);
    bool comma = false;
    for (size_t h = 0; h < v->head_count; h++) {
      if (strcmp(v->heads[h]->value, v->groups[i].value) != 0)
        continue;
      fputs(comma ? "," : "", out);
      comma = true;
      if (v->heads[h]->source)
        print_quoted(out, v->heads[h]->source);
      else
        fputs("null", out);
    }
    fputs("]}", out);
  }
  fputc(']', out);
}

static void print_resolved(FILE *out, const struct context *c, const struct fact *first) {
  struct verdict v;
  judge(c, first, &v);
  const bool grouped = lens_is(c->query, "consensus") || lens_is(c->query, "skeptic");
  const struct fact *winner = grouped ? v.groups[0].winner : first;
  fputs("{\"concept_path\":", out);
  print_quoted(out, first->path);
  fputs(",\"predicate\":", out);
  print_quoted(out, first->predicate);
  fprintf(out, ",\"value\":%s,\"confidence\":", winner->value);
  print_number(out, grouped ? v.groups[0].share : winner->number);
  fprintf(out, ",\"winner\":\"%s\",\"conflict\":", winner->id);
  print_number(out, v.conflict);
  const char *status = v.group_count == 1 ? "unanimous" : v.conflict < 0.5 ? "agreed" : "contested";
  fprintf(out, ",\"status\":\"%s\"", status);
  if (lens_is(c->query, "skeptic"))
    print_candidates(out, &v);
  fputc('}', out);
  verdict_free(&v);
}

/* Whether it is the first of its topic in all of the answer. */
static bool is_first(const struct naive *naive, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (same_topic(naive->items[i], naive->items[at]))
      return false;
  return true;
}

char *naive_page(const struct world *world, const struct query *query, uint64_t snapshot, const struct naive *naive,
                 size_t from) {
  const struct context c = {world, query, snapshot, naive};
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  char *path = strndup((const char *)query->concept_path.data, query->concept_path.len);
  fputs("{\"concept_path\":", out);
  print_quoted(out, path);
  free(path);
  fprintf(out, ",\"lens\":\"%s\",\"as_of\":{\"seq\":%" PRIu64 ",\"timestamp\":", query->lens->name, snapshot);
  if (snapshot)
    fprintf(out, "%.29s", strstr(world->facts[snapshot - 1]->json, "\"timestamp\":") + 12);
  else
    fputs("null", out);
  fputs("},\"history\":\"abababababababababababababababab.3-1122334455667788\",\"assertions\":[", out);
  const size_t to = from + query->limit < naive->count ? from + query->limit : naive->count;
  for (size_t i = from; i < to; i++)
    fprintf(out, "%s%s", i > from ? "," : "", naive->items[i]->json);
  fputs("],\"resolved\":[", out);
  bool comma = false;
  for (size_t i = from; i < to; i++) {
    if (!is_first(naive, i))
      continue;
    fputs(comma ? "," : "", out);
    comma = true;
    print_resolved(out, &c, naive->items[i]);
  }
  fputs("],\"next_cursor\":", out);
  fclose(out);
  return text;
}

size_t naive_resolved(const char *page) {
  size_t count = 0;
  for (const char *at = strstr(page, "\"resolved\":["); (at = strstr(at, "\"winner\":")); at++)
    count++;
  return count;
}
