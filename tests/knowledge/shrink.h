/* The smallest history that still fails. */
#ifndef TESTS_KNOWLEDGE_SHRINK_H
#define TESTS_KNOWLEDGE_SHRINK_H

#include "tests/knowledge/plan.h"

/* Whether sending the plan and asking the question fails. */
typedef bool (*fails_fn)(void *context, const struct plan *plan, const struct question *question);

/* Drops steps, then what they and the question say, while it still fails. Both are changed in place. */
void shrink(fails_fn fails, void *context, struct plan *plan, struct question *question);

#endif
