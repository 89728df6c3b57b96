/* Concept paths and predicates: what a name may be (contract section 1). */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include <stdbool.h>

#include "base/span.h"

enum { NAME_PATH_MAX = 1024, NAME_SEGMENT_MAX = 128, NAME_SEGMENTS_MAX = 32, NAME_PREDICATE_MAX = 128 };

/* NULL if `path` is a concept path (1 to 32 segments of 1 to 128 bytes, 1,024 in all; no control characters (C0, DEL,
 * C1), no empty, "." or ".." segment; UTF-8 was checked by the parser), else what is wrong with it (constant text). */
const char *name_path_fault(struct span path);
/* The same for a predicate: 1 to 128 bytes, no control characters, no '/'. */
const char *name_predicate_fault(struct span predicate);
/* How the names of settings begin. */
#define NAME_RESERVED "stemedb."
/* Whether it begins so. */
bool name_is_reserved(struct span predicate);

#endif
