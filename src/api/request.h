/* What handlers read from a request beside its body: query string and headers. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/http.h"

enum { REQUEST_PARAMETERS_MAX = 64, REQUEST_KEY_MAX = 255 };

/* One name=value of a query string, decoded; in the arena. */
struct parameter {
  struct span name, value;
};

/*
 * Takes a query string apart: pairs separated by '&', empty ones skipped, "%XX" decoded, '+' is a space
 * (https://url.spec.whatwg.org/#application/x-www-form-urlencoded). ERR_INVALID says which byte is wrong: a '%' without
 * two hex digits, bytes that are not UTF-8, NUL, more than REQUEST_PARAMETERS_MAX pairs. ERR_NOMEM.
 */
NODISCARD int request_parameters(struct arena *arena, struct span query_string, struct parameter **out, size_t *count,
                                 struct err *err);

/* The Idempotency-Key: data NULL if there is none. ERR_INVALID unless it is 1 to 255 visible ASCII characters. */
NODISCARD int request_key(const struct http_request *request, struct span *key, struct err *err);

/* Whether a Content-Type is one of `types` (separated by a space), in UTF-8: a charset that says otherwise is refused,
 * other parameters are not looked at. */
bool request_type_is(struct span content_type, const char *types);

/* Whether an Accept header names one of `types` (separated by a space), with a quality that is not 0 and not below that
 * of application/json. Wildcards do not count: they mean JSON. */
bool request_prefers(struct span accept, const char *types);

#endif
