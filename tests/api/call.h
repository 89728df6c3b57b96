/* A node's api without a node: one request after the other against a segment of its own, and a committer that is a
 * table of canned replies. */
#ifndef TESTS_API_CALL_H
#define TESTS_API_CALL_H

#include "api/http.h"
#include "api/route.h"
#include "base/log.h"
#include "tests/harness/harness.h"

struct json_object;

struct call {
  struct api api;
  struct config config;
  struct log log;
  struct segment *segment;
  int segment_fd;
  struct arena *arena;
  struct exchange exchange;
  struct json_object *answer; /* of the last call; NULL if it was no JSON */
};

/* Opens everything; the api is not ready and has no reader. */
void call_open(struct call *call);
void call_close(struct call *call);
/* Begins a new request: method, and path with query string ("/v1/query?limit=3"). */
struct http_request *call_begin(struct call *call, enum http_method method, const char *target);
/* Routes and dispatches it; parses the answer unless a command was made. */
enum http_outcome call_run(struct call *call);
/* Ends it with a reply frame. */
void call_reply(struct call *call, struct span frame);
/* Takes this text for the answer. */
void call_parse(struct call *call, struct span text);
/* begin and run; `body` (may be NULL) is sent as application/json. Returns the status, 0 if a command was made. */
int call_make(struct call *call, enum http_method method, const char *target, const char *body);
/* Publishes a watermark with this newest seq, and state ready. */
void call_publish(struct call *call, uint64_t seq);

/* The whole answer as text, for messages. Good until the next call. */
const char *call_answer(const struct call *call);
/* What a JSON Pointer finds in the answer, as text (a string without quotes); "" if there is nothing. Good until the
 * next call. */
const char *call_text(const struct call *call, const char *pointer);
/* Whether the answer's `errors` have an item with this pointer. */
bool call_has_error(const struct call *call, const char *pointer);
/* Whether the header lines hold this line ("Allow: POST"). */
bool call_has_header(const struct call *call, const char *line);

#endif
