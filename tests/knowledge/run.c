#include "tests/knowledge/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/knowledge/answer.h"
#include "tests/knowledge/compare.h"
#include "tests/knowledge/request.h"

static bool fail(struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool fail(struct run *run, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(run->fault, sizeof(run->fault), fmt, args);
  va_end(args);
  return false;
}

void run_open(struct run *run) {
  *run = (struct run){.engine = engine_open()};
  model_init(&run->model);
  engine_set_time((uint64_t)1700000000 * 1000000);
}

void run_close(struct run *run) {
  model_free(&run->model);
  engine_close(run->engine);
}

/* --- steps --- */

/* Keeps the references to what is stored. */
static size_t known(const struct model *model, uint32_t *uids, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (model_find(model, uids[i]))
      uids[kept++] = uids[i];
  return kept;
}

/* The step without references to what is not there; false if it has nothing left to say. */
static bool prepare(const struct model *model, struct step *s) {
  s->parent_count = known(model, s->parents, s->parent_count);
  s->id_count = known(model, s->ids, s->id_count);
  const struct fact *member = model_find(model, s->batch);
  s->batch = member && member->batch[0] ? s->batch : 0;
  s->from = model_find(model, s->from) ? s->from : 0;
  s->to = model_find(model, s->to) ? s->to : 0;
  if (s->from && s->to && model_find(model, s->from)->seq > model_find(model, s->to)->seq)
    return false;
  if (s->kind == STEP_RETRACT)
    return s->path || s->id_count || s->batch || s->source || s->from || s->to;
  return s->kind != STEP_REINSTATE || model_find(model, s->target);
}

static const char *member(struct json_object *object, const char *name) {
  struct json_object *value;
  return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "";
}

static void pass_time(const struct run *run, uint64_t gap_us) {
  const size_t count = run->model.count;
  const uint64_t last = count ? run->model.facts[count - 1].time_us : engine_time();
  engine_set_time(last + (gap_us ? gap_us : 1));
}

/* Takes over what the node gave an assertion, and compares the rest. */
static bool store(struct run *run, const struct step *step, struct json_object *got, const char *batch,
                  uint64_t time_us) {
  char where[700];
  struct fact *fact = model_assert(&run->model, step);
  snprintf(fact->id, sizeof(fact->id), "%s", member(got, "id"));
  snprintf(fact->batch, sizeof(fact->batch), "%s", batch);
  fact->time_us = time_us;
  struct json_object *expected = model_show(&run->model, fact, fact->seq);
  const bool same = strlen(fact->id) == 64 && json_same(expected, got, where, sizeof(where));
  json_object_put(expected);
  return same || fail(run, "step %u is stored otherwise: %s", step->uid, where);
}

/* What is not an assertion is nothing to rest on. */
static bool rests_on_assertions(const struct model *model, const struct step *step) {
  for (size_t i = 0; i < step->parent_count; i++)
    if (model_find(model, step->parents[i])->step.kind != STEP_ASSERT)
      return false;
  return true;
}

static bool assert_one(struct run *run, const struct step *step) {
  struct json_object *body = request_of_step(&run->model, step), *answer;
  const int status = engine_request(run->engine, HTTP_POST, "/v1/assert", request_text(body), &answer);
  json_object_put(body);
  if (status != (rests_on_assertions(&run->model, step) ? 201 : 422))
    return fail(run, "step %u: status %d", step->uid, status);
  return status != 201 || store(run, step, answer, "", engine_time());
}

static bool assert_many(struct run *run, const struct step *steps, size_t count) {
  struct json_object *body = json_object_new_array(), *answer, *stored;
  bool good = true;
  for (size_t i = 0; i < count; i++) {
    json_object_array_add(body, request_of_step(&run->model, &steps[i]));
    good = good && rests_on_assertions(&run->model, &steps[i]);
  }
  const int status = engine_request(run->engine, HTTP_POST, "/v1/assert", request_text(body), &answer);
  json_object_put(body);
  if (status != (good ? 201 : 422) || (good && (!json_object_object_get_ex(answer, "assertions", &stored) ||
                                                json_object_array_length(stored) != count)))
    return fail(run, "the array of step %u: status %d", steps[0].uid, status);
  if (!good)
    return true;
  for (size_t i = 0; i < count; i++)
    if (!store(run, &steps[i], json_object_array_get_idx(stored, i), member(answer, "batch"), engine_time() + i))
      return false;
  return true;
}

static bool retract(struct run *run, const struct step *step) {
  struct json_object *body = request_of_step(&run->model, step), *answer;
  const int status = engine_request(run->engine, HTTP_POST, "/v1/retract", request_text(body), &answer);
  uint64_t direct, cascaded;
  const bool any = model_weigh(&run->model, step, &direct, &cascaded);
  json_object_put(body);
  if (status != (any ? 200 : 404))
    return fail(run, "step %u: status %d, not %d", step->uid, status, any ? 200 : 404);
  if (!any)
    return true;
  struct json_object *r, *c;
  if (!json_object_object_get_ex(answer, "retracted_count", &r) ||
      !json_object_object_get_ex(answer, "cascaded_count", &c) || json_object_get_int64(r) != (int64_t)direct ||
      json_object_get_int64(c) != (int64_t)cascaded)
    return fail(run, "step %u: retracted %ld, cascaded %ld expected, got %s", step->uid, (long)direct, (long)cascaded,
                request_text(answer));
  struct fact *fact = model_retract(&run->model, step);
  snprintf(fact->id, sizeof(fact->id), "%s", member(answer, "retraction_id"));
  fact->time_us = engine_time();
  return strlen(fact->id) == 64 || fail(run, "step %u has no retraction_id", step->uid);
}

static bool reinstate(struct run *run, const struct step *step) {
  struct json_object *body = request_of_step(&run->model, step), *answer, *count;
  const int status = engine_request(run->engine, HTTP_POST, "/v1/reinstate", request_text(body), &answer);
  const bool stands = model_stands(&run->model, step);
  json_object_put(body);
  if (status != (stands ? 200 : 409))
    return fail(run, "step %u: status %d, not %d", step->uid, status, stands ? 200 : 409);
  if (!stands)
    return true;
  struct fact *fact = model_reinstate(&run->model, step);
  fact->time_us = engine_time();
  snprintf(fact->id, sizeof(fact->id), "%s", member(answer, "reinstatement_id"));
  if (!json_object_object_get_ex(answer, "reinstated_count", &count) ||
      json_object_get_int64(count) != (int64_t)fact->direct)
    return fail(run, "step %u: %ld active again expected, got %s", step->uid, (long)fact->direct, request_text(answer));
  return true;
}

bool run_step(struct run *run, const struct plan *plan) {
  enum { CALL_MAX = 16 };
  struct step steps[CALL_MAX];
  size_t count = 0;
  const uint32_t call = plan->steps[run->done].call;
  pass_time(run, plan->steps[run->done].gap_us);
  do {
    steps[count] = plan->steps[run->done++];
    count += prepare(&run->model, &steps[count]);
  } while (call && count < CALL_MAX && run->done < plan->count && plan->steps[run->done].call == call);
  if (count == 0)
    return true;
  if (steps[0].kind == STEP_RETRACT)
    return retract(run, &steps[0]);
  if (steps[0].kind == STEP_REINSTATE)
    return reinstate(run, &steps[0]);
  return call ? assert_many(run, steps, count) : assert_one(run, &steps[0]);
}

bool run_fill(struct run *run, size_t count) {
  enum { AT_ONCE = 1000, FIRST_UID = 1000000 };
  struct step *steps = calloc(AT_ONCE, sizeof(*steps));
  bool good = steps != NULL;
  for (size_t done = 0, n; good && done < count; done += n) {
    n = count - done < AT_ONCE ? count - done : AT_ONCE;
    for (size_t i = 0; i < n; i++)
      steps[i] = (struct step){.uid = (uint32_t)(FIRST_UID + done + i),
                               .path = "filler",
                               .predicate = "filler",
                               .source = i % 3 ? "source/filler" : NULL,
                               .value = "0"};
    pass_time(run, 1);
    good = assert_many(run, steps, n);
  }
  free(steps);
  return good;
}

/* --- questions --- */

/* The moment that ages are counted to. */
static int64_t moment_of(const struct run *run, const struct question *q) {
  const struct fact *at = model_find(&run->model, q->as_of_uid);
  if (q->as_of == AS_OF_TIME && at)
    return (int64_t)at->time_us + q->as_of_delta_us;
  if (q->as_of == AS_OF_SEQ && at)
    return (int64_t)at->time_us;
  return (int64_t)engine_time();
}

/* Compares one page; *cursor (owned by `got`) is the next one's, NULL at the end. */
static bool check_page(struct run *run, const struct question *q, const struct answer *answer, size_t from,
                       size_t limit, int64_t moment, struct json_object *got, const char **cursor) {
  char where[700];
  struct json_object *expected = model_answer_page(&run->model, q, answer, from, limit), *next, *history;
  const bool more = from + limit < json_object_array_length(answer->assertions);
  if (q->decay)
    json_object_object_add(expected, "decayed_at", answer->snapshot ? model_timestamp((uint64_t)moment) : NULL);
  if (json_object_object_get_ex(got, "history", &history))
    json_object_object_add(expected, "history", json_object_get(history));
  const bool has_next = json_object_object_get_ex(got, "next_cursor", &next);
  *cursor = next ? json_object_get_string(next) : NULL;
  json_object_object_add(expected, "next_cursor", json_object_get(next));
  const bool same = json_same(expected, got, where, sizeof(where));
  if (!same)
    fail(run, "%s\nexpected %.600s\ngot      %.600s", where, request_text(expected), request_text(got));
  json_object_put(expected);
  if (same && (!history || !has_next || more != (next != NULL)))
    return fail(run, "history or next_cursor is wrong at %zu: %.600s", from, request_text(got));
  return same;
}

bool run_ask(struct run *run, const struct question *q, const struct plan *next) {
  struct answer answer;
  const int64_t moment = moment_of(run, q);
  struct json_object *body = request_of_question(&run->model, q), *got;
  size_t from = 0, limit = q->limit;
  bool good = true, more = true;
  model_answer(&run->model, q, moment, &answer);
  while (good && more) {
    const char *cursor = NULL;
    const int status = engine_request(run->engine, HTTP_POST, "/v1/query", request_text(body), &got);
    good = status == 200 ? check_page(run, q, &answer, from, limit, moment, got, &cursor)
                         : fail(run, "status %d: %.600s", status, request_text(got));
    more = good && cursor;
    if (more)
      json_object_object_add(body, "cursor", json_object_new_string(cursor));
    from += limit;
    limit = 1 + limit * 2 % 1000; /* it may change from page to page */
    json_object_object_add(body, "limit", json_object_new_int64((int64_t)limit));
    if (more && next && run->done < next->count)
      good = run_step(run, next);
  }
  run->resolved += good ? json_object_array_length(answer.resolved) : 0;
  json_object_put(body);
  model_answer_clear(&answer);
  return good;
}

/* --- for a reader --- */

void run_print(const struct plan *plan, const struct question *q) {
  for (size_t i = 0; i < plan->count; i++) {
    const struct step *s = &plan->steps[i];
    static const char *const calls[] = {"assert", "retract", "reinstate"};
    struct json_object *body = request_of_step(NULL, s);
    printf("# <%u> ", s->uid);
    if (s->call)
      printf("(array %u) ", s->call);
    printf("after %lu us: %s %s\n", (unsigned long)s->gap_us, calls[s->kind], request_text(body));
    json_object_put(body);
  }
  struct json_object *body = q ? request_of_question(NULL, q) : NULL;
  if (q)
    printf("# query %s\n", request_text(body));
  json_object_put(body);
}
