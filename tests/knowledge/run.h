/* A plan sent to a node step by step, and the model beside it. */
#ifndef TESTS_KNOWLEDGE_RUN_H
#define TESTS_KNOWLEDGE_RUN_H

#include "tests/knowledge/engine.h"
#include "tests/knowledge/model.h"

struct run {
  struct engine *engine;
  struct model model;
  size_t done;      /* steps of the plan */
  size_t resolved;  /* topics of which the resolution was compared */
  char fault[2000]; /* what was wrong first; "" if nothing */
};

/* An empty history in a node of its own. */
void run_open(struct run *run);
void run_close(struct run *run);
/* Begins the history with `count` assertions about something else, so that it crosses the bounds of what indexes keep
 * together. */
bool run_fill(struct run *run, size_t count);
/* Sends the plan's next step (an array: all of its steps); false if the node answers otherwise than the model. */
bool run_step(struct run *run, const struct plan *plan);
/* Asks and compares every page. With `next` (may be NULL) steps of that plan are sent between the pages. */
bool run_ask(struct run *run, const struct question *question, const struct plan *next);

/* For a reader: each step and the question as requests, where "<7>" stands for the id of what step 7 stored. */
void run_print(const struct plan *plan, const struct question *question);

#endif
