#include "tests/knowledge/exploring.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/knowledge/answer.h"
#include "tests/knowledge/compare.h"
#include "tests/knowledge/request.h"

static const char *member(const struct json_object *object, const char *name) {
  return json_object_get_string(json_object_object_get(object, name));
}

static double conflict_of(const struct json_object *resolved) {
  return json_object_get_double(json_object_object_get(resolved, "conflict"));
}

/* Most contested first, then by path and predicate. */
static int compare_conflicts(const void *left, const void *right) {
  const struct json_object *a = *(struct json_object *const *)left, *b = *(struct json_object *const *)right;
  if (conflict_of(a) != conflict_of(b))
    return conflict_of(a) > conflict_of(b) ? -1 : 1;
  const int paths = strcmp(member(a, "concept_path"), member(b, "concept_path"));
  return paths ? paths : strcmp(member(a, "predicate"), member(b, "predicate"));
}

static struct json_object *expect(const struct answer *answer, double least) {
  struct json_object *list = json_object_new_array();
  for (size_t i = 0; i < json_object_array_length(answer->resolved); i++) {
    struct json_object *resolved = json_object_array_get_idx(answer->resolved, i);
    if (!json_object_object_get_ex(resolved, "values", NULL) && strcmp(member(resolved, "status"), "unanimous") != 0 &&
        conflict_of(resolved) >= least)
      json_object_array_add(list, json_object_get(resolved));
  }
  json_object_array_sort(list, compare_conflicts);
  return list;
}

/* For a parameter: paths hold no '&', '%' or '+'. */
static void encode(const char *path, char *out, size_t size) {
  size_t len = 0;
  for (; *path && len + 4 < size; path++)
    len += (size_t)snprintf(out + len, size - len, "%%%02x", (unsigned char)*path);
}

bool exploring_check_conflicts(struct run *run, const struct question *question, bool contested_only) {
  struct question q = {.path = question->path,
                       .subtree = true,
                       .lens = "skeptic",
                       .as_of = question->as_of == AS_OF_TIME ? AS_OF_NOW : question->as_of,
                       .as_of_uid = question->as_of_uid};
  struct answer answer;
  struct json_object *got, *list;
  char target[400], prefix[200] = "", where[700] = "no list";
  model_answer(&run->model, &q, 0, &answer);
  encode(q.path, prefix, sizeof(prefix));
  snprintf(target, sizeof(target), "/v1/conflicts?prefix=%s&limit=1000&as_of=%" PRIu64 "%s", prefix, answer.snapshot,
           contested_only ? "" : "&min_conflict=0");
  const int status = engine_request(run->engine, HTTP_GET, target, NULL, &got);
  struct json_object *expected = expect(&answer, contested_only ? 0.5 : 0);
  const bool good = status == 200 && json_object_object_get_ex(got, "conflicts", &list) &&
                    json_same(expected, list, where, sizeof(where));
  if (!good)
    snprintf(run->fault, sizeof(run->fault), "%s: %d %s; expected %.500s, got %.500s", target, status, where,
             request_text(expected), got ? request_text(got) : "");
  json_object_put(expected);
  model_answer_clear(&answer);
  return good;
}
