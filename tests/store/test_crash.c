/* What the history is after its writer was killed at every place that matters, or after the disk failed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/mark.h"
#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

enum { BATCH = 7 };

/* What the child tells, in memory that outlives it. */
struct told {
  volatile uint64_t acked;
  volatile int code;            /* the first error */
  volatile int later_successes; /* of two attempts after it */
};

static struct told *share(void) {
  struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (told == MAP_FAILED)
    abort();
  *told = (struct told){0};
  return told;
}

static int append_batch(struct store *store, int mark_fd, struct told *told, struct err *err) {
  uint64_t last = 0;
  int code = 0;
  struct mark mark = {.timeline = 1};
  if ((code = history_last(store, &last, err)) || (code = fixture_append(store, last + 1, last + BATCH, 500, err)) ||
      (code = history_flush(store, err)))
    return code;
  mark.seq = last + BATCH;
  if ((code = mark_write(mark_fd, &mark, err)))
    return code;
  told->acked = last + BATCH;
  return store_checkpoint(store, 40000, NULL, err);
}

/* Starts a child that writes batches under STEMEDB_FAULTS=`faults` until it dies, fails (then it tries twice more) or
 * has done `batches`. */
static pid_t start_writer(struct fixture *f, const char *faults, unsigned batches, struct told *told) {
  fflush(stdout);
  pid_t pid = fork();
  CU_ASSERT_FATAL(pid >= 0);
  if (pid > 0)
    return pid;
  struct err err = {0};
  struct store *store = NULL;
  int fd = -1;
  setenv("STEMEDB_FAULTS", faults, 1);
  told->code = env_open_writer(&f->config, &f->log, NULL, RECOVER_NORMAL, &store, &err);
  if (!told->code)
    told->code = mark_open(f->config.data_dir, false, &fd, &err);
  for (unsigned i = 0; !told->code && i < batches; i++)
    told->code = append_batch(store, fd, told, &err);
  for (unsigned i = 0; store && told->code && i < 2; i++)
    told->later_successes += append_batch(store, fd, told, &err) == 0;
  _exit(1);
}

static int wait_for(pid_t pid) {
  int status = 0;
  CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
  return status;
}

/* Recovers and checks that all of 1..acked is there, nothing is torn, and there is at most one batch more. */
static void check_history(struct fixture *f, uint64_t acked) {
  struct err err;
  struct buf out;
  uint64_t last = 0;
  size_t count = 0;
  buf_init(&out, 8 << 20);
  struct store *store = fixture_open(f);
  CU_ASSERT_EQUAL(history_last(store, &last, &err), 0);
  CU_ASSERT_TRUE(last >= acked);
  CU_ASSERT_TRUE(last <= acked + BATCH);
  CU_ASSERT_EQUAL(last % BATCH, 0);
  for (uint64_t next = 1; next <= last; next += count) {
    CU_ASSERT_EQUAL_FATAL(history_read(store, next, last, 1 << 20, &out, &count, &err), 0);
    CU_ASSERT_TRUE_FATAL(count > 0);
    struct span rest = buf_span(&out);
    for (size_t i = 0; i < count; i++) {
      struct entry entry;
      CU_ASSERT_EQUAL_FATAL(history_next(&rest, &entry, &err), 0);
      CU_ASSERT_EQUAL_FATAL(entry.seq, next + i);
    }
  }
  buf_free(&out);
  store_abandon(store);
}

static void check_mark(struct fixture *f, uint64_t seq) {
  struct err err;
  struct mark mark = {0};
  bool found = false;
  CU_ASSERT_EQUAL(mark_read(f->config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  CU_ASSERT_EQUAL(mark.seq, seq);
}

static void killed_at(const char *point) {
  struct told *told = share();
  struct fixture f;
  fixture_create(&f);
  for (unsigned passage = 1; passage <= 25; passage += passage) {
    char faults[128];
    uint64_t before = told->acked;
    snprintf(faults, sizeof faults, "%s=kill@%u", point, passage);
    int status = wait_for(start_writer(&f, faults, 100, told));
    CU_ASSERT_TRUE_FATAL(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(WTERMSIG(status), SIGKILL);
    CU_ASSERT_EQUAL(told->code, 0);
    CU_ASSERT_TRUE(passage == 1 || told->acked >= before + (uint64_t)(passage - 1) * BATCH);
    check_history(&f, told->acked);
    check_mark(&f, told->acked);
  }
  munmap(told, sizeof *told);
}

static void killed_before_commit(void) {
  killed_at("store.history.before_commit");
}

static void killed_before_the_flush(void) {
  killed_at("store.history.before_flush");
}

static void killed_after_the_flush(void) {
  killed_at("store.history.after_flush");
}

static void killed_before_the_mark(void) {
  killed_at("store.mark.before_write");
}

/* STEMEDB_TEST_ROUNDS rounds, 25 if it is not set. */
static void killed_at_any_moment(void) {
  const char *wish = getenv("STEMEDB_TEST_ROUNDS");
  unsigned rounds = wish ? (unsigned)strtoul(wish, NULL, 10) : 25;
  struct told *told = share();
  struct fixture f;
  fixture_create(&f);
  srand(1);
  for (unsigned round = 0; round < rounds; round++) {
    uint64_t before = told->acked;
    pid_t pid = start_writer(&f, "", 1000000, told);
    /* At least one batch, then any moment. */
    for (unsigned i = 0; told->acked == before && i < 10000; i++)
      usleep(500);
    usleep((useconds_t)(rand() % 40000));
    kill(pid, SIGKILL);
    wait_for(pid);
    CU_ASSERT_TRUE(told->acked > before);
    check_history(&f, told->acked);
  }
  munmap(told, sizeof *told);
}

/* The first failing sync, whenever it comes, ends everything: no later commit may seem durable. */
static void a_failed_sync_is_final(void) {
  struct told *told = share();
  struct fixture f;
  fixture_create(&f);
  for (unsigned passage = 1; passage <= 21; passage += 2) {
    char faults[64];
    *told = (struct told){.acked = told->acked};
    snprintf(faults, sizeof faults, "store.os.fsync=fail@%u", passage);
    wait_for(start_writer(&f, faults, 100, told));
    CU_ASSERT_EQUAL(told->code, ERR_IO);
    CU_ASSERT_EQUAL(told->later_successes, 0);
    check_history(&f, told->acked);
  }
  munmap(told, sizeof *told);
}

static void a_full_disk_is_said_and_loses_nothing(void) {
  struct told *told = share();
  struct fixture f;
  fixture_create(&f);
  for (unsigned passage = 1; passage <= 41; passage += 2) {
    char faults[64];
    *told = (struct told){.acked = told->acked};
    snprintf(faults, sizeof faults, "store.os.write=fail+@%u", passage);
    wait_for(start_writer(&f, faults, 100, told));
    CU_ASSERT_EQUAL(told->code, ERR_FULL);
    CU_ASSERT_EQUAL(told->later_successes, 0);
    check_history(&f, told->acked);
  }
  munmap(told, sizeof *told);
}

/* Under STEMEDB_FAULTS, in a child: a checkpoint that takes 2 s, and commits beside it. */
static int commit_beside_a_checkpoint(struct fixture *f) {
  struct err err;
  struct store *store = NULL;
  bool started = false;
  setenv("STEMEDB_FAULTS", "store.checkpoint.before=sleep:2000", 1);
  if (env_open_writer(&f->config, &f->log, NULL, RECOVER_NORMAL, &store, &err) ||
      fixture_append(store, 1, 100, 500, &err) || history_flush(store, &err))
    return 2;
  uint64_t start = clock_monotonic();
  if (store_checkpoint(store, 1000, &started, &err) || !started)
    return 3;
  if (fixture_append(store, 101, 200, 500, &err) || history_flush(store, &err))
    return 4;
  if (store_checkpoint(store, 1000, &started, &err) || started) /* one at a time */
    return 5;
  if (clock_monotonic() - start > 1500000)
    return 6;
  if (checkpoint_wait(&store->checkpoint, &err) || clock_monotonic() - start < 2000000)
    return 7;
  unsetenv("STEMEDB_FAULTS");
  return store_close(store, &err) ? 8 : 0;
}

static void commits_go_on_beside_a_checkpoint(void) {
  struct fixture f;
  fixture_create(&f);
  fflush(stdout);
  pid_t pid = fork();
  CU_ASSERT_FATAL(pid >= 0);
  if (pid == 0)
    _exit(commit_beside_a_checkpoint(&f));
  int status = wait_for(pid);
  CU_ASSERT_TRUE(WIFEXITED(status));
  CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"killed before the commit, the batch is gone whole", killed_before_commit},
      {"killed before the flush, what was acknowledged is there", killed_before_the_flush},
      {"killed after the flush, what was acknowledged is there", killed_after_the_flush},
      {"killed before the mark, what was acknowledged is there", killed_before_the_mark},
      {"killed at any moment, what was acknowledged is there", killed_at_any_moment},
      {"commits go on beside a checkpoint", commits_go_on_beside_a_checkpoint},
      {"a failed sync is final", a_failed_sync_is_final},
      {"a full disk is said and loses nothing", a_full_disk_is_said_and_loses_nothing}};
  return harness_run("crash", cases, HARNESS_COUNT(cases));
}
