/* Random histories and random questions as of random moments: every page of every answer must be what the model says.
 * STEMEDB_SEED=N begins with another seed, STEMEDB_ROUNDS=N goes on for so many histories. A failure is shrunk and
 * shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/knowledge/chance.h"
#include "tests/knowledge/exploring.h"
#include "tests/knowledge/provenance.h"
#include "tests/knowledge/run.h"
#include "tests/knowledge/shrink.h"

/* Every so many histories one begins with filler, up to near the end of what indexes keep in one block. */
enum { FILLED_EVERY = 60, FILLER = 8080 };
/* Answers are compared in the plain build; what the sanitizers look for shows in fewer of them, at several times the
 * price. */
#ifdef __SANITIZE_ADDRESS__
enum { QUESTIONS = 300, ROUNDS = 18, RESOLUTIONS = 3000 };
#else
enum { QUESTIONS = 300, ROUNDS = 110, RESOLUTIONS = 20000 };
#endif

/* Where everything came from, as of now and, in between, of old moments. */
static bool ask_around(struct run *run, unsigned limit) {
  const struct model *model = &run->model;
  bool good = provenance_check_retractions(run, model->count, limit) &&
              provenance_check_retractions(run, model->count / 2, limit);
  for (size_t i = 0; good && i < model->count; i++) {
    if (model->facts[i].step.path && strcmp(model->facts[i].step.path, "filler") == 0)
      continue;
    const struct fact *fact = &model->facts[i];
    const uint64_t between = fact->seq + (model->count - fact->seq) / 2;
    if (fact->step.kind == STEP_ASSERT)
      good = provenance_check(run, fact, i % 2 ? model->count : between, limit);
  }
  return good;
}

/* What `fails` runs with. */
struct attempt {
  char fault[sizeof(((struct run *)NULL)->fault)]; /* of the last plan that failed */
  size_t filler;
};

static bool fails(void *context, const struct plan *plan, const struct question *question) {
  struct attempt *attempt = context;
  struct run run;
  run_open(&run);
  bool good = run_fill(&run, attempt->filler);
  while (good && run.done < plan->count)
    good = run_step(&run, plan);
  if (good)
    good = run_ask(&run, question, NULL) && exploring_check_conflicts(&run, question, true) &&
           exploring_check_conflicts(&run, question, false) && ask_around(&run, 1000);
  if (!good)
    memcpy(attempt->fault, run.fault, sizeof(run.fault));
  run_close(&run);
  return !good;
}

/* Shows the failure of a run at `question` as small as it can be made. */
static void show(const struct run *run, const struct plan *plan, struct question question, uint64_t seed,
                 size_t filler) {
  struct attempt attempt = {.filler = filler};
  struct plan small = {.steps = calloc(plan->count + 1, sizeof(struct step)), .count = run->done};
  if (!small.steps)
    abort();
  memcpy(small.steps, plan->steps, run->done * sizeof(struct step));
  memcpy(attempt.fault, run->fault, sizeof(attempt.fault));
  if (getenv("STEMEDB_NO_SHRINK") == NULL && fails(&attempt, &small, &question))
    shrink(fails, &attempt, &small, &question);
  else
    printf("# it fails only between the pages of an answer: shown as it was\n");
  if (filler > 0)
    printf("# after %zu assertions about something else:\n", filler);
  run_print(&small, &question);
  for (const char *line = attempt.fault; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
    printf("# %.*s\n", (int)strcspn(line, "\n"), line);
  printf("# the seed is %" PRIu64 "\n", seed);
  plan_free(&small);
}

/* One history; returns the topics resolved, -1 if an answer was wrong. */
static long run_history(uint64_t seed) {
  struct chance chance;
  struct plan plan;
  struct run run;
  struct question question = {.path = "w", .lens = "recency", .limit = 100};
  chance_init(&chance, seed);
  const size_t filler = seed % FILLED_EVERY == 10 ? FILLER + chance_below(&chance, 110) : 0;
  if (filler) { /* then long runs of one source, some of them retracted */
    chance.paths = chance.predicates = 1;
    chance.sources = 2;
    chance.retractions = chance.reinstatements = 3;
  }
  const unsigned size = filler ? 250 : chance_below(&chance, chance_below(&chance, 4) ? 60 : 200);
  chance_plan(&chance, size, &plan);
  run_open(&run);
  bool good = run_fill(&run, filler);
  /* Some of the questions come between steps, so that there are answers with all kinds of a past. */
  for (unsigned asked = 0; good && asked < (filler ? QUESTIONS / 4 : QUESTIONS);) {
    if (run.done < plan.count) {
      good = run_step(&run, &plan);
      if (run.done < plan.count && (chance_below(&chance, 4) || (filler && run.done < 150)))
        continue;
    }
    asked++;
    chance_question(&chance, run.done, &question);
    good = good && run_ask(&run, &question, chance_below(&chance, 4) ? NULL : &plan);
    if (good && asked % 10 == 0)
      good = exploring_check_conflicts(&run, &question, asked % 20 == 0);
  }
  good = good && ask_around(&run, 1 + chance_below(&chance, 20));
  if (!good)
    show(&run, &plan, question, seed, filler);
  const long resolved = good ? (long)run.resolved : -1;
  run_close(&run);
  plan_free(&plan);
  return resolved;
}

static void test_random(void) {
  const char *first = getenv("STEMEDB_SEED"), *rounds = getenv("STEMEDB_ROUNDS");
  const uint64_t from = first ? strtoull(first, NULL, 10) : 1, count = rounds ? strtoull(rounds, NULL, 10) : ROUNDS;
  long resolved = 0;
  for (uint64_t seed = from; seed < from + count; seed++) {
    const long more = run_history(seed);
    if (more < 0) {
      CU_FAIL("an answer is wrong");
      return;
    }
    resolved += more;
  }
  printf("# %ld resolutions in %" PRIu64 " histories\n", resolved, count);
  CU_ASSERT_TRUE(first || rounds || resolved >= RESOLUTIONS);
}

int main(void) {
  static const struct test_case cases[] = {
      {"every answer about a random history is what the naive model says", test_random},
  };
  return harness_run("knowledge/random", cases, HARNESS_COUNT(cases));
}
