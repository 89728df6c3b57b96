#include "tests/knowledge/shrink.h"

#include <stdlib.h>
#include <string.h>

struct shrink {
  fails_fn fails;
  void *context;
  struct plan *plan;
  struct question *question;
};

/* Leaves out steps [from, from + count) if it fails without them. */
static bool drop_steps(const struct shrink *s, size_t from, size_t count) {
  struct plan smaller = {.steps = calloc(s->plan->count + 1, sizeof(struct step)), .count = s->plan->count - count};
  if (!smaller.steps)
    abort();
  memcpy(smaller.steps, s->plan->steps, from * sizeof(struct step));
  memcpy(smaller.steps + from, s->plan->steps + from + count, (s->plan->count - from - count) * sizeof(struct step));
  if (!s->fails(s->context, &smaller, s->question)) {
    free(smaller.steps);
    return false;
  }
  free(s->plan->steps);
  *s->plan = smaller;
  return true;
}

static bool drop_any_steps(const struct shrink *s) {
  bool any = false;
  for (size_t size = s->plan->count; size > 0; size /= 2)
    for (size_t end = s->plan->count; end > 0;) {
      const size_t count = size < end ? size : end;
      any = drop_steps(s, end - count, count) || any;
      end -= count;
      end = end < s->plan->count ? end : s->plan->count;
    }
  return any;
}

/* Simplifies a step in one way of many; false if there is no such way. */
static bool simplify(struct step *s, unsigned way) {
  switch (way) {
  case 0: s->parent_count = s->parent_count ? s->parent_count - 1 : 0; break;
  case 1:
    if (s->parent_count) {
      memmove(s->parents, s->parents + 1, (REFERENCES_MAX - 1) * sizeof(*s->parents));
      s->parent_count--;
    }
    break;
  case 2: s->id_count = s->id_count ? s->id_count - 1 : 0; break;
  case 3:
    if (s->id_count) {
      memmove(s->ids, s->ids + 1, (REFERENCES_MAX - 1) * sizeof(*s->ids));
      s->id_count--;
    }
    break;
  case 4: s->source = NULL; break;
  case 5: s->confidence = NULL; break;
  case 6: s->observed_at.given = false; break;
  case 7: s->valid_from.given = false; break;
  case 8: s->valid_to.given = false; break;
  case 9: s->call = 0; break;
  case 10: s->gap_us = 1; break;
  case 11: s->cascade = false; break;
  case 12: s->batch = 0; break;
  case 13: s->from = 0; break;
  case 14: s->to = 0; break;
  case 15: s->predicate = s->kind == STEP_RETRACT ? NULL : s->predicate; break;
  case 16: s->path = s->kind == STEP_RETRACT ? NULL : s->path; break;
  case 17: s->value = s->kind == STEP_ASSERT && strncmp(s->predicate, "stemedb.", 8) != 0 ? "1" : s->value; break;
  default: return false;
  }
  return true;
}

static bool simplify_question(struct question *q, unsigned way) {
  switch (way) {
  case 0: q->predicate = NULL; break;
  case 1: q->subtree = false; break;
  case 2: q->has_source = false; break;
  case 3: q->as_of = AS_OF_NOW; break;
  case 4: q->min_confidence = NULL; break;
  case 5: q->decay = false; break;
  case 6: q->valid_at.given = false; break;
  case 7: q->include_retracted = false; break;
  case 8: q->aliases = false; break;
  case 9: q->explain = false; break;
  case 10: q->excluded_count = 0; break;
  case 11: q->override_count = 0; break;
  case 12: q->limit = 100; break;
  case 13: q->lens = "recency"; break;
  default: return false;
  }
  return true;
}

static void simplify_steps(const struct shrink *s) {
  for (size_t i = 0; i < s->plan->count; i++)
    for (unsigned way = 0;; way++) {
      struct step *step = &s->plan->steps[i];
      const struct step before = *step;
      if (!simplify(step, way))
        break;
      if (memcmp(&before, step, sizeof(before)) != 0 && !s->fails(s->context, s->plan, s->question))
        *step = before;
    }
}

static void simplify_asking(const struct shrink *s) {
  for (unsigned way = 0;; way++) {
    const struct question before = *s->question;
    if (!simplify_question(s->question, way))
      break;
    if (memcmp(&before, s->question, sizeof(before)) != 0 && !s->fails(s->context, s->plan, s->question))
      *s->question = before;
  }
}

void shrink(fails_fn fails, void *context, struct plan *plan, struct question *question) {
  const struct shrink s = {fails, context, plan, question};
  drop_any_steps(&s);
  simplify_asking(&s);
  simplify_steps(&s);
  for (int rounds = 0; rounds < 3 && drop_any_steps(&s); rounds++)
    simplify_steps(&s);
}
