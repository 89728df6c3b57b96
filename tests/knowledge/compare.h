/* JSON by content: objects without order, numbers to 1e-9, asserted values and all else exactly. */
#ifndef TESTS_KNOWLEDGE_COMPARE_H
#define TESTS_KNOWLEDGE_COMPARE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether they are equal; else `where` says where they first differ. */
bool json_same(struct json_object *expected, struct json_object *got, char *where, size_t size);

#endif
