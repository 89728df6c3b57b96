#include "domain/page.h"

#include <stdlib.h>

int page_init(struct page *page, struct arena *arena, size_t capacity, struct err *err) {
  *page = (struct page){.arena = arena, .capacity = capacity};
  page->items = arena_calloc(arena, capacity, sizeof(struct page_item *));
  return page->items ? 0 : err_set(err, ERR_NOMEM, "no memory for a page of %zu assertions", capacity);
}

static int compare_places(uint32_t order_a, const struct rank *a, uint32_t order_b, const struct rank *b) {
  if (order_a != order_b)
    return order_a < order_b ? -1 : 1;
  return rank_compare(a, b);
}

static int compare_items(const struct page_item *a, const struct page_item *b) {
  return compare_places(a->order, &a->rank, b->order, &b->rank);
}

static int compare_pointers(const void *left, const void *right) {
  return compare_items(*(struct page_item *const *)left, *(struct page_item *const *)right);
}

bool page_admits(const struct page *page, uint32_t order, const struct rank *rank) {
  return !page_full(page) || compare_places(order, rank, page->items[0]->order, &page->items[0]->rank) < 0;
}

bool page_holds(const struct page *page, uint32_t order, const struct rank *rank) {
  for (size_t i = 0; i < page->count; i++)
    if (compare_places(order, rank, page->items[i]->order, &page->items[i]->rank) == 0)
      return true;
  return false;
}

static void sift_up(struct page *page, size_t at) {
  struct page_item *item = page->items[at];
  while (at > 0) {
    size_t parent = (at - 1) / 2;
    if (compare_items(item, page->items[parent]) <= 0)
      break;
    page->items[at] = page->items[parent];
    at = parent;
  }
  page->items[at] = item;
}

static void sift_down(struct page *page) {
  struct page_item *item = page->items[0];
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < page->count; at = child) {
    if (child + 1 < page->count && compare_items(page->items[child + 1], page->items[child]) > 0)
      child++;
    if (compare_items(page->items[child], item) <= 0)
      break;
    page->items[at] = page->items[child];
  }
  page->items[at] = item;
}

/* The first record gets a buffer of its size; a longer one later the largest, so that an item never asks thrice. */
static int keep_record(struct page *page, struct page_item *item, struct span record, struct err *err) {
  item->record.len = 0;
  if (record.len == 0 || record.len > PAGE_RECORD_MAX)
    return 0;
  if (record.len > item->buffer_size) {
    size_t size = item->buffer_size ? PAGE_RECORD_MAX : record.len;
    item->buffer = arena_alloc(page->arena, size);
    if (!item->buffer)
      return err_set(err, ERR_NOMEM, "no memory for the assertions of a page");
    item->buffer_size = size;
  }
  memcpy(item->buffer, record.data, record.len);
  item->record = span_of(item->buffer, record.len);
  return 0;
}

int page_add(struct page *page, uint32_t order, uint32_t topic, const struct rank *rank, struct span record,
             struct err *err) {
  bool full = page_full(page);
  struct page_item *item = full ? page->items[0] : arena_calloc(page->arena, 1, sizeof(*item));
  if (!item)
    return err_set(err, ERR_NOMEM, "no memory for the assertions of a page");
  int code = keep_record(page, item, record, err);
  if (code)
    return code;
  item->order = order;
  item->topic = topic;
  item->rank = *rank;
  if (full) {
    sift_down(page);
  } else {
    page->items[page->count] = item;
    sift_up(page, page->count++);
  }
  return 0;
}

void page_sort(struct page *page) {
  qsort(page->items, page->count, sizeof(page->items[0]), compare_pointers);
}
