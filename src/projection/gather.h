/* The puts of one transaction into one index, gathered first and written in the order of their keys: neighbours share
 * pages, so that sorted puts touch and log fewer of them. */
#ifndef PROJECTION_GATHER_H
#define PROJECTION_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct put {
  uint64_t head; /* the first 8 bytes of the key, big-endian, zero-padded: settles most comparisons */
  const unsigned char *key, *value;
  uint32_t key_len, value_len;
};

struct gather {
  struct arena *arena; /* keys and values that are not borrowed */
  struct put *puts;    /* in the arena */
  size_t count, cap;
};

/* An empty one; its memory ends with the arena. */
void gather_init(struct gather *g, struct arena *arena);
/* Adds a put. Key and value are borrowed until it is written: from the entries, or from g->arena. ERR_NOMEM. */
NODISCARD int gather_put(struct gather *g, struct span key, struct span value, struct err *err);
/* Memory for a key or a value from the arena, or NULL with *err set. */
unsigned char *gather_alloc(struct gather *g, size_t size, struct err *err);
/* Sorts by key, bytewise, a prefix first; equal keys stay in the order in which they were added. ERR_NOMEM. */
NODISCARD int gather_sort(struct gather *g, struct err *err);
static inline struct span put_key(const struct put *put) {
  return (struct span){put->key, put->key_len};
}
static inline struct span put_value(const struct put *put) {
  return (struct span){put->value, put->value_len};
}

#endif
