/*
 * A whole node in one process: store, projections, the calls of the api, and the real committer's loop in a thread of
 * its own behind a socket. Nothing but requests and answers passes between it and the caller. The clock is the
 * caller's, so that a history has the same times in every run.
 */
#ifndef TESTS_KNOWLEDGE_ENGINE_H
#define TESTS_KNOWLEDGE_ENGINE_H

#include <stdint.h>

#include "api/http.h"

struct engine;
struct json_object;

/* An empty history in a folder of its own. Aborts if anything fails, as all of these do. */
struct engine *engine_open(void);
/* Ends the committer, removes the folder. Takes NULL. */
void engine_close(struct engine *engine);
/* Ends the committer and begins again on the same history; the indexes are made anew. */
void engine_rebuild(struct engine *engine);
/* What time it is from now on, microseconds since 1970. */
void engine_set_time(uint64_t now_us);
uint64_t engine_time(void);
/* One request; `body` (may be NULL) is JSON, or with a path of /v1/import its lines. Returns the status; *answer, if
 * not NULL, is the body: good until the next request, NULL if it is no JSON. */
int engine_request(struct engine *engine, enum http_method method, const char *target, const char *body,
                   struct json_object **answer);
/* The bytes of the answer to the last request. */
struct span engine_answer_text(const struct engine *engine);

#endif
