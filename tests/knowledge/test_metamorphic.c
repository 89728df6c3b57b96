/* What must not change an answer does not: the order of what is independent, a retraction that was undone, the seq of
 * now in place of now, the size of pages, new indexes, a copy in another node. No model has a say here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/knowledge/chance.h"
#include "tests/knowledge/compare.h"
#include "tests/knowledge/request.h"
#include "tests/knowledge/run.h"

enum { HISTORIES = 8, QUESTIONS = 40 };

/* A random history that was sent, and questions about it. */
struct scene {
  struct chance chance;
  struct plan plan;
  struct run run;
  struct question questions[QUESTIONS];
};

static void scene_open(struct scene *s, uint64_t seed) {
  chance_init(&s->chance, seed);
  chance_plan(&s->chance, 20 + chance_below(&s->chance, 100), &s->plan);
  run_open(&s->run);
  while (s->run.done < s->plan.count)
    if (!run_step(&s->run, &s->plan)) {
      printf("# seed %lu: %s\n", (unsigned long)seed, s->run.fault);
      CU_FAIL_FATAL("a history cannot be made");
    }
  for (size_t i = 0; i < QUESTIONS; i++) {
    chance_question(&s->chance, s->run.done, &s->questions[i]);
    s->questions[i].limit = 1000;
  }
}

static void scene_close(struct scene *s) {
  run_close(&s->run);
  plan_free(&s->plan);
}

/* The answer to a request without what may differ; the caller releases it. */
static struct json_object *ask(struct engine *engine, struct json_object *body, bool with_as_of) {
  struct json_object *got;
  const int status = engine_request(engine, HTTP_POST, "/v1/query", request_text(body), &got);
  if (status != 200)
    printf("# %d %s to %s\n", status, request_text(got), request_text(body));
  CU_ASSERT_EQUAL_FATAL(status, 200);
  json_object_object_del(got, "history");
  json_object_object_del(got, "next_cursor");
  if (!with_as_of)
    json_object_object_del(got, "as_of");
  return json_object_get(got);
}

static void check_same(struct json_object *expected, struct json_object *got, struct json_object *body) {
  char where[700];
  const bool same = json_same(expected, got, where, sizeof(where));
  if (!same)
    printf("# %s\n# %s\n", request_text(body), where);
  CU_ASSERT_TRUE(same);
  json_object_put(expected);
  json_object_put(got);
}

/* Asks everything, and keeps the answers. */
static void ask_all(struct scene *s, struct json_object **answers, bool with_as_of) {
  for (size_t i = 0; i < QUESTIONS; i++) {
    struct json_object *body = request_of_question(&s->run.model, &s->questions[i]);
    answers[i] = ask(s->run.engine, body, with_as_of);
    json_object_put(body);
  }
}

static void check_all(struct scene *s, struct json_object **answers, bool with_as_of) {
  for (size_t i = 0; i < QUESTIONS; i++) {
    struct json_object *body = request_of_question(&s->run.model, &s->questions[i]);
    check_same(answers[i], ask(s->run.engine, body, with_as_of), body);
    json_object_put(body);
  }
}

static void test_as_of_now(void) {
  for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
    struct scene s;
    scene_open(&s, seed);
    for (size_t i = 0; i < QUESTIONS; i++) {
      s.questions[i].as_of = AS_OF_NOW;
      struct json_object *body = request_of_question(&s.run.model, &s.questions[i]);
      struct json_object *now = ask(s.run.engine, body, true);
      json_object_object_add(body, "as_of", json_object_new_int64((int64_t)s.run.model.count));
      json_object_object_del(now, "decayed_at");
      struct json_object *then = ask(s.run.engine, body, true);
      json_object_object_del(then, "decayed_at");
      if (s.questions[i].decay) { /* ages are counted to another moment */
        json_object_put(now);
        json_object_put(then);
      } else {
        check_same(now, then, body);
      }
      json_object_put(body);
    }
    scene_close(&s);
  }
}

static void test_rebuild(void) {
  for (uint64_t seed = 21; seed < 21 + HISTORIES; seed++) {
    struct scene s;
    struct json_object *answers[QUESTIONS];
    scene_open(&s, seed);
    ask_all(&s, answers, true);
    engine_rebuild(s.run.engine);
    check_all(&s, answers, true);
    scene_close(&s);
  }
}

/* One assertion of each source about each topic, in an order that the seed shuffles. */
static void send_shuffled(struct run *run, const struct plan *plan, uint64_t seed) {
  struct chance chance = {.state = seed};
  struct plan shuffled = {.steps = calloc(plan->count + 1, sizeof(struct step)), .count = plan->count};
  memcpy(shuffled.steps, plan->steps, plan->count * sizeof(struct step));
  for (size_t i = plan->count; i > 1; i--) {
    const size_t k = chance_below(&chance, (unsigned)i);
    const struct step step = shuffled.steps[i - 1];
    shuffled.steps[i - 1] = shuffled.steps[k];
    shuffled.steps[k] = step;
  }
  run_open(run);
  while (run->done < shuffled.count)
    CU_ASSERT_TRUE_FATAL(run_step(run, &shuffled));
  plan_free(&shuffled);
}

static void make_independent(struct chance *chance, struct plan *plan) {
  chance_init(chance, chance->state);
  chance_plan(chance, 80, plan);
  size_t kept = 0;
  for (size_t i = 0; i < plan->count; i++) {
    struct step s = plan->steps[i];
    bool known = s.kind != STEP_ASSERT;
    for (size_t k = 0; k < kept; k++)
      known =
          known || (strcmp(plan->steps[k].path, s.path) == 0 && strcmp(plan->steps[k].predicate, s.predicate) == 0 &&
                    (text_equal(plan->steps[k].source, s.source) || strncmp(s.predicate, "stemedb.", 8) == 0));
    s.parent_count = 0;
    s.call = 0;
    if (!known)
      plan->steps[kept++] = s;
  }
  plan->count = kept;
}

/* The parts of a skeptic's resolution that no tie can change: conflict, status, and the shares by their sources. */
static struct json_object *essence(struct json_object *resolved) {
  struct json_object *out = json_object_new_object(), *shares = json_object_new_object();
  static const char *const kept[] = {"concept_path", "predicate", "conflict", "status"};
  for (size_t i = 0; i < HARNESS_COUNT(kept); i++)
    json_object_object_add(out, kept[i], json_object_get(json_object_object_get(resolved, kept[i])));
  struct json_object *candidates = json_object_object_get(resolved, "candidates");
  for (size_t i = 0; candidates && i < json_object_array_length(candidates); i++) {
    struct json_object *c = json_object_array_get_idx(candidates, i);
    json_object_object_add(shares, json_object_to_json_string(json_object_object_get(c, "sources")),
                           json_object_get(json_object_object_get(c, "share")));
  }
  json_object_object_add(out, "shares", shares);
  return out;
}

static void test_order(void) {
  size_t compared = 0;
  for (uint64_t seed = 41; seed < 41 + HISTORIES; seed++) {
    struct chance chance = {.state = seed};
    struct plan plan;
    struct run one, other;
    make_independent(&chance, &plan);
    send_shuffled(&one, &plan, seed);
    send_shuffled(&other, &plan, seed + 1000);
    struct question q = {.path = "w", .subtree = true, .lens = "skeptic", .limit = 1000};
    struct json_object *body = request_of_question(NULL, &q);
    struct json_object *a = ask(one.engine, body, false), *b = ask(other.engine, body, false);
    struct json_object *of_a = json_object_object_get(a, "resolved"), *of_b = json_object_object_get(b, "resolved");
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(of_a), json_object_array_length(of_b));
    for (size_t i = 0; i < json_object_array_length(of_a); i++, compared++)
      check_same(essence(json_object_array_get_idx(of_a, i)), essence(json_object_array_get_idx(of_b, i)), body);
    json_object_put(a);
    json_object_put(b);
    json_object_put(body);
    run_close(&one);
    run_close(&other);
    plan_free(&plan);
  }
  CU_ASSERT_TRUE(compared > 10);
}

/* All pages of a question put together. */
static struct json_object *ask_by_pages(struct engine *engine, struct json_object *body, unsigned limit) {
  struct json_object *whole = NULL, *got, *part, *next;
  json_object_object_add(body, "limit", json_object_new_int64((int64_t)limit));
  for (bool more = true; more;) {
    CU_ASSERT_EQUAL_FATAL(engine_request(engine, HTTP_POST, "/v1/query", request_text(body), &got), 200);
    more = json_object_object_get_ex(got, "next_cursor", &next) && next;
    if (more)
      json_object_object_add(body, "cursor", json_object_get(next));
    static const char *const lists[] = {"assertions", "resolved"};
    for (size_t l = 0; whole && l < 2; l++) {
      part = json_object_object_get(got, lists[l]);
      for (size_t i = 0; i < json_object_array_length(part); i++)
        json_object_array_add(json_object_object_get(whole, lists[l]),
                              json_object_get(json_object_array_get_idx(part, i)));
    }
    whole = whole ? whole : json_object_get(got);
  }
  json_object_object_del(whole, "history");
  json_object_object_del(whole, "next_cursor");
  json_object_object_del(body, "cursor");
  return whole;
}

static void test_pages(void) {
  for (uint64_t seed = 61; seed < 61 + HISTORIES; seed++) {
    struct scene s;
    scene_open(&s, seed);
    for (size_t i = 0; i < QUESTIONS; i++) {
      struct json_object *body = request_of_question(&s.run.model, &s.questions[i]);
      struct json_object *whole = ask(s.run.engine, body, true);
      check_same(whole, ask_by_pages(s.run.engine, body, 1 + (unsigned)i % 7), body);
      json_object_put(body);
    }
    scene_close(&s);
  }
}

static int post(struct engine *engine, const char *target, const char *body, char id[80], const char *name) {
  struct json_object *got, *value;
  const int status = engine_request(engine, HTTP_POST, target, body, &got);
  if (id && json_object_object_get_ex(got, name, &value))
    snprintf(id, 80, "%s", json_object_get_string(value));
  return status;
}

/* Timelines and explanations tell what happened, as they should. */
static void leave_out_events(struct scene *s) {
  for (size_t i = 0; i < QUESTIONS; i++) {
    s->questions[i].as_of = AS_OF_NOW;
    s->questions[i].decay = false;
    if (strcmp(s->questions[i].lens, "timeline") == 0)
      s->questions[i].lens = "skeptic";
  }
}

static void test_undone(void) {
  static const char *const selections[] = {"\"concept_path\":\"w\"",
                                           "\"concept_path\":\"source/a\",\"cascade\":true",
                                           "\"source\":\"source/a\"",
                                           "\"from_seq\":3,\"to_seq\":40",
                                           "\"concept_path\":\"w\",\"predicate\":\"p\",\"cascade\":true",
                                           "\"from_seq\":1,\"predicate\":\"stemedb.trust\""};
  size_t undone = 0;
  for (uint64_t seed = 81; seed < 81 + HISTORIES; seed++) {
    struct scene s;
    struct json_object *answers[QUESTIONS];
    char body[300], id[80];
    scene_open(&s, seed);
    leave_out_events(&s);
    ask_all(&s, answers, false);
    for (size_t i = 0; i < HARNESS_COUNT(selections); i++) {
      snprintf(body, sizeof(body), "{\"reason\":\"r\",%s}", selections[i]);
      const int status = post(s.run.engine, "/v1/retract", body, id, "retraction_id");
      CU_ASSERT_TRUE_FATAL(status == 200 || status == 404);
      if (status == 404)
        continue;
      snprintf(body, sizeof(body), "{\"reason\":\"r\",\"retraction_id\":\"%s\"}", id);
      CU_ASSERT_EQUAL_FATAL(post(s.run.engine, "/v1/reinstate", body, NULL, NULL), 200);
      CU_ASSERT_EQUAL_FATAL(post(s.run.engine, "/v1/reinstate", body, NULL, NULL), 409);
      undone++;
    }
    check_all(&s, answers, false);
    scene_close(&s);
  }
  CU_ASSERT_TRUE(undone > 2 * HISTORIES);
}

/* What a dry run tells, the retraction does; and the dry run does nothing. */
static void test_dry_run(void) {
  static const char *const members[] = {"retracted_count", "cascaded_count"};
  for (uint64_t seed = 101; seed < 101 + HISTORIES; seed++) {
    struct scene s;
    struct json_object *answers[QUESTIONS], *got, *dry = NULL;
    scene_open(&s, seed);
    leave_out_events(&s);
    ask_all(&s, answers, true);
    const char *body = seed % 2 ? "{\"reason\":\"r\",\"concept_path\":\"w\",\"cascade\":true,\"dry_run\":true}"
                                : "{\"reason\":\"r\",\"from_seq\":2,\"cascade\":true,\"dry_run\":true}";
    const char *wet = seed % 2 ? "{\"reason\":\"r\",\"concept_path\":\"w\",\"cascade\":true}"
                               : "{\"reason\":\"r\",\"from_seq\":2,\"cascade\":true}";
    CU_ASSERT_EQUAL_FATAL(engine_request(s.run.engine, HTTP_POST, "/v1/retract", body, &got), 200);
    dry = json_object_get(got);
    check_all(&s, answers, true);
    CU_ASSERT_EQUAL_FATAL(engine_request(s.run.engine, HTTP_POST, "/v1/retract", wet, &got), 200);
    for (size_t i = 0; i < HARNESS_COUNT(members); i++)
      CU_ASSERT_EQUAL(json_object_get_int64(json_object_object_get(dry, members[i])),
                      json_object_get_int64(json_object_object_get(got, members[i])));
    json_object_put(dry);
    scene_close(&s);
  }
}

/* The beginning of a block of seqs is retracted, and not by what a whole run could be passed over for. */
static void test_block_end(void) {
  enum { LAST_OF_BLOCK = 8191, RETRACTED = 12 };
  struct run run;
  struct step steps[RETRACTED + 2];
  const struct plan plan = {steps, RETRACTED + 2};
  const struct question q = {.path = "w", .lens = "recency", .limit = 100, .include_retracted = false};
  for (uint32_t i = 0; i < RETRACTED + 1; i++)
    steps[i] = (struct step){.uid = i + 1, .gap_us = 1, .call = i > 0, .path = "w", .predicate = "p", .value = "1"};
  steps[RETRACTED + 1] = (struct step){.kind = STEP_RETRACT, .uid = RETRACTED + 2, .gap_us = 1, .batch = RETRACTED + 1};
  run_open(&run);
  CU_ASSERT_TRUE_FATAL(run_fill(&run, LAST_OF_BLOCK - 1));
  while (run.done < plan.count)
    CU_ASSERT_TRUE_FATAL(run_step(&run, &plan));
  CU_ASSERT_TRUE(run_ask(&run, &q, NULL));
  if (run.fault[0])
    printf("# %.900s\n", run.fault);
  run_close(&run);
}

int main(void) {
  static const struct test_case cases[] = {
      {"an answer as of the newest seq is the answer of now", test_as_of_now},
      {"new indexes answer as the old ones did", test_rebuild},
      {"the order of independent assertions changes no group, no share and no conflict", test_order},
      {"pages put together are what one large page is", test_pages},
      {"retractions that are undone leave every answer as it was", test_undone},
      {"what is active just below a block whose beginning is retracted is found", test_block_end},
      {"a dry run changes nothing, and counts what the retraction then does", test_dry_run},
  };
  return harness_run("knowledge/metamorphic", cases, HARNESS_COUNT(cases));
}
