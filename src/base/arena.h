/* Memory that ends all at once: a request's, a batch's. A bump allocator over blocks, with a hard cap. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

struct arena;

/* An arena that will give out at most `max` bytes in all; NULL if there is no memory. */
struct arena *arena_create(size_t max);
/* Frees everything. Takes NULL. */
void arena_free(struct arena *a);
/* Forgets everything given out; keeps one block for reuse. */
void arena_reset(struct arena *a);
/* `size` bytes aligned for any type, not cleared; NULL over the cap or without memory. */
void *arena_alloc(struct arena *a, size_t size);
/* `count` * `size` zeroed bytes, overflow-checked; NULL as above. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* A copy of the bytes, followed by a NUL that is not counted; data is NULL on failure. */
struct span arena_copy(struct arena *a, struct span s);
/* A NUL-terminated copy of the bytes; NULL on failure. */
char *arena_str(struct arena *a, struct span s);
/* Bytes given out since creation or reset. */
size_t arena_used(const struct arena *a);

#endif
