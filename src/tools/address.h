/* Where the node is, and by which token one speaks to it. */
#ifndef TOOLS_ADDRESS_H
#define TOOLS_ADDRESS_H

#include <stddef.h>

#include "base/err.h"

/* Writes the node's URL into out[size], without a slash at its end: `named` if it is not NULL, else $STEMEDB_URL, else
 * API_URL of HOME/instance.env, else http://127.0.0.1:18180. */
NODISCARD int address_find_url(const char *named, const char *home, char *out, size_t size, struct err *err);
/* Writes the token into out[size]: what is in `file` if it is not NULL, else $STEMEDB_TOKEN, else "". White space
 * around it is dropped. ERR_INVALID if it is none. */
NODISCARD int address_find_token(const char *file, char *out, size_t size, struct err *err);

#endif
