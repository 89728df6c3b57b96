#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK_FIRST = 16 * 1024, ARENA_BLOCK_LARGEST = 1024 * 1024 };

struct block {
  struct block *next;
  size_t size, used; /* of bytes[] */
  alignas(max_align_t) unsigned char bytes[];
};

struct arena {
  struct block *head; /* the one that is being filled, then the full ones */
  size_t max, used;
};

struct arena *arena_create(size_t max) {
  struct arena *a = malloc(sizeof(*a));
  if (a)
    *a = (struct arena){.max = max};
  return a;
}

static void blocks_free(struct block *b) {
  while (b) {
    struct block *next = b->next;
    free(b);
    b = next;
  }
}

void arena_free(struct arena *a) {
  if (!a)
    return;
  blocks_free(a->head);
  free(a);
}

void arena_reset(struct arena *a) {
  a->used = 0;
  struct block *keep = a->head;
  if (!keep)
    return;
  blocks_free(keep->next);
  keep->next = NULL;
  keep->used = 0;
  /* What one huge request took is not kept for all the small ones that follow. */
  if (keep->size > ARENA_BLOCK_LARGEST) {
    free(keep);
    a->head = NULL;
  }
}

static bool add_block(struct arena *a, size_t need) {
  size_t size = a->head ? a->head->size : ARENA_BLOCK_FIRST / 2;
  size = size > ARENA_BLOCK_LARGEST / 2 ? ARENA_BLOCK_LARGEST : size * 2;
  if (size < need)
    size = need;
  if (size > SIZE_MAX - sizeof(struct block))
    return false;
  struct block *b = malloc(sizeof(*b) + size);
  if (!b)
    return false;
  b->next = a->head;
  b->size = size;
  b->used = 0;
  a->head = b;
  return true;
}

void *arena_alloc(struct arena *a, size_t size) {
  const size_t align = alignof(max_align_t);
  if (size > SIZE_MAX - align)
    return NULL;
  size = (size + align - 1) / align * align;
  if (size == 0)
    size = align;
  if (size > a->max - a->used)
    return NULL;
  if ((!a->head || size > a->head->size - a->head->used) && !add_block(a, size))
    return NULL;
  void *p = a->head->bytes + a->head->used;
  a->head->used += size;
  a->used += size;
  return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total))
    return NULL;
  void *p = arena_alloc(a, total);
  return p ? memset(p, 0, total) : NULL;
}

struct span arena_copy(struct arena *a, struct span s) {
  unsigned char *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);
  if (!p)
    return (struct span){NULL, 0};
  if (s.len)
    memcpy(p, s.data, s.len);
  p[s.len] = 0;
  return (struct span){p, s.len};
}

char *arena_str(struct arena *a, struct span s) {
  struct span copy = arena_copy(a, s);
  union {
    const unsigned char *in;
    char *out;
  } cast = {.in = copy.data};
  return cast.out;
}

size_t arena_used(const struct arena *a) {
  return a->used;
}
