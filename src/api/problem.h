/* Errors for clients: application/problem+json (RFC 9457). The only place that knows which err code is which HTTP
 * status. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "api/http.h"
#include "model/field_errors.h"
#include "model/json.h"

/* Makes the response a problem: {"type":"about:blank","title":…,"status":…,"detail":…}. Adds Retry-After: 1 to 429 and
 * 503. */
void problem_set(struct http_response *response, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same in parts: between the two calls further members may be appended to response->body, each beginning with ','.
 */
void problem_begin(struct http_response *response, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void problem_end(struct http_response *response);
/* 422 with "errors":[{"pointer","detail"}…]. */
void problem_fields(struct http_response *response, const struct field_errors *errors);
/* 400 with the byte offset and reason; 413 if too large. */
void problem_json(struct http_response *response, const struct json_fault *fault);
/* 403: this node only answers questions. */
void problem_read_only(struct http_response *response);
/* NOMEM 503, INVALID 400, NOTFOUND 404, CONFLICT 409, BUSY 503, FULL 507, IO and CORRUPT 500 (their text is
 * logged, not shown). */
void problem_err(struct api *api, struct http_response *response, const struct err *err);
/* "Not Found" and so on, of successes too: the reason phrase of the status line. */
const char *problem_title(int status);

#endif
