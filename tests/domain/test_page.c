#include "domain/page.h"

#include <stdlib.h>

#include "tests/harness/harness.h"

struct place {
  uint32_t order;
  struct rank rank;
};

static int compare_places(const void *left, const void *right) {
  const struct place *a = left, *b = right;
  return a->order != b->order ? (a->order < b->order ? -1 : 1) : rank_compare(&a->rank, &b->rank);
}

static void offer(struct page *page, const struct place *place) {
  unsigned char record[2 * PAGE_RECORD_MAX];
  struct err err;
  if (!page_admits(page, place->order, &place->rank))
    return;
  size_t len = place->rank.seq * 7 % sizeof(record);
  memset(record, (int)place->rank.seq, sizeof(record));
  CU_ASSERT_EQUAL_FATAL(page_add(page, place->order, 5, &place->rank, span_of(record, len), &err), 0);
}

static void check_item(const struct page_item *item, const struct place *place) {
  CU_ASSERT_EQUAL(item->order, place->order);
  CU_ASSERT_EQUAL(rank_compare(&item->rank, &place->rank), 0);
  CU_ASSERT_EQUAL(item->topic, 5);
  size_t len = place->rank.seq * 7 % (2 * PAGE_RECORD_MAX);
  CU_ASSERT_EQUAL_FATAL(item->record.len, len > PAGE_RECORD_MAX ? 0 : len);
  for (size_t i = 0; i < item->record.len; i++)
    CU_ASSERT_EQUAL(item->record.data[i], (unsigned char)place->rank.seq);
}

static void test_keeps_the_best(void) {
  enum { MOST = 3000 };
  static struct place places[MOST];
  srand(11);
  for (int round = 0; round < 200; round++) {
    struct arena *arena = arena_create(64 << 20);
    struct page page;
    struct err err;
    size_t count = (size_t)rand() % (round % 10 == 0 ? MOST : 50), capacity = (size_t)rand() % 40 + 1;
    CU_ASSERT_EQUAL_FATAL(page_init(&page, arena, capacity, &err), 0);
    for (size_t i = 0; i < count; i++) {
      places[i] = (struct place){(uint32_t)rand() % 3, {rand() % 2, rand() % 4, rand() % 4, i + 1}};
      offer(&page, &places[i]);
      CU_ASSERT_EQUAL(page.count, i + 1 < capacity ? i + 1 : capacity);
      CU_ASSERT_EQUAL(page_full(&page), i + 1 >= capacity);
    }
    page_sort(&page);
    qsort(places, count, sizeof(places[0]), compare_places);
    CU_ASSERT_EQUAL_FATAL(page.count, count < capacity ? count : capacity);
    for (size_t i = 0; i < page.count; i++)
      check_item(page.items[i], &places[i]);
    for (size_t i = 0; i < count; i++)
      CU_ASSERT_EQUAL(page_holds(&page, places[i].order, &places[i].rank), i < page.count);
    arena_free(arena);
  }
}

static void test_memory_is_bounded(void) {
  struct arena *arena = arena_create(1 << 20);
  struct page page;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(page_init(&page, arena, 10, &err), 0);
  for (uint64_t seq = 1; seq <= 100000; seq++) {
    const struct place place = {0, {0, 0, 0, seq}};
    offer(&page, &place);
  }
  CU_ASSERT_TRUE(arena_used(arena) < 10 * (2 * PAGE_RECORD_MAX + 200) + 200);
  arena_free(arena);
}

static void test_no_room(void) {
  struct arena *arena = arena_create(1000);
  struct page page;
  struct err err;
  CU_ASSERT_EQUAL(page_init(&page, arena, 1000, &err), ERR_NOMEM);
  CU_ASSERT_EQUAL_FATAL(page_init(&page, arena, 10, &err), 0);
  unsigned char record[PAGE_RECORD_MAX] = {0};
  const struct rank rank = {0, 0, 0, 1};
  CU_ASSERT_EQUAL(page_add(&page, 0, 0, &rank, span_of(record, sizeof(record)), &err), ERR_NOMEM);
  arena_free(arena);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a page keeps the best of any number, in order, with their records", test_keeps_the_best},
      {"a page's memory is bounded by its capacity", test_memory_is_bounded},
      {"a page without room fails", test_no_room},
  };
  return harness_run("page", cases, HARNESS_COUNT(cases));
}
