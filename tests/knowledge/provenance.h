/* What an assertion rests on and what rests on it, held against the model; and the list of retractions. */
#ifndef TESTS_KNOWLEDGE_PROVENANCE_H
#define TESTS_KNOWLEDGE_PROVENANCE_H

#include "tests/knowledge/run.h"

/* GET /v1/why of the fact as of `snapshot`, in pages of `limit`; false if it is otherwise than the model says. */
bool provenance_check(struct run *run, const struct fact *fact, uint64_t snapshot, unsigned limit);
/* GET /v1/retractions as of `snapshot`, in pages of `limit`. */
bool provenance_check_retractions(struct run *run, uint64_t snapshot, unsigned limit);

#endif
