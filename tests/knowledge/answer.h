/* The model's answers, as the JSON that a node should give. */
#ifndef TESTS_KNOWLEDGE_ANSWER_H
#define TESTS_KNOWLEDGE_ANSWER_H

#include <json-c/json.h>

#include "tests/knowledge/model.h"

/* What a query answers, over all pages. */
struct answer {
  uint64_t snapshot;
  struct json_object *aliases, *assertions, *resolved; /* arrays, owned */
  size_t *first; /* of each in `resolved`: the place of its first assertion; owned */
};

/* The seq that a question's as_of stands for, and the moment in it. */
uint64_t model_snapshot(const struct model *model, const struct question *question);
/* `moment_us` is the moment that ages are counted to. */
void model_answer(const struct model *model, const struct question *question, int64_t moment_us, struct answer *out);
void model_answer_clear(struct answer *answer);
/* The members concept_path, lens, as_of, assertions and resolved of the page of `limit` assertions that begins at
 * `from`. The caller releases it. */
struct json_object *model_answer_page(const struct model *model, const struct question *question,
                                      const struct answer *answer, size_t from, size_t limit);

/* "2026-…Z" with six digits of a second, or none. */
struct json_object *model_timestamp(uint64_t us);
struct json_object *model_time(int64_t us);
/* An assertion as it is shown as of `snapshot`. */
struct json_object *model_show(const struct model *model, const struct fact *fact, uint64_t snapshot);

#endif
