#include "committer/keys.h"

#include "base/bytes.h"
#include "tests/harness/harness.h"

static struct key_use use_of(uint64_t n, const char *scope) {
  struct key_use use = {.key.scope = span_str(scope), .first_seq = n};
  put_u64(use.key.hash, n % 7); /* many collide */
  put_u64(use.key.hash + 16, n);
  return use;
}

static void test_many(void) {
  struct keys keys = {0};
  struct err err;
  for (uint64_t n = 0; n < 3000; n++) {
    struct key_use use = use_of(n, "a");
    CU_ASSERT_PTR_NULL_FATAL(keys_find(&keys, &use.key));
    CU_ASSERT_EQUAL_FATAL(keys_add(&keys, &use, &err), 0);
  }
  for (uint64_t n = 0; n < 3000; n++) {
    struct key_use use = use_of(n, "a"), other = use_of(n, "b");
    const struct key_use *found = keys_find(&keys, &use.key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_EQUAL(found->first_seq, n);
    CU_ASSERT_PTR_NULL(keys_find(&keys, &other.key));
    use.key.body[31] = 1;
    CU_ASSERT_PTR_NULL(keys_find(&keys, &use.key));
  }
  keys_free(&keys);
}

static void test_reset(void) {
  struct keys keys = {0};
  struct err err;
  struct key_use use = use_of(1, "a");
  keys_reset(&keys);
  CU_ASSERT_EQUAL(keys_add(&keys, &use, &err), 0);
  keys_reset(&keys);
  CU_ASSERT_PTR_NULL(keys_find(&keys, &use.key));
  CU_ASSERT_EQUAL(keys_add(&keys, &use, &err), 0);
  CU_ASSERT_PTR_NOT_NULL(keys_find(&keys, &use.key));
  keys_free(&keys);
}

int main(void) {
  static const struct test_case cases[] = {
      {"keys are told apart by scope, hash and body", test_many},
      {"a reset forgets all", test_reset},
  };
  return harness_run("keys", cases, HARNESS_COUNT(cases));
}
