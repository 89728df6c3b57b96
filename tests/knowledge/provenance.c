#include "tests/knowledge/provenance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/knowledge/answer.h"
#include "tests/knowledge/compare.h"
#include "tests/knowledge/request.h"

/* The distance of every fact from one, by seq - 1; 0: not reached. */
static unsigned *distances(const struct model *model, const struct fact *from, uint64_t snapshot, bool down) {
  unsigned *depth = calloc(model->count + 1, sizeof(*depth));
  if (!depth)
    abort();
  bool changed = true;
  for (unsigned level = 1; changed; level++) {
    changed = false;
    for (uint64_t seq = 1; seq <= snapshot; seq++) {
      const struct fact *fact = &model->facts[seq - 1];
      for (size_t i = 0; i < fact->parent_count; i++) {
        const uint64_t parent = fact->parents[i], near = down ? parent : seq, far = down ? seq : parent;
        if (far == from->seq || depth[far - 1] > 0 || !(level == 1 ? near == from->seq : depth[near - 1] == level - 1))
          continue;
        depth[far - 1] = level;
        changed = true;
      }
    }
  }
  return depth;
}

static bool names(const struct fact *child, uint64_t parent) {
  for (size_t i = 0; i < child->parent_count; i++)
    if (child->parents[i] == parent)
      return true;
  return false;
}

/* Whether `via` is one step nearer and has an edge to `fact`. */
static bool is_edge(const struct model *model, const unsigned *depth, const struct fact *from, const struct fact *fact,
                    const char *via, bool down) {
  for (size_t i = 0; i < model->count; i++) {
    const struct fact *other = &model->facts[i];
    if (strcmp(other->id, via) != 0)
      continue;
    const unsigned wanted = depth[fact->seq - 1] - 1;
    return (wanted == 0 ? other == from : depth[i] == wanted) &&
           (down ? names(fact, other->seq) : names(other, fact->seq));
  }
  return false;
}

/* One direction, nearest first: compares, edges apart. */
static bool check_direction(struct run *run, const struct fact *from, uint64_t snapshot, bool down,
                            struct json_object *got) {
  const struct model *model = &run->model;
  unsigned *depth = distances(model, from, snapshot, down);
  size_t at = 0;
  bool good = true, more = true;
  for (unsigned level = 1; good && more; level++) {
    more = false;
    for (uint64_t seq = 1; good && seq <= snapshot; seq++) {
      char where[700] = "no such item";
      if (depth[seq - 1] != level)
        continue;
      more = true;
      struct json_object *item = json_object_array_get_idx(got, at++), *via = NULL;
      struct json_object *expected = json_object_new_object();
      json_object_object_add(expected, "depth", json_object_new_int64((int64_t)level));
      json_object_object_add(expected, "assertion", model_show(model, &model->facts[seq - 1], snapshot));
      if (item && json_object_object_get_ex(item, "via", &via))
        json_object_object_add(expected, "via", json_object_get(via));
      good = item && via && json_same(expected, item, where, sizeof(where)) &&
             is_edge(model, depth, from, &model->facts[seq - 1], json_object_get_string(via), down);
      if (!good)
        snprintf(run->fault, sizeof(run->fault), "why of seq %" PRIu64 " %s: %s; expected %.500s, got %.500s",
                 from->seq, down ? "down" : "up", where, request_text(expected), item ? request_text(item) : "nothing");
      json_object_put(expected);
    }
  }
  if (good && at != json_object_array_length(got)) {
    snprintf(run->fault, sizeof(run->fault), "why of seq %" PRIu64 " %s: %zu expected, %zu got", from->seq,
             down ? "down" : "up", at, json_object_array_length(got));
    good = false;
  }
  free(depth);
  return good;
}

/* All pages of a list put together: the lists named are appended to those of the first page. The caller releases it. */
static struct json_object *read_pages(struct run *run, const char *target, const char *const *lists, size_t count) {
  struct json_object *whole = NULL, *got, *next = NULL, *part;
  char cursor[800] = "", page[1600];
  do {
    snprintf(page, sizeof(page), "%s%s%s", target, cursor[0] ? "&cursor=" : "", cursor);
    const int status = engine_request(run->engine, HTTP_GET, page, NULL, &got);
    if (status != 200) {
      snprintf(run->fault, sizeof(run->fault), "%.300s: status %d: %.600s", page, status, request_text(got));
      json_object_put(whole);
      return NULL;
    }
    for (size_t l = 0; whole && l < count; l++)
      if (json_object_object_get_ex(got, lists[l], &part))
        for (size_t i = 0; i < json_object_array_length(part); i++)
          json_object_array_add(json_object_object_get(whole, lists[l]),
                                json_object_get(json_object_array_get_idx(part, i)));
    snprintf(cursor, sizeof(cursor), "%s",
             json_object_object_get_ex(got, "next_cursor", &next) && next ? json_object_get_string(next) : "");
    whole = whole ? whole : json_object_get(got);
  } while (cursor[0]);
  return whole;
}

bool provenance_check(struct run *run, const struct fact *fact, uint64_t snapshot, unsigned limit) {
  static const char *const lists[] = {"rests_on", "supports"};
  char target[300], where[700];
  snprintf(target, sizeof(target), "/v1/why/%s?as_of=%" PRIu64 "&limit=%u", fact->id, snapshot, limit);
  struct json_object *got = read_pages(run, target, lists, 2), *self = NULL, *down = NULL, *up = NULL;
  if (!got)
    return false;
  struct json_object *expected = model_show(&run->model, fact, snapshot);
  bool good = json_object_object_get_ex(got, "assertion", &self) && json_object_object_get_ex(got, "rests_on", &up) &&
              json_object_object_get_ex(got, "supports", &down) && json_same(expected, self, where, sizeof(where));
  if (!good)
    snprintf(run->fault, sizeof(run->fault), "%s: %.900s", target, request_text(got));
  good = good && check_direction(run, fact, snapshot, false, up) && check_direction(run, fact, snapshot, true, down);
  json_object_put(expected);
  json_object_put(got);
  return good;
}

static const struct fact *reinstated_by(const struct model *model, const struct fact *fact, uint64_t snapshot) {
  for (uint64_t seq = fact->seq; seq <= snapshot; seq++)
    if (model->facts[seq - 1].step.kind == STEP_REINSTATE && model->facts[seq - 1].retraction == fact->seq)
      return &model->facts[seq - 1];
  return NULL;
}

static bool is_number(struct json_object *object, const char *pointer, uint64_t value) {
  struct json_object *got;
  return json_pointer_get(object, pointer, &got) == 0 && json_object_is_type(got, json_type_int) &&
         (uint64_t)json_object_get_int64(got) == value;
}

static bool is_text(struct json_object *object, const char *pointer, const char *value) {
  struct json_object *got;
  return json_pointer_get(object, pointer, &got) == 0 && json_object_is_type(got, json_type_string) &&
         strcmp(json_object_get_string(got), value) == 0;
}

/* The members that a list of retractions must show, as they must be. */
static bool is_shown(const struct model *model, const struct fact *fact, uint64_t snapshot, struct json_object *got) {
  const struct fact *undone = reinstated_by(model, fact, snapshot);
  struct json_object *none;
  return is_text(got, "/retraction_id", fact->id) && is_number(got, "/seq", fact->seq) &&
         is_number(got, "/retracted_count", fact->direct) && is_number(got, "/cascaded_count", fact->cascaded) &&
         is_text(got, "/reason", "because") && is_text(got, "/status", undone ? "reinstated" : "standing") &&
         (undone ? is_number(got, "/reinstated/seq", undone->seq) &&
                       is_number(got, "/reinstated/reinstated_count", undone->direct)
                 : json_object_object_get_ex(got, "reinstated", &none) && !none);
}

bool provenance_check_retractions(struct run *run, uint64_t snapshot, unsigned limit) {
  static const char *const lists[] = {"retractions"};
  char target[100];
  snprintf(target, sizeof(target), "/v1/retractions?as_of=%" PRIu64 "&limit=%u", snapshot, limit);
  struct json_object *got = read_pages(run, target, lists, 1);
  size_t at = 0;
  bool good = got != NULL;
  for (uint64_t seq = snapshot; good && seq > 0; seq--) {
    const struct fact *fact = &run->model.facts[seq - 1];
    if (fact->step.kind != STEP_RETRACT)
      continue;
    struct json_object *item = json_object_array_get_idx(json_object_object_get(got, "retractions"), at++);
    good = item && is_shown(&run->model, fact, snapshot, item);
    if (!good)
      snprintf(run->fault, sizeof(run->fault),
               "retraction %" PRIu64 " (%" PRIu64 " direct, %" PRIu64 " cascaded): %.900s", seq, fact->direct,
               fact->cascaded, item ? request_text(item) : "nothing");
  }
  if (good && at != json_object_array_length(json_object_object_get(got, "retractions"))) {
    snprintf(run->fault, sizeof(run->fault), "%zu retractions expected: %.900s", at, request_text(got));
    good = false;
  }
  json_object_put(got);
  return good;
}
