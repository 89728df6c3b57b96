/*
 * The best `capacity` assertions in the order of an answer, out of any number that pass by: a heap with the last one on
 * top. Memory is bounded by the capacity, never by what passes.
 */
#ifndef DOMAIN_PAGE_H
#define DOMAIN_PAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "domain/lens.h"

/* Longer records are not kept but read again for those that stay. */
enum { PAGE_RECORD_MAX = 1024 };

struct page_item {
  uint32_t order; /* before the rank: lower comes first */
  uint32_t topic; /* the caller's: which (concept, predicate) it is about */
  struct rank rank;
  struct span record;    /* the item's own copy; len 0: not kept */
  unsigned char *buffer; /* where it is */
  size_t buffer_size;
};

struct page {
  struct arena *arena;
  struct page_item **items; /* a heap until page_sort() */
  size_t count, capacity;
};

/* An empty page in the arena, of at least one item. */
NODISCARD int page_init(struct page *page, struct arena *arena, size_t capacity, struct err *err);
/* Whether an item of this order and rank would be among the best so far. */
bool page_admits(const struct page *page, uint32_t order, const struct rank *rank);
/* Whether an item of this order and rank is among them. Looks at all of them. */
bool page_holds(const struct page *page, uint32_t order, const struct rank *rank);
/* Adds one that page_admits(), in place of the last one if the page is full. `record` is copied if it is not too long.
 */
NODISCARD int page_add(struct page *page, uint32_t order, uint32_t topic, const struct rank *rank, struct span record,
                       struct err *err);
/* Puts the items in their final order. Nothing can be added afterwards. */
void page_sort(struct page *page);

static inline bool page_full(const struct page *page) {
  return page->count == page->capacity;
}

#endif
