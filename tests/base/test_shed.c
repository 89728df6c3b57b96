#include "base/shed.h"

#include "tests/harness/harness.h"

enum { MS = 1000, STEP = 10 * MS };

/* Lets `count` pieces of work of this wait come, one each 10 ms; how many of them are refused. */
static unsigned come(struct shed *shed, uint64_t *now, unsigned count, uint64_t waited) {
  unsigned refused = 0;
  for (unsigned i = 0; i < count; i++, *now += STEP)
    refused += shed_refuses(shed, waited, *now) ? 1 : 0;
  return refused;
}

static void a_short_queue_refuses_nothing(void) {
  struct shed shed = {0};
  uint64_t now = 5000 * MS;
  CU_ASSERT_EQUAL(come(&shed, &now, 100, SHED_TARGET_US), 0);
}

static void a_burst_that_ends_refuses_nothing(void) {
  struct shed shed = {0};
  uint64_t now = 5000 * MS;
  for (unsigned i = 0; i < 20; i++) {
    CU_ASSERT_EQUAL(come(&shed, &now, 8, 900 * MS), 0);
    CU_ASSERT_EQUAL(come(&shed, &now, 2, 0), 0);
  }
}

static void a_standing_queue_refuses_what_waited_too_long(void) {
  struct shed shed = {0};
  uint64_t now = 5000 * MS;
  CU_ASSERT_EQUAL(come(&shed, &now, 10, 900 * MS), 0); /* may be a burst */
  CU_ASSERT_EQUAL(come(&shed, &now, 10, 900 * MS), 10);
  CU_ASSERT_FALSE(shed_refuses(&shed, SHED_WAIT_MAX_US, now));
  CU_ASSERT_TRUE(shed_refuses(&shed, SHED_WAIT_MAX_US + 1, now));
}

static void it_ends_with_the_queue(void) {
  struct shed shed = {0};
  uint64_t now = 5000 * MS;
  CU_ASSERT_EQUAL(come(&shed, &now, 30, 900 * MS), 20);
  come(&shed, &now, 10, 0);
  CU_ASSERT_EQUAL(come(&shed, &now, 10, 900 * MS), 0);
}

static void what_comes_after_silence_is_judged_anew(void) {
  struct shed shed = {0};
  uint64_t now = 5000 * MS;
  come(&shed, &now, 30, 900 * MS);
  now += 60 * 1000 * MS;
  CU_ASSERT_EQUAL(come(&shed, &now, 10, 900 * MS), 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a short queue refuses nothing", a_short_queue_refuses_nothing},
      {"a burst that ends refuses nothing", a_burst_that_ends_refuses_nothing},
      {"a standing queue refuses what waited too long, and nothing else",
       a_standing_queue_refuses_what_waited_too_long},
      {"it ends with the queue", it_ends_with_the_queue},
      {"what comes after silence is judged anew", what_comes_after_silence_is_judged_anew},
  };
  return harness_run("base/shed", cases, HARNESS_COUNT(cases));
}
