/* kill -9 at the named places, and what the next open makes of it. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

static void project_in_small_batches(struct fixture *f) {
  fixture_open(f);
  fixture_apply(f, 2000, 50);
}

static void only_open(struct fixture *f) {
  fixture_open(f);
}

static void a_kill_anywhere_in_applying_is_caught_up(void) {
  static const char *const faults[] = {"projection.apply.before_commit=kill@1", "projection.apply.after_commit=kill@1",
                                       "projection.apply.before_commit=kill@17",
                                       "projection.apply.after_commit=kill@17",
                                       "projection.apply.after_commit=kill@40"};
  for (size_t i = 0; i < HARNESS_COUNT(faults); i++) {
    struct fixture f;
    fixture_create(&f);
    fixture_release(&f);
    CU_ASSERT_TRUE(fixture_killed(&f, faults[i], project_in_small_batches));
    fixture_reopen(&f);
    CU_ASSERT_TRUE(f.last > 0);
    fixture_open(&f);
    check_everything(&f);
    fixture_free(&f);
  }
}

static void a_kill_anywhere_in_a_rebuild_is_caught_up(void) {
  static const char *const faults[] = {"projection.apply.before_commit=kill@1",
                                       "projection.apply.after_commit=kill@1",
                                       "projection.apply.before_commit=kill@2",
                                       "projection.wipe.file=kill@1",
                                       "projection.wipe.file=kill@3",
                                       "projection.wipe.file=kill@6",
                                       "projection.wipe.file=kill@8"};
  struct fixture f;
  struct err err;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 9000, 1000);
  for (size_t i = 0; i < HARNESS_COUNT(faults); i++) {
    int fd = -1;
    char path[FILEIO_PATH_MAX];
    fixture_release(&f);
    CU_ASSERT_EQUAL_FATAL(fileio_join(path, f.indexes, "REBUILD", &err), 0);
    CU_ASSERT_TRUE_FATAL((fd = open(path, O_CREAT | O_WRONLY, 0600)) >= 0);
    close(fd);
    CU_ASSERT_TRUE(fixture_killed(&f, faults[i], only_open));
    fixture_reopen(&f);
    fixture_open(&f);
    check_everything(&f);
  }
  fixture_free(&f);
}

int main(void) {
  static const struct test_case cases[] = {
      {"kill -9 anywhere in applying is caught up", a_kill_anywhere_in_applying_is_caught_up},
      {"kill -9 anywhere in a rebuild is caught up", a_kill_anywhere_in_a_rebuild_is_caught_up},
  };
  return harness_run("kill", cases, HARNESS_COUNT(cases));
}
