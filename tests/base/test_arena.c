#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "tests/harness/harness.h"

static void gives_aligned_memory(void) {
  struct arena *a = arena_create(1 << 20);
  for (size_t size = 0; size < 100; size++) {
    unsigned char *p = arena_alloc(a, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL((uintptr_t)p % _Alignof(max_align_t), 0);
    memset(p, 0xee, size);
  }
  arena_free(a);
}

static void pieces_do_not_overlap(void) {
  struct arena *a = arena_create(64 << 20);
  unsigned char *p[300];
  for (unsigned i = 0; i < 300; i++) {
    p[i] = arena_alloc(a, (size_t)i * 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
    memset(p[i], (int)i, (size_t)i * 100);
  }
  bool same = true;
  for (unsigned i = 0; i < 300; i++)
    for (unsigned j = 0; j < i * 100; j++)
      same = same && p[i][j] == (unsigned char)i;
  CU_ASSERT_TRUE(same);
  arena_free(a);
}

static void cap_holds(void) {
  struct arena *a = arena_create(64);
  CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 48));
  CU_ASSERT_PTR_NULL(arena_alloc(a, 17));
  CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 16));
  CU_ASSERT_PTR_NULL(arena_alloc(a, 1));
  CU_ASSERT_EQUAL(arena_used(a), 64);
  arena_reset(a);
  CU_ASSERT_EQUAL(arena_used(a), 0);
  CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 64));
  arena_free(a);
}

static void sizes_do_not_overflow(void) {
  struct arena *a = arena_create(SIZE_MAX);
  CU_ASSERT_PTR_NULL(arena_alloc(a, SIZE_MAX));
  CU_ASSERT_PTR_NULL(arena_calloc(a, SIZE_MAX / 2, 3));
  CU_ASSERT_PTR_NULL(arena_copy(a, (struct span){(const unsigned char *)"", SIZE_MAX}).data);
  arena_free(a);
}

static void reset_allows_reuse(void) {
  struct arena *a = arena_create(8 << 20);
  for (unsigned round = 0; round < 50; round++) {
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 100000));
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 3000000));
    unsigned char *zero = arena_calloc(a, 10, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zero);
    CU_ASSERT_EQUAL(zero[0] | zero[99], 0);
    memset(zero, 1, 100);
    arena_reset(a);
  }
  arena_reset(a);
  arena_reset(a);
  arena_free(a);
  arena_free(NULL);
}

static void copies_end_with_nul(void) {
  struct arena *a = arena_create(1000);
  struct span copy = arena_copy(a, span_of("abc", 2));
  CU_ASSERT_EQUAL(copy.len, 2);
  CU_ASSERT_STRING_EQUAL((const char *)copy.data, "ab");
  CU_ASSERT_STRING_EQUAL(arena_str(a, span_str("xyz")), "xyz");
  CU_ASSERT_STRING_EQUAL(arena_str(a, span_of(NULL, 0)), "");
  arena_free(a);
}

int main(void) {
  static const struct test_case cases[] = {
      {"memory is aligned for any type", gives_aligned_memory},
      {"pieces do not overlap across blocks", pieces_do_not_overlap},
      {"an arena gives out its cap and no more", cap_holds},
      {"sizes that overflow are refused", sizes_do_not_overflow},
      {"a reset arena is used again, huge blocks included", reset_allows_reuse},
      {"copies are followed by a NUL", copies_end_with_nul},
  };
  return harness_run("arena", cases, HARNESS_COUNT(cases));
}
