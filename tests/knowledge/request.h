/* Steps and questions as the JSON of requests. */
#ifndef TESTS_KNOWLEDGE_REQUEST_H
#define TESTS_KNOWLEDGE_REQUEST_H

#include <json-c/json.h>

#include "tests/knowledge/model.h"

/* With `model` NULL ids and seqs are shown as "<uid>". The caller releases the object. */
struct json_object *request_of_step(const struct model *model, const struct step *step);
struct json_object *request_of_question(const struct model *model, const struct question *question);
/* Its text; good as long as the object. */
const char *request_text(struct json_object *request);

#endif
