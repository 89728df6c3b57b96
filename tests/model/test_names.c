#include "tests/harness/harness.h"

#include <stdlib.h>

#include "model/field_errors.h"
#include "model/name.h"

static bool path_ok(const char *path) {
  return name_path_fault(span_str(path)) == NULL;
}

static void test_good_paths(void) {
  static const char *const paths[] = {"a",     "web/grid/chrome",       "a b/c.d", "...",     ".a",
                                      "a/..b", "\xc3\xbc/\xe2\x82\xac", "~",       "\xc2\xa0"};
  for (size_t i = 0; i < HARNESS_COUNT(paths); i++)
    CU_ASSERT(path_ok(paths[i]));
}

static void test_bad_paths(void) {
  static const char *const paths[] = {"",     "/",      "/a",  "a/",   "a//b",      ".",          "..",        "a/.",
                                      "../a", "a/../b", "a\n", "\x7f", "a\xc2\x85", "\xc2\x80/b", "a/\xc2\x9f"};
  for (size_t i = 0; i < HARNESS_COUNT(paths); i++)
    CU_ASSERT_FALSE(path_ok(paths[i]));
  CU_ASSERT_PTR_NOT_NULL(name_path_fault(span_of("a\0b", 3)));
}

/* Whether a path of `count` segments of `len` bytes each is one. */
static bool shape_ok(size_t count, size_t len) {
  char path[8192];
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (i)
      path[at++] = '/';
    memset(path + at, 'x', len);
    at += len;
  }
  return name_path_fault(span_of(path, at)) == NULL;
}

static void test_path_limits(void) {
  CU_ASSERT(shape_ok(1, 128));
  CU_ASSERT_FALSE(shape_ok(1, 129));
  CU_ASSERT(shape_ok(32, 31)); /* 1,023 bytes */
  CU_ASSERT_FALSE(shape_ok(32, 32));
  CU_ASSERT_FALSE(shape_ok(33, 1));
  CU_ASSERT(shape_ok(32, 1));
  char path[1026];
  for (size_t i = 0; i < sizeof(path); i++)
    path[i] = i % 100 == 99 ? '/' : 'x';
  CU_ASSERT_PTR_NULL(name_path_fault(span_of(path, 1024)));
  CU_ASSERT_PTR_NOT_NULL(name_path_fault(span_of(path, 1025)));
}

static void test_predicates(void) {
  char name[129];
  memset(name, 'p', sizeof(name));
  CU_ASSERT_PTR_NULL(name_predicate_fault(span_of(name, 128)));
  CU_ASSERT_PTR_NOT_NULL(name_predicate_fault(span_of(name, 129)));
  CU_ASSERT_PTR_NULL(name_predicate_fault(span_str("supported since")));
  CU_ASSERT_PTR_NULL(name_predicate_fault(span_str(".")));
  CU_ASSERT_PTR_NOT_NULL(name_predicate_fault(span_str("")));
  CU_ASSERT_PTR_NOT_NULL(name_predicate_fault(span_str("a/b")));
  CU_ASSERT_PTR_NOT_NULL(name_predicate_fault(span_str("a\tb")));
  CU_ASSERT_PTR_NOT_NULL(name_predicate_fault(span_str("\xc2\x90")));
  CU_ASSERT(name_is_reserved(span_str("stemedb.trust")));
  CU_ASSERT(name_is_reserved(span_str("stemedb.")));
  CU_ASSERT_FALSE(name_is_reserved(span_str("stemedb")));
  CU_ASSERT_FALSE(name_is_reserved(span_str("Stemedb.trust")));
}

static void test_pointers(void) {
  struct arena *arena = arena_create(1 << 20);
  CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
  struct span root = {NULL, 0};
  struct span first = field_pointer_index(arena, root, 3);
  CU_ASSERT(span_equal(first, span_str("/3")));
  struct span second = field_pointer(arena, first, span_str("a/b~c~1"));
  CU_ASSERT(span_equal(second, span_str("/3/a~1b~0c~01")));
  CU_ASSERT(span_equal(field_pointer(arena, root, root), span_str("/")));
  arena_free(arena);
}

static void test_errors(void) {
  struct arena *arena = arena_create(1 << 20);
  struct field_errors errors;
  CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
  field_errors_init(&errors, arena);
  field_errors_add(&errors, span_str("/3"), "confidence", "must be at most %d", 1);
  field_errors_add(&errors, span_str("/4"), NULL, "is wrong");
  CU_ASSERT_EQUAL(errors.count, 2);
  CU_ASSERT(span_equal(errors.items[0].pointer, span_str("/3/confidence")));
  CU_ASSERT(span_equal(errors.items[0].detail, span_str("must be at most 1")));
  CU_ASSERT(span_equal(errors.items[1].pointer, span_str("/4")));
  for (int i = 0; i < 200; i++)
    field_errors_add(&errors, span_str(""), "x", "again");
  CU_ASSERT_EQUAL(errors.count, 202);
  CU_ASSERT(span_equal(errors.items[FIELD_ERRORS_MAX - 1].pointer, span_str("/x")));
  arena_free(arena);
}

static void test_long_detail(void) {
  struct arena *arena = arena_create(1 << 20);
  struct field_errors errors;
  char text[2001];
  CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
  for (size_t shift = 0; shift < 3; shift++) {
    field_errors_init(&errors, arena);
    memset(text, 'x', shift);
    for (size_t i = shift; i + 3 < sizeof(text); i += 3)
      memcpy(text + i, "\xe2\x82\xac", 4);
    field_errors_add(&errors, span_str(""), NULL, "%s", text);
    struct span detail = errors.items[0].detail;
    CU_ASSERT(detail.len > 400 && (detail.len - shift) % 3 == 0);
  }
  arena_free(arena);
}

static void test_no_memory(void) {
  struct arena *arena = arena_create(8);
  struct field_errors errors;
  CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
  field_errors_init(&errors, arena);
  field_errors_add(&errors, span_str(""), "confidence", "a detail that is longer than the arena");
  CU_ASSERT_EQUAL(errors.count, 1);
  CU_ASSERT_EQUAL(errors.items[0].detail.len, 0);
  CU_ASSERT_PTR_NULL(field_pointer(arena, span_str("/a"), span_str("longer than the arena")).data);
  arena_free(arena);
}

int main(void) {
  static const struct test_case cases[] = {
      {"concept paths are accepted", test_good_paths},
      {"what is no concept path is refused", test_bad_paths},
      {"a path keeps the limits of bytes and segments", test_path_limits},
      {"a predicate keeps its limits, and reserved ones are known", test_predicates},
      {"JSON Pointers escape their members", test_pointers},
      {"all errors are counted and the first 100 kept", test_errors},
      {"a long detail ends on a whole character", test_long_detail},
      {"without memory an error is still counted", test_no_memory},
  };
  return harness_run("names", cases, HARNESS_COUNT(cases));
}
