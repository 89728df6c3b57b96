#include "tests/knowledge/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_init(struct model *model) {
  *model = (struct model){0};
}

void model_free(struct model *model) {
  for (size_t i = 0; i < model->count; i++)
    free(model->facts[i].covers);
  free(model->facts);
  *model = (struct model){0};
}

bool text_equal(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

const struct fact *model_find(const struct model *model, uint32_t uid) {
  for (size_t i = 0; uid && i < model->count; i++)
    if (model->facts[i].step.uid == uid)
      return &model->facts[i];
  return NULL;
}

static struct fact *add(struct model *model, const struct step *step) {
  if (model->count == model->room) {
    model->room = model->room ? model->room * 2 : 64;
    model->facts = realloc(model->facts, model->room * sizeof(*model->facts));
    if (!model->facts)
      abort();
  }
  struct fact *fact = &model->facts[model->count++];
  *fact = (struct fact){.step = *step, .seq = model->count};
  return fact;
}

struct fact *model_assert(struct model *model, const struct step *step) {
  struct fact *fact = add(model, step);
  const size_t len = strlen(step->value);
  if (step->value[0] == '"' && len <= sizeof(fact->text))
    snprintf(fact->text, len - 1, "%s", step->value + 1);
  fact->confidence = step->confidence ? strtod(step->confidence, NULL) : 1;
  for (size_t i = 0; i < step->parent_count; i++) {
    const struct fact *parent = model_find(model, step->parents[i]);
    if (parent && parent != fact)
      fact->parents[fact->parent_count++] = parent->seq;
  }
  return fact;
}

/* --- retraction --- */

static bool is_setting(const struct fact *fact) {
  return strncmp(fact->step.predicate, "stemedb.", 8) == 0;
}

static bool is_among_ids(const struct step *step, const struct fact *fact) {
  for (size_t i = 0; i < step->id_count; i++)
    if (step->ids[i] == fact->step.uid)
      return true;
  return false;
}

static bool is_of_batch(const struct model *model, const struct step *step, const struct fact *fact) {
  const struct fact *member = model_find(model, step->batch);
  return member && member->batch[0] && strcmp(member->batch, fact->batch) == 0;
}

static bool is_direct(const struct model *model, const struct step *r, const struct fact *fact) {
  const struct step *s = &fact->step;
  if (s->kind != STEP_ASSERT)
    return false;
  const bool by_path = text_equal(r->path, s->path), by_id = is_among_ids(r, fact);
  const bool by_batch = is_of_batch(model, r, fact);
  const bool whole_store = !r->path && r->id_count == 0 && !r->batch;
  const struct fact *from = model_find(model, r->from), *to = model_find(model, r->to);
  if (!by_path && !by_id && !by_batch && !whole_store)
    return false;
  if ((r->predicate && !text_equal(r->predicate, s->predicate)) || (r->source && !text_equal(r->source, s->source)) ||
      (from && fact->seq < from->seq) || (to && fact->seq > to->seq))
    return false;
  return !is_setting(fact) || by_id || by_batch || r->predicate;
}

/* Marks what the retraction covers among the entries before it; `direct` marks the direct part. */
static void cover(const struct model *model, const struct step *r, bool *direct, bool *covers) {
  for (size_t i = 0; i < model->count; i++)
    direct[i + 1] = covers[i + 1] = is_direct(model, r, &model->facts[i]);
  for (bool changed = r->cascade; changed;) {
    changed = false;
    for (size_t i = 0; i < model->count; i++) {
      const struct fact *fact = &model->facts[i];
      if (covers[i + 1] || fact->step.kind != STEP_ASSERT || is_setting(fact))
        continue;
      bool rests = r->path && text_equal(r->path, fact->step.source);
      for (size_t k = 0; k < fact->parent_count; k++)
        rests = rests || covers[fact->parents[k]];
      covers[i + 1] = rests;
      changed = changed || rests;
    }
  }
}

/* The marks, and the counts of what is active. The caller frees the marks. */
static bool *weigh(const struct model *model, const struct step *step, bool *any, uint64_t *direct,
                   uint64_t *cascaded) {
  bool *is_direct_one = calloc(model->count + 2, sizeof(bool)), *covers = calloc(model->count + 2, sizeof(bool));
  if (!is_direct_one || !covers)
    abort();
  cover(model, step, is_direct_one, covers);
  *any = false;
  *direct = *cascaded = 0;
  for (uint64_t seq = 1; seq <= model->count; seq++) {
    *any = *any || covers[seq];
    if (!covers[seq] || model_retracted_by(model, seq, model->count))
      continue;
    *direct += is_direct_one[seq];
    *cascaded += !is_direct_one[seq];
  }
  free(is_direct_one);
  return covers;
}

bool model_weigh(const struct model *model, const struct step *step, uint64_t *direct, uint64_t *cascaded) {
  bool any;
  free(weigh(model, step, &any, direct, cascaded));
  return any;
}

struct fact *model_retract(struct model *model, const struct step *step) {
  bool any;
  uint64_t direct, cascaded;
  bool *covers = weigh(model, step, &any, &direct, &cascaded);
  struct fact *fact = add(model, step);
  fact->covers = covers;
  fact->direct = direct;
  fact->cascaded = cascaded;
  return fact;
}

bool model_stands_at(const struct model *model, const struct fact *fact, uint64_t snapshot) {
  if (fact->step.kind != STEP_RETRACT || fact->seq > snapshot)
    return false;
  for (size_t i = 0; i < model->count && i < snapshot; i++)
    if (model->facts[i].step.kind == STEP_REINSTATE && model->facts[i].retraction == fact->seq)
      return false;
  return true;
}

bool model_stands(const struct model *model, const struct step *step) {
  return model_stands_at(model, model_find(model, step->target), model->count);
}

struct fact *model_reinstate(struct model *model, const struct step *step) {
  const uint64_t retraction = model_find(model, step->target)->seq, before = model->count;
  struct fact *fact = add(model, step);
  fact->retraction = retraction;
  for (uint64_t seq = 1; seq < retraction; seq++)
    fact->direct += model_retracted_by(model, seq, before) && !model_retracted_by(model, seq, fact->seq);
  return fact;
}

const struct fact *model_retracted_by(const struct model *model, uint64_t seq, uint64_t snapshot) {
  for (uint64_t r = seq + 1; r <= model->count && r <= snapshot; r++) {
    const struct fact *fact = &model->facts[r - 1];
    if (fact->step.kind == STEP_RETRACT && fact->covers[seq] && model_stands_at(model, fact, snapshot))
      return fact;
  }
  return NULL;
}

/* --- settings --- */

const char *model_setting(const struct model *model, const char *about, const char *predicate, uint64_t snapshot) {
  if (!about)
    return NULL;
  for (uint64_t seq = snapshot; seq > 0; seq--) {
    const struct fact *fact = &model->facts[seq - 1];
    if (fact->step.kind == STEP_ASSERT && strcmp(fact->step.path, about) == 0 &&
        strcmp(fact->step.predicate, predicate) == 0 && !model_retracted_by(model, seq, snapshot))
      return fact->step.value;
  }
  return NULL;
}

const char *model_predicate_setting(const struct model *model, const char *name, const char *predicate,
                                    uint64_t snapshot) {
  char about[200];
  snprintf(about, sizeof(about), "predicate/%s", name);
  return model_setting(model, about, predicate, snapshot);
}
