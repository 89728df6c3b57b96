#include "tests/knowledge/chance.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(list) (unsigned)(sizeof(list) / sizeof((list)[0]))
#define PICK(chance, list) (list)[chance_below(chance, COUNT(list))]

static const char *const paths[] = {"w", "w/g",     "w/g/a",       "w/g-x",    "w/g/a/b",
                                    "x", "w/\"q\"", "w/g\xc3\xa9", "source/a", "v"};
static const char *const predicates[] = {"p", "q", "p q", "\xc3\xa9", "stemedb.trust"};
static const char *const sources[] = {NULL,       "source/a", "source/b", "source/c", "source/zero",
                                      "source/d", "s",        "w/g",      "source/e", "source/f",
                                      "source/g", "source/h", "source/i", "source/j", "source/k"};
/* Equal and unequal ones; numbers that a tolerance joins one by one, and text that looks like them. */
static const char *const values[] = {"1",  "\"1\"", "2",    "1.5",  "null", "2.5",       "{\"a\":[1,2]}",
                                     "3",  "\"a\"", "true", "1.25", "-0.5", "100000000", "1e-9",
                                     "[]", "9"};
static const char *const confidences[] = {NULL, "1", "0.5", "0", "0.1", "0.2", "0.3", "0.85", "5e-10"};
static const char *const lenses[] = {"recency", "confidence", "authority", "consensus",
                                     "skeptic", "layered",    "timeline"};
static const char *const limits[] = {"0.1", "0.2", "0.3", "0.5", "0.85", "1"};
enum { DAY_US_MILLIONS = 86400, RETRACTIONS = 1, SETTINGS = 6, ALIASES = 1 };

unsigned chance_below(struct chance *chance, unsigned n) { /* splitmix64, https://prng.di.unimi.it/splitmix64.c */
  uint64_t z = chance->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (unsigned)((z ^ z >> 31) >> 11) % n;
}

static bool text_is(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool one_in(struct chance *chance, unsigned n) {
  return chance_below(chance, n) == 0;
}

void chance_init(struct chance *chance, uint64_t seed) {
  *chance = (struct chance){.state = seed * 0x9e3779b97f4a7c15u + 1};
  chance->paths = 1 + chance_below(chance, one_in(chance, 2) ? 2 : COUNT(paths));
  chance->predicates = 1 + chance_below(chance, one_in(chance, 2) ? 1 : COUNT(predicates));
  chance->sources = 1 + chance_below(chance, one_in(chance, 2) ? 4 : COUNT(sources));
  chance->values = 1 + chance_below(chance, one_in(chance, 2) ? 3 : COUNT(values));
  chance->confidences = 1 + chance_below(chance, COUNT(confidences));
  chance->settings = chance_below(chance, 20);
  chance->retractions = RETRACTIONS ? chance_below(chance, 25) : 0;
  chance->reinstatements = RETRACTIONS ? chance_below(chance, 15) : 0;
  chance->derived = chance_below(chance, 100);
  chance->validity = one_in(chance, 3) ? 50 : 0;
}

void plan_free(struct plan *plan) {
  free(plan->steps);
  *plan = (struct plan){0};
}

static uint32_t some_uid(struct chance *chance, const struct step *s) {
  /* Often the newest ones, so that chains grow long. */
  const unsigned before = s->uid - 1;
  const unsigned reach = one_in(chance, 2) && before > 3 ? 3 : before;
  return before ? before - chance_below(chance, reach) : 0;
}

static struct instant some_time(struct chance *chance) {
  /* A history lasts a year and more, or no time at all. */
  const int64_t days = (int64_t)chance_below(chance, one_in(chance, 2) ? 40 : 800) - 20;
  return (struct instant){true, ((int64_t)1700000000 + days * DAY_US_MILLIONS) * 1000000};
}

/* What steers the lenses: the predicate, what it is about, and values. */
static const struct {
  const char *predicate;
  enum { ABOUT_SOURCE, ABOUT_PREDICATE, ABOUT_PATH } about;
  const char *values[6];
} settings[] = {
    {"stemedb.trust", ABOUT_SOURCE, {"0", "0.5", "1", "0.25", "0.1", "0.9"}},
    {"stemedb.tier", ABOUT_SOURCE, {"0", "1", "2", "3", "4", "5"}},
    {"stemedb.half_life_days", ABOUT_SOURCE, {"1", "0.5", "10", "365", "3", "30"}},
    {"stemedb.cardinality", ABOUT_PREDICATE, {"\"one\"", "\"many\"", "\"many\"", "\"one\"", "\"many\"", "\"one\""}},
    {"stemedb.tolerance", ABOUT_PREDICATE, {"0", "0.5", "0.25", "1", "0.1", "100"}},
    {"stemedb.same_as", ABOUT_PATH, {"\"w\"", "\"w/g\"", "\"x\"", "\"v\"", "\"w/g/a\"", "\"nothing\""}},
};
static const char *const about_predicates[] = {"predicate/p", "predicate/q", "predicate/p q", "predicate/\xc3\xa9"};

static void make_setting(struct chance *chance, struct step *s) {
  const unsigned kind = chance_below(chance, SETTINGS);
  s->predicate = settings[kind].predicate;
  s->value = PICK(chance, settings[kind].values);
  if (settings[kind].about == ABOUT_SOURCE)
    s->path = sources[1 + chance_below(chance, chance->sources > 1 ? chance->sources - 1 : 1)];
  else if (settings[kind].about == ABOUT_PREDICATE)
    s->path = about_predicates[one_in(chance, 2) ? 0 : chance_below(chance, COUNT(about_predicates))];
  else
    s->path = paths[chance_below(chance, COUNT(paths))];
  if (settings[kind].about == ABOUT_PATH && strlen(s->value) == strlen(s->path) + 2 &&
      strncmp(s->value + 1, s->path, strlen(s->path)) == 0)
    s->path = "y"; /* nothing is the same as itself */
}

static void make_assertion(struct chance *chance, struct step *s, uint32_t *call) {
  s->path = paths[chance_below(chance, chance->paths)];
  s->predicate = predicates[chance_below(chance, chance->predicates)];
  s->value = values[chance_below(chance, chance->values)];
  s->source = sources[chance_below(chance, chance->sources)];
  s->confidence = confidences[chance_below(chance, chance->confidences)];
  if (chance_below(chance, 100) < chance->settings || strcmp(s->predicate, "stemedb.trust") == 0)
    make_setting(chance, s);
  for (unsigned n = chance_below(chance, 100) < chance->derived ? 1 + chance_below(chance, 3) : 0; n > 0; n--) {
    const uint32_t parent = some_uid(chance, s);
    bool known = parent == 0;
    for (size_t i = 0; i < s->parent_count; i++)
      known = known || s->parents[i] == parent;
    if (!known)
      s->parents[s->parent_count++] = parent;
  }
  if (one_in(chance, 5))
    s->observed_at = some_time(chance);
  if (chance_below(chance, 100) < chance->validity) {
    if (one_in(chance, 2))
      s->valid_from = some_time(chance);
    if (one_in(chance, 2))
      s->valid_to = some_time(chance);
    if (s->valid_from.given && s->valid_to.given && s->valid_to.us <= s->valid_from.us)
      s->valid_to.us = s->valid_from.us + 1000000;
  }
  *call = one_in(chance, 3) ? *call : one_in(chance, 2) ? 0 : s->uid;
  s->call = *call;
}

static void make_retraction(struct chance *chance, struct step *s) {
  s->kind = STEP_RETRACT;
  if (one_in(chance, 2))
    s->path =
        one_in(chance, 2) ? paths[chance_below(chance, chance->paths)] : sources[chance_below(chance, chance->sources)];
  if (one_in(chance, 4))
    s->batch = some_uid(chance, s);
  if (one_in(chance, 3) || (!s->path && !s->batch))
    for (unsigned n = 1 + chance_below(chance, 3); n > 0; n--)
      s->ids[s->id_count++] = some_uid(chance, s);
  if (one_in(chance, 6)) {
    s->path = NULL;
    s->batch = 0;
    s->id_count = 0;
    s->source = sources[1 + chance_below(chance, COUNT(sources) - 1)];
  }
  if (one_in(chance, 5))
    s->predicate = one_in(chance, 3) ? "stemedb.trust" : predicates[chance_below(chance, chance->predicates)];
  if (one_in(chance, 5))
    s->source = sources[chance_below(chance, chance->sources)];
  if (one_in(chance, 5))
    s->from = some_uid(chance, s);
  if (one_in(chance, 5))
    s->to = some_uid(chance, s);
  s->cascade = one_in(chance, 2);
}

void chance_plan(struct chance *chance, size_t count, struct plan *out) {
  uint32_t call = 0, *retractions = calloc(count + 1, sizeof(*retractions));
  unsigned retraction_count = 0;
  out->steps = calloc(count + 1, sizeof(*out->steps));
  out->count = count;
  if (!out->steps || !retractions)
    abort();
  for (size_t i = 0; i < count; i++) {
    struct step *s = &out->steps[i];
    s->uid = (uint32_t)i + 1;
    s->gap_us = one_in(chance, 3) ? 1 + chance_below(chance, 3) : (uint64_t)chance_below(chance, 2000) * 1000000 * 600;
    const unsigned what = chance_below(chance, 100);
    if (what < chance->retractions) {
      make_retraction(chance, s);
      retractions[retraction_count++] = s->uid;
    } else if (what < chance->retractions + chance->reinstatements && retraction_count > 0) {
      s->kind = STEP_REINSTATE;
      s->target = retractions[chance_below(chance, retraction_count)];
    } else {
      make_assertion(chance, s, &call);
    }
  }
  free(retractions);
}

static void choose_moment(struct chance *chance, size_t done, struct question *q) {
  if (one_in(chance, 2) || done == 0)
    return;
  q->as_of = one_in(chance, 2) ? AS_OF_SEQ : AS_OF_TIME;
  q->as_of_uid = (q->as_of == AS_OF_TIME) + chance_below(chance, (unsigned)done);
  q->as_of_delta_us = (int)chance_below(chance, 3) - 1;
}

static void choose_sources(struct chance *chance, struct question *q) {
  static const char *const trusts[] = {"0", "0.5", "1", "0.25"};
  for (unsigned n = one_in(chance, 5) ? 1 + chance_below(chance, 2) : 0; n > 0; n--) {
    const char *source = sources[chance_below(chance, chance->sources)];
    if (q->excluded_count == 0 || !text_is(q->excluded[0], source))
      q->excluded[q->excluded_count++] = source;
  }
  for (unsigned n = one_in(chance, 5) ? 1 + chance_below(chance, 2) : 0; n > 0; n--) {
    const char *source = sources[1 + chance_below(chance, COUNT(sources) - 1)];
    if (q->override_count > 0 && text_is(q->overrides[0].source, source))
      continue;
    q->overrides[q->override_count].source = source;
    q->overrides[q->override_count++].trust = PICK(chance, trusts);
  }
}

void chance_question(struct chance *chance, size_t done, struct question *q) {
  *q = (struct question){.path = paths[chance_below(chance, chance->paths)],
                         .subtree = one_in(chance, 2),
                         .lens = PICK(chance, lenses),
                         .limit = one_in(chance, 3) ? 1 + chance_below(chance, 12) : 100};
  if (one_in(chance, 3))
    q->path = paths[chance_below(chance, COUNT(paths))];
  if (one_in(chance, 3))
    q->predicate = predicates[chance_below(chance, COUNT(predicates))];
  if (one_in(chance, 5)) {
    q->has_source = true;
    q->source = sources[chance_below(chance, chance->sources)];
  }
  if (one_in(chance, 4))
    q->min_confidence = PICK(chance, limits);
  if (one_in(chance, 4)) {
    q->decay = true;
    q->lens = PICK(chance, lenses);
  }
  if (one_in(chance, 4))
    q->valid_at = some_time(chance);
  if (ALIASES && !q->subtree && one_in(chance, 2))
    q->aliases = true;
  q->include_retracted = one_in(chance, 3);
  choose_sources(chance, q);
  choose_moment(chance, done, q);
}
