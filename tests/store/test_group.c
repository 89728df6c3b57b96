#include "store/group.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

enum { MANY = 200 };

/* `count` records of `size` bytes each, as history_append sees them. */
static size_t take(size_t size, size_t count) {
  static const unsigned char bytes[ENTRY_MAX_SIZE];
  struct span records[MANY];
  for (size_t i = 0; i < count; i++)
    records[i] = span_of(bytes, size);
  return group_take(records, count);
}

static void groups_fill_pages_or_stay_small(void) {
  static const struct {
    size_t size, count, expected;
  } cases[] = {
      {350, 1, 1},   {350, 2, 2},    {350, 7, 2},   /* 2,450 bytes would leave a page half empty */
      {350, 8, 8},   {350, 11, 11},  {350, 12, 11}, /* the twelfth would begin a second page */
      {350, 16, 16}, {350, 200, 46}, {100, 9, 9},   {100, 20, 9},           {998, 1, 1},    {498, 2, 2}, {3000, 1, 1},
      {3000, 2, 2},  {70000, 3, 1},  {4064, 9, 4},  {ENTRY_MAX_SIZE, 2, 1}, {68, 200, 200},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    CU_ASSERT_EQUAL(take(cases[i].size, cases[i].count), cases[i].expected);
}

static void no_group_is_larger_than_the_limit(void) {
  for (size_t size = ENTRY_OVERHEAD; size < 40000; size += 17)
    for (size_t count = 1; count <= MANY; count += 13) {
      size_t n = take(size, count);
      CU_ASSERT_TRUE(n >= 1 && n <= count);
      CU_ASSERT_TRUE(n == 1 || n * size <= GROUP_MAX_SIZE);
    }
}

static void records_are_taken_off_in_order_only(void) {
  struct buf b;
  struct err err;
  struct span record;
  uint64_t first = 0;
  buf_init(&b, 1 << 20);
  fixture_record(&b, 7, 100);
  fixture_record(&b, 8, 10);
  struct span rest = buf_span(&b);
  CU_ASSERT_EQUAL(group_first_seq(rest, &first, &err), 0);
  CU_ASSERT_EQUAL(first, 7);
  CU_ASSERT_EQUAL(group_next(&rest, 8, &record, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(group_next(&rest, 7, &record, &err), 0);
  CU_ASSERT_EQUAL(record.len, 100 + ENTRY_OVERHEAD);
  struct span cut = span_of(rest.data, rest.len - 1);
  CU_ASSERT_EQUAL(group_next(&cut, 8, &record, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(group_next(&rest, 8, &record, &err), 0);
  CU_ASSERT_EQUAL(rest.len, 0);
  CU_ASSERT_EQUAL(group_next(&rest, 9, &record, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(group_first_seq(rest, &first, &err), ERR_CORRUPT);
  buf_free(&b);
}

int main(void) {
  static const struct test_case cases[] = {
      {"groups fill pages or stay small", groups_fill_pages_or_stay_small},
      {"no group is larger than the limit", no_group_is_larger_than_the_limit},
      {"records are taken off in order only", records_are_taken_off_in_order_only}};
  return harness_run("group", cases, HARNESS_COUNT(cases));
}
