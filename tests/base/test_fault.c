#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "tests/harness/harness.h"

/* Passes `times` times through "a.b" in a child under STEMEDB_FAULTS=`faults`; its wait status. It exits with the
 * number of passages that were told to fail. */
static int passes(const char *faults, int times) {
  fflush(stdout);
  pid_t pid = fork();
  CU_ASSERT_FATAL(pid >= 0);
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr))
      _exit(98);
    setenv("STEMEDB_FAULTS", faults, 1);
    int failed = 0;
    for (int i = 0; i < times; i++)
      failed += fault_point("a.b") ? 1 : 0;
    _exit(failed);
  }
  int status = 0;
  CU_ASSERT_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
  if (WIFSTOPPED(status)) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  return status;
}

static int exit_of(const char *faults, int times) {
  int status = passes(faults, times);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void nothing_happens_unasked(void) {
  CU_ASSERT_EQUAL(exit_of("", 3), 0);
  CU_ASSERT_EQUAL(exit_of("other=kill,a.bc=kill,a=kill", 3), 0);
}

static void fails_at_the_passage_named(void) {
  CU_ASSERT_EQUAL(exit_of("a.b=fail", 5), 1);
  CU_ASSERT_EQUAL(exit_of("a.b=fail@5", 5), 1);
  CU_ASSERT_EQUAL(exit_of("a.b=fail@6", 5), 0);
  CU_ASSERT_EQUAL(exit_of("a.b=fail+@2", 5), 4);
  CU_ASSERT_EQUAL(exit_of("x=kill,a.b=fail@1,a.b=fail@3", 5), 2);
}

static void ends_the_process_as_told(void) {
  int status = passes("a.b=kill@2", 5);
  CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CU_ASSERT_EQUAL(exit_of("a.b=kill@2", 1), 0);
  CU_ASSERT_EQUAL(exit_of("a.b=exit:42", 5), 42);
  status = passes("a.b=stop@2", 5);
  CU_ASSERT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void sleeps_from_the_passage_on(void) {
  uint64_t start = clock_monotonic();
  CU_ASSERT_EQUAL(exit_of("a.b=sleep:20@2", 4), 0);
  CU_ASSERT(clock_monotonic() - start >= 60000);
}

static void misspelled_faults_abort(void) {
  static const char *const bad[] = {
      "a.b", "=kill", "a.b=explode", "a.b=exit:", "a.b=kill@", "a.b=kill@2x", "a.b=sleepy:1"};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    int status = passes(bad[i], 1);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"nothing happens where nothing is asked", nothing_happens_unasked},
      {"fail is true at its passage, fail+ from there on", fails_at_the_passage_named},
      {"kill, exit and stop act at their passage", ends_the_process_as_told},
      {"sleep acts from its passage on", sleeps_from_the_passage_on},
      {"faults that cannot be read abort", misspelled_faults_abort},
  };
  return harness_run("fault", cases, HARNESS_COUNT(cases));
}
