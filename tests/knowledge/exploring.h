/* What is contested, held against the model. */
#ifndef TESTS_KNOWLEDGE_EXPLORING_H
#define TESTS_KNOWLEDGE_EXPLORING_H

#include "tests/knowledge/run.h"

/* GET /v1/conflicts below the question's path as of its moment; false if it is not what the model's skeptic says. */
bool exploring_check_conflicts(struct run *run, const struct question *question, bool contested_only);

#endif
