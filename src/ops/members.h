/* Members of an object in JSON that StemeDB itself wrote, or a node answered: texts without escapes, and counts. */
#ifndef OPS_MEMBERS_H
#define OPS_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/json.h"

/* A string member of the object `token`, into out[size] with a NUL. ERR_CORRUPT if it is missing, no string, has an
 * escape or does not fit. */
NODISCARD int members_text(const struct json_doc *doc, uint32_t token, const char *name, char *out, size_t size,
                           struct err *err);
/* A member of decimal digits below 2^64; ERR_CORRUPT if it is missing or something else. */
NODISCARD int members_count(const struct json_doc *doc, uint32_t token, const char *name, uint64_t *out,
                            struct err *err);
/* ERR_CORRUPT in the words of these. */
int members_missing(struct err *err, const char *name);

#endif
