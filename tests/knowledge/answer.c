#include "tests/knowledge/answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/knowledge/request.h"
#include "tests/knowledge/topic.h"

enum { CLASS_MAX = 64 };

/* A question being answered. */
struct view {
  const struct model *model;
  const struct question *q;
  uint64_t snapshot;
  int64_t moment_us;
  const char *names[CLASS_MAX]; /* with aliases: the paths of the class; else the one asked about */
  size_t name_count;
};

/* --- small parts --- */

static struct json_object *text(const char *s) {
  return s ? json_object_new_string(s) : NULL;
}

static struct json_object *time_text(int64_t us, bool digits) {
  const time_t seconds = (time_t)(us / 1000000);
  struct tm tm;
  char day[40], all[64];
  strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
  if (digits)
    snprintf(all, sizeof(all), "%s.%06dZ", day, (int)(us % 1000000));
  else
    snprintf(all, sizeof(all), "%sZ", day);
  return text(all);
}

struct json_object *model_timestamp(uint64_t us) {
  return time_text((int64_t)us, true);
}

struct json_object *model_time(int64_t us) {
  return time_text(us, false);
}

static void put(struct json_object *object, const char *name, struct json_object *value) {
  json_object_object_add(object, name, value);
}

static void put_instant(struct json_object *object, const char *name, struct instant instant) {
  if (instant.given)
    put(object, name, model_time(instant.us));
}

static void put_retraction(const struct model *model, struct json_object *out, const struct fact *fact,
                           uint64_t snapshot) {
  const struct fact *by = model_retracted_by(model, fact->seq, snapshot);
  put(out, "status", text(by ? "retracted" : "active"));
  if (!by)
    return;
  struct json_object *retraction = json_object_new_object();
  put(retraction, "id", text(by->id));
  put(retraction, "reason", text("because"));
  put(retraction, "timestamp", model_timestamp(by->time_us));
  put(out, "retraction", retraction);
}

struct json_object *model_show(const struct model *model, const struct fact *fact, uint64_t snapshot) {
  const struct step *s = &fact->step;
  struct json_object *out = json_object_new_object();
  put(out, "id", text(fact->id));
  put(out, "seq", json_object_new_int64((int64_t)fact->seq));
  put(out, "timestamp", model_timestamp(fact->time_us));
  put_retraction(model, out, fact, snapshot);
  if (fact->batch[0])
    put(out, "batch", text(fact->batch));
  put(out, "concept_path", text(s->path));
  put(out, "predicate", text(s->predicate));
  put(out, "value", json_tokener_parse(s->value));
  if (s->confidence)
    put(out, "confidence", json_tokener_parse(s->confidence));
  if (s->source)
    put(out, "source", text(s->source));
  if (fact->parent_count > 0) {
    struct json_object *parents = json_object_new_array();
    for (size_t i = 0; i < fact->parent_count; i++)
      json_object_array_add(parents, text(model->facts[fact->parents[i] - 1].id));
    put(out, "derived_from", parents);
  }
  put_instant(out, "observed_at", s->observed_at);
  put_instant(out, "valid_from", s->valid_from);
  put_instant(out, "valid_to", s->valid_to);
  return out;
}

/* --- who takes part --- */

uint64_t model_snapshot(const struct model *model, const struct question *q) {
  const struct fact *at = model_find(model, q->as_of_uid);
  uint64_t snapshot = model->count;
  if (q->as_of == AS_OF_SEQ)
    return at ? at->seq : 0;
  if (q->as_of == AS_OF_NOW || !at)
    return snapshot;
  while (snapshot > 0 && model->facts[snapshot - 1].time_us > (uint64_t)((int64_t)at->time_us + q->as_of_delta_us))
    snapshot--;
  return snapshot;
}

static bool is_name(const struct view *v, const char *path) {
  for (size_t i = 0; i < v->name_count; i++)
    if (strcmp(v->names[i], path) == 0)
      return true;
  return false;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_name(struct view *v, const char *name) {
  if (!is_name(v, name) && v->name_count < CLASS_MAX)
    v->names[v->name_count++] = name;
}

/* What `stemedb.same_as` makes one: from each concept to the path it names, in both directions, as far as it goes. */
static void find_class(struct view *v) {
  add_name(v, v->q->path);
  for (size_t before = 0; v->q->aliases && before < v->name_count;) {
    before = v->name_count;
    for (uint64_t seq = 1; seq <= v->snapshot; seq++) {
      const struct fact *fact = &v->model->facts[seq - 1];
      if (fact->step.kind != STEP_ASSERT || strcmp(fact->step.predicate, "stemedb.same_as") != 0 ||
          model_setting(v->model, fact->step.path, "stemedb.same_as", v->snapshot) != fact->step.value)
        continue;
      const char *other = fact->text;
      if (is_name(v, fact->step.path))
        add_name(v, other);
      else if (is_name(v, other))
        add_name(v, fact->step.path);
    }
  }
  qsort(v->names, v->name_count, sizeof(v->names[0]), compare_names);
}

static bool in_scope(const struct view *v, const struct step *s) {
  const struct question *q = v->q;
  const size_t len = strlen(q->path);
  const bool below = strncmp(s->path, q->path, len) == 0 && s->path[len] == '/';
  return (is_name(v, s->path) || (q->subtree && below)) && (!q->predicate || strcmp(q->predicate, s->predicate) == 0);
}

static double decayed(const struct view *v, const struct fact *fact) {
  const char *half_life = model_setting(v->model, fact->step.source, "stemedb.half_life_days", v->snapshot);
  if (!v->q->decay || !half_life)
    return fact->confidence;
  const int64_t since = fact->step.observed_at.given ? fact->step.observed_at.us : (int64_t)fact->time_us;
  const double age = v->moment_us > since ? (double)(v->moment_us - since) : 0;
  int exponent; /* the factor to 40 binary digits, so that rounding cannot decide */
  const double part = frexp(pow(2, -(age / 86400e6) / strtod(half_life, NULL)), &exponent);
  return fact->confidence * ldexp(round(ldexp(part, 40)), exponent - 40);
}

static double trust_of(const struct view *v, const char *source) {
  for (size_t i = 0; source && i < v->q->override_count; i++)
    if (strcmp(v->q->overrides[i].source, source) == 0)
      return strtod(v->q->overrides[i].trust, NULL);
  const char *trust = model_setting(v->model, source, "stemedb.trust", v->snapshot);
  return trust ? strtod(trust, NULL) : 1;
}

static bool passes(const struct view *v, const struct item *item) {
  const struct question *q = v->q;
  const struct step *s = &item->fact->step;
  if (q->has_source && !text_equal(q->source, s->source))
    return false;
  for (size_t i = 0; i < q->excluded_count; i++)
    if (text_equal(q->excluded[i], s->source))
      return false;
  if (q->valid_at.given && ((s->valid_from.given && s->valid_from.us > q->valid_at.us) ||
                            (s->valid_to.given && s->valid_to.us <= q->valid_at.us)))
    return false;
  return !q->min_confidence || item->confidence >= strtod(q->min_confidence, NULL);
}

static int topic_order(const struct view *v, const struct item *a, const struct item *b) {
  const int paths = v->q->aliases ? 0 : strcmp(a->fact->step.path, b->fact->step.path);
  return paths ? paths : strcmp(a->fact->step.predicate, b->fact->step.predicate);
}

/* All active assertions that pass, topic by topic, newest first. The caller frees them. */
static struct item *collect(const struct view *v, size_t *count) {
  struct item *items = calloc(v->model->count + 1, sizeof(*items));
  if (!items)
    abort();
  *count = 0;
  for (uint64_t seq = v->snapshot; seq > 0; seq--) {
    const struct fact *fact = &v->model->facts[seq - 1];
    const bool all = v->q->include_retracted || strcmp(v->q->lens, "timeline") == 0;
    if (fact->step.kind != STEP_ASSERT || !in_scope(v, &fact->step))
      continue;
    const bool retracted = model_retracted_by(v->model, seq, v->snapshot);
    if (retracted && !all)
      continue;
    const char *tier = model_setting(v->model, fact->step.source, "stemedb.tier", v->snapshot);
    const struct item item = {.fact = fact,
                              .retracted = retracted,
                              .confidence = decayed(v, fact),
                              .trust = trust_of(v, fact->step.source),
                              .tier = tier ? atoi(tier) : 3};
    if (!passes(v, &item))
      continue;
    size_t at = (*count)++;
    for (; at > 0 && topic_order(v, &items[at - 1], &item) > 0; at--)
      items[at] = items[at - 1];
    items[at] = item;
  }
  return items;
}

/* --- one topic --- */

static int descending(double a, double b) {
  return a > b ? -1 : a < b;
}

/* The order of a lens within a topic. */
static int lens_order(const char *lens, const struct item *a, const struct item *b) {
  int order = 0;
  if (strcmp(lens, "authority") == 0)
    order = descending(a->trust, b->trust);
  else if (strcmp(lens, "layered") == 0 && a->tier != b->tier)
    order = a->tier < b->tier ? -1 : 1;
  else if (strcmp(lens, "consensus") == 0 || strcmp(lens, "skeptic") == 0 || strcmp(lens, "layered") == 0)
    order = descending(a->level, b->level);
  if (strcmp(lens, "timeline") == 0)
    return a->fact->seq < b->fact->seq ? -1 : a->fact->seq > b->fact->seq;
  if (order == 0 && strcmp(lens, "recency") != 0)
    order = descending(a->confidence, b->confidence);
  return order ? order : descending((double)a->fact->seq, (double)b->fact->seq);
}

static struct json_object *sources_of(const struct group *group) {
  struct json_object *sources = json_object_new_array();
  for (size_t i = 0; i < group->count; i++)
    if (i == 0 || !text_equal(group->heads[i]->fact->step.source, group->heads[i - 1]->fact->step.source))
      json_object_array_add(sources, text(group->heads[i]->fact->step.source));
  return sources;
}

static struct json_object *candidates(const struct groups *groups) {
  struct json_object *list = json_object_new_array();
  for (size_t g = 0; g < groups->count; g++) {
    struct json_object *candidate = json_object_new_object();
    put(candidate, "value", json_tokener_parse(groups->list[g].winner->fact->step.value));
    put(candidate, "share", json_object_new_double(groups->list[g].share));
    put(candidate, "sources", sources_of(&groups->list[g]));
    json_object_array_add(list, candidate);
  }
  return list;
}

/* Cardinality "many": all values stand beside each other. */
static struct json_object *values_of(const struct groups *groups) {
  struct json_object *list = json_object_new_array();
  for (size_t g = 0; g < groups->count; g++) {
    struct json_object *value = json_object_new_object();
    put(value, "value", json_tokener_parse(groups->list[g].winner->fact->step.value));
    put(value, "confidence", json_object_new_double(groups->list[g].winner->confidence));
    put(value, "sources", sources_of(&groups->list[g]));
    json_object_array_add(list, value);
  }
  return list;
}

static void put_winner(struct json_object *out, const struct item *winner, double confidence) {
  put(out, "value", json_tokener_parse(winner->fact->step.value));
  put(out, "confidence", json_object_new_double(confidence));
  put(out, "winner", text(winner->fact->id));
}

static void put_conflict(struct json_object *out, const struct groups *groups) {
  put(out, "conflict", json_object_new_double(groups->conflict));
  put(out, "status", text(model_groups_status(groups)));
}

/* A topic being resolved: its items, and of them the heads. */
struct topic {
  struct item *items, **heads;
  size_t count, head_count;
  double tolerance; /* < 0: none */
  bool many;        /* a source's values add up: its newest of each counts */
};

/* Consensus within each tier, and one vote a tier over their winners. */
static void put_layers(struct json_object *out, const struct topic *t) {
  struct json_object *layers = json_object_new_array();
  struct item votes[6], *voters[6];
  struct item **heads = calloc(t->head_count + 1, sizeof(*heads));
  size_t tiers = 0;
  if (!heads)
    abort();
  for (int tier = 0; tier < 6; tier++) {
    struct groups groups;
    size_t count = 0;
    for (size_t i = 0; i < t->head_count; i++)
      if (t->heads[i]->tier == tier)
        heads[count++] = t->heads[i];
    if (count == 0)
      continue;
    model_groups_make(heads, count, t->tolerance, &groups);
    struct json_object *layer = json_object_new_object();
    put(layer, "tier", json_object_new_int(tier));
    put_winner(layer, groups.list[0].winner, groups.list[0].share);
    put_conflict(layer, &groups);
    json_object_array_add(layers, layer);
    if (tiers == 0)
      put_winner(out, groups.list[0].winner, groups.list[0].share);
    votes[tiers] = *groups.list[0].winner;
    votes[tiers].confidence = votes[tiers].trust = 1;
    voters[tiers] = &votes[tiers];
    tiers++;
    model_groups_clear(&groups);
  }
  struct groups groups;
  model_groups_make(voters, tiers, t->tolerance, &groups);
  put_conflict(out, &groups);
  model_groups_clear(&groups);
  put(out, "layers", layers);
  free(heads);
}

/* Marks the heads (items come newest first) and lists them. The caller frees the list. */
static void find_heads(struct topic *t) {
  t->heads = calloc(t->count + 1, sizeof(*t->heads));
  if (!t->heads)
    abort();
  for (size_t i = 0; i < t->count; i++) {
    t->items[i].head = !t->items[i].retracted;
    for (size_t k = 0; k < i; k++)
      if (t->items[k].head && text_equal(t->items[k].fact->step.source, t->items[i].fact->step.source) &&
          (!t->many || strcmp(t->items[k].fact->step.value, t->items[i].fact->step.value) == 0))
        t->items[i].head = false;
    if (t->items[i].head)
      t->heads[t->head_count++] = &t->items[i];
  }
}

static void put_one(struct json_object *out, const struct view *v, const struct topic *t, const struct groups *groups) {
  const struct item *best = NULL;
  for (size_t i = 0; i < t->count; i++)
    if (!t->items[i].retracted && (!best || lens_order(v->q->lens, &t->items[i], best) < 0))
      best = &t->items[i];
  if (strcmp(v->q->lens, "consensus") == 0 || strcmp(v->q->lens, "skeptic") == 0)
    put_winner(out, groups->list[0].winner, groups->list[0].share);
  else
    put_winner(out, best, best->confidence);
  put_conflict(out, groups);
  if (strcmp(v->q->lens, "skeptic") == 0)
    put(out, "candidates", candidates(groups));
}

static struct json_object *resolve_topic(const struct view *v, struct item *items, size_t count) {
  struct topic t = {.items = items, .count = count};
  struct json_object *out = json_object_new_object();
  const char *predicate = items[0].fact->step.predicate;
  const char *tolerance = model_predicate_setting(v->model, predicate, "stemedb.tolerance", v->snapshot);
  const char *cardinality = model_predicate_setting(v->model, predicate, "stemedb.cardinality", v->snapshot);
  struct groups groups;
  t.tolerance = tolerance ? strtod(tolerance, NULL) : -1;
  t.many = cardinality && strcmp(cardinality, "\"many\"") == 0;
  find_heads(&t);
  if (t.head_count == 0 || strcmp(v->q->lens, "timeline") == 0) { /* nothing is believed */
    json_object_put(out);
    free(t.heads);
    return NULL;
  }
  model_groups_make(t.heads, t.head_count, t.tolerance, &groups);
  put(out, "concept_path", text(v->q->aliases ? v->q->path : items[0].fact->step.path));
  put(out, "predicate", text(predicate));
  if (t.many) {
    put(out, "values", values_of(&groups));
    groups.conflict = 0;
    put_conflict(out, &groups);
    if (strcmp(v->q->lens, "skeptic") == 0)
      put(out, "candidates", candidates(&groups));
    if (strcmp(v->q->lens, "layered") == 0) { /* for the levels of the order alone */
      struct json_object *layers = json_object_new_object();
      put_layers(layers, &t);
      json_object_put(layers);
    }
  } else if (strcmp(v->q->lens, "layered") == 0) {
    put_layers(out, &t);
  } else {
    put_one(out, v, &t, &groups);
  }
  model_groups_clear(&groups);
  free(t.heads);
  return out;
}

/* --- the whole answer --- */

static void sort_items(const struct view *v, struct item *items, size_t count) {
  for (size_t i = 1; i < count; i++) {
    const struct item item = items[i];
    size_t at = i;
    for (; at > 0; at--) {
      const int topics = v->q->subtree ? topic_order(v, &items[at - 1], &item) : 0;
      if (topics < 0 || (topics == 0 && lens_order(v->q->lens, &items[at - 1], &item) < 0))
        break;
      items[at] = items[at - 1];
    }
    items[at] = item;
  }
}

static bool same_topic(const struct view *v, const struct json_object *resolved, const struct fact *fact) {
  struct json_object *path = json_object_object_get(resolved, "concept_path");
  struct json_object *predicate = json_object_object_get(resolved, "predicate");
  return (v->q->aliases || strcmp(json_object_get_string(path), fact->step.path) == 0) &&
         strcmp(json_object_get_string(predicate), fact->step.predicate) == 0;
}

/* Puts the topics in the order of their first assertions. */
static void order_resolved(const struct view *v, const struct item *items, size_t count, struct json_object **list,
                           size_t topics, struct answer *out) {
  out->first = calloc(topics + 1, sizeof(*out->first));
  if (!out->first)
    abort();
  for (size_t i = 0; i < count; i++)
    for (size_t t = 0; t < topics; t++) {
      if (!list[t] || !same_topic(v, list[t], items[i].fact))
        continue;
      out->first[json_object_array_length(out->resolved)] = i;
      json_object_array_add(out->resolved, list[t]);
      list[t] = NULL;
    }
}

/* --- a timeline --- */

static bool is_event_of(const struct view *v, const struct fact *fact, const struct item *items, size_t count) {
  const struct fact *r = fact->step.kind == STEP_REINSTATE ? &v->model->facts[fact->retraction - 1] : fact;
  for (size_t i = 0; r->step.kind == STEP_RETRACT && i < count; i++)
    if (items[i].fact->seq < r->seq && r->covers[items[i].fact->seq])
      return true;
  return false;
}

static struct json_object *show_event(const struct view *v, const struct fact *fact) {
  struct json_object *out = json_object_new_object();
  put(out, "kind", text(fact->step.kind == STEP_RETRACT ? "retraction" : "reinstatement"));
  put(out, "id", text(fact->id));
  put(out, "seq", json_object_new_int64((int64_t)fact->seq));
  put(out, "timestamp", model_timestamp(fact->time_us));
  put(out, "request", request_of_step(v->model, &fact->step));
  return out;
}

/* The assertions, with the retractions and reinstatements of them where they came: all by seq, or topic by topic. */
static void list_events(const struct view *v, const struct item *items, size_t count, struct json_object *list) {
  for (size_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && (!v->q->subtree || topic_order(v, &items[from], &items[to]) == 0); to++)
      continue;
    for (uint64_t seq = 1; seq <= v->snapshot; seq++) {
      const struct fact *fact = &v->model->facts[seq - 1];
      if (is_event_of(v, fact, items + from, to - from))
        json_object_array_add(list, show_event(v, fact));
      for (size_t i = from; i < to; i++)
        if (items[i].fact == fact)
          json_object_array_add(list, model_show(v->model, fact, v->snapshot));
    }
  }
}

void model_answer(const struct model *model, const struct question *q, int64_t moment_us, struct answer *out) {
  struct view v = {.model = model, .q = q, .snapshot = model_snapshot(model, q), .moment_us = moment_us};
  size_t count, topics = 0;
  find_class(&v);
  struct item *items = collect(&v, &count);
  struct json_object **resolved = calloc(count + 1, sizeof(struct json_object *));
  if (!resolved)
    abort();
  *out = (struct answer){v.snapshot, json_object_new_array(), json_object_new_array(), json_object_new_array(), NULL};
  for (size_t i = 0; i < v.name_count; i++)
    json_object_array_add(out->aliases, text(v.names[i]));
  for (size_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && topic_order(&v, &items[from], &items[to]) == 0; to++)
      continue;
    if ((resolved[topics] = resolve_topic(&v, items + from, to - from)) != NULL)
      topics++;
  }
  sort_items(&v, items, count);
  if (strcmp(q->lens, "timeline") == 0)
    list_events(&v, items, count, out->assertions);
  for (size_t i = 0; i < count && strcmp(q->lens, "timeline") != 0; i++)
    json_object_array_add(out->assertions, model_show(model, items[i].fact, v.snapshot));
  order_resolved(&v, items, count, resolved, topics, out);
  free(resolved);
  free(items);
}

void model_answer_clear(struct answer *answer) {
  json_object_put(answer->aliases);
  json_object_put(answer->assertions);
  json_object_put(answer->resolved);
  free(answer->first);
  *answer = (struct answer){0};
}

struct json_object *model_answer_page(const struct model *model, const struct question *q, const struct answer *answer,
                                      size_t from, size_t limit) {
  struct json_object *page = json_object_new_object(), *as_of = json_object_new_object();
  struct json_object *assertions = json_object_new_array(), *resolved = json_object_new_array();
  const size_t count = json_object_array_length(answer->assertions);
  put(page, "concept_path", text(q->path));
  if (q->aliases)
    put(page, "aliases", json_object_get(answer->aliases));
  put(page, "lens", text(q->lens));
  put(as_of, "seq", json_object_new_int64((int64_t)answer->snapshot));
  put(as_of, "timestamp", answer->snapshot ? model_timestamp(model->facts[answer->snapshot - 1].time_us) : NULL);
  put(page, "as_of", as_of);
  for (size_t i = from; i < count && i < from + limit; i++)
    json_object_array_add(assertions, json_object_get(json_object_array_get_idx(answer->assertions, i)));
  for (size_t i = 0; i < json_object_array_length(answer->resolved); i++)
    if (answer->first[i] >= from && answer->first[i] < from + limit)
      json_object_array_add(resolved, json_object_get(json_object_array_get_idx(answer->resolved, i)));
  put(page, "assertions", assertions);
  put(page, "resolved", resolved);
  return page;
}
