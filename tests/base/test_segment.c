#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/segment.h"
#include "tests/harness/harness.h"

/* A watermark all of whose parts tell `n`. */
static struct watermark mark_of(uint64_t n) {
  struct watermark mark = {
      .visible_seq = n, .time_us = n * 3, .assertion_count = n, .branch = n, .timeline = (uint32_t)n};
  memset(mark.root, (int)n, sizeof(mark.root));
  memset(mark.history_id, (int)n, sizeof(mark.history_id));
  return mark;
}

static bool mark_is(const struct watermark *mark, uint64_t n) {
  struct watermark expected = mark_of(n);
  return mark->visible_seq == n && mark->time_us == n * 3 && mark->assertion_count == n && mark->branch == n &&
         mark->timeline == (uint32_t)n && memcmp(mark->root, expected.root, sizeof(mark->root)) == 0 &&
         memcmp(mark->history_id, expected.history_id, sizeof(mark->history_id)) == 0;
}

static struct segment *create(int *fd) {
  struct segment *seg = NULL;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(segment_create(&seg, fd, &err), 0);
  return seg;
}

static void is_inherited_over_exec(void) {
  int fd;
  uint64_t before = clock_monotonic();
  struct segment *seg = create(&fd);
  CU_ASSERT_EQUAL(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  CU_ASSERT(segment_started(seg) >= before && segment_started(seg) <= clock_monotonic());
  CU_ASSERT_EQUAL(segment_state(seg), NODE_STARTING);
  CU_ASSERT_FALSE(segment_disk_full(seg));
  segment_close(seg);
  close(fd);
  segment_close(NULL);
}

static void processes_share_it(void) {
  int fd;
  struct err err;
  struct segment *seg = create(&fd);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    struct segment *child;
    if (segment_attach(fd, &child, &err))
      _exit(1);
    segment_set_state(child, NODE_READY);
    segment_set_disk_full(child, true);
    struct watermark mark = mark_of(7);
    segment_publish(child, &mark);
    metric_add(metrics_cell(segment_metrics(child), METRIC_ASSERTIONS_TOTAL, ""), 5);
    _exit(0);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  CU_ASSERT_EQUAL(status, 0);
  struct watermark mark;
  segment_watermark(seg, &mark);
  CU_ASSERT_TRUE(mark_is(&mark, 7));
  CU_ASSERT_EQUAL(segment_state(seg), NODE_READY);
  CU_ASSERT_TRUE(segment_disk_full(seg));
  CU_ASSERT_EQUAL(metric_value(metrics_cell(segment_metrics(seg), METRIC_ASSERTIONS_TOTAL, "")), 5);
  segment_close(seg);
  close(fd);
}

static void foreign_memory_is_refused(void) {
  int fd, other;
  struct err err;
  struct segment *seg = create(&fd), *attached = NULL;
  off_t size = lseek(fd, 0, SEEK_END);
  CU_ASSERT_EQUAL(segment_attach(-1, &attached, &err), ERR_IO);
  other = memfd_create("other", 0);
  CU_ASSERT_EQUAL(segment_attach(other, &attached, &err), ERR_INVALID);
  CU_ASSERT_EQUAL(ftruncate(other, size), 0);
  CU_ASSERT_EQUAL(segment_attach(other, &attached, &err), ERR_INVALID);
  close(other);
  CU_ASSERT_EQUAL(ftruncate(fd, 4096), -1);
  CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 8), 1);
  CU_ASSERT_EQUAL(segment_attach(fd, &attached, &err), ERR_INVALID);
  CU_ASSERT_PTR_NULL(attached);
  segment_close(seg);
  close(fd);
}

static void the_last_watermark_is_in_force(void) {
  int fd;
  struct segment *seg = create(&fd);
  struct watermark mark;
  segment_watermark(seg, &mark);
  CU_ASSERT_TRUE(mark_is(&mark, 0));
  for (uint64_t n = 1; n < 20; n++) {
    struct watermark next = mark_of(n);
    segment_publish(seg, &next);
    segment_watermark(seg, &mark);
    CU_ASSERT_TRUE(mark_is(&mark, n));
  }
  segment_close(seg);
  close(fd);
}

struct race {
  struct segment *seg;
  atomic_bool stop;
};

static void *publish_until_stopped(void *arg) {
  struct race *race = arg;
  for (uint64_t n = 1; !atomic_load(&race->stop); n++) {
    struct watermark mark = mark_of(n);
    segment_publish(race->seg, &mark);
  }
  return NULL;
}

static void readers_never_see_a_mixture(void) {
  int fd;
  struct race race = {.seg = create(&fd)};
  pthread_t writer;
  uint64_t last = 0;
  bool whole = true, rising = true;
  CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, publish_until_stopped, &race), 0);
  uint64_t deadline = clock_monotonic() + 200000;
  while (clock_monotonic() < deadline) {
    struct watermark mark;
    segment_watermark(race.seg, &mark);
    whole = whole && mark_is(&mark, mark.visible_seq);
    rising = rising && mark.visible_seq >= last;
    last = mark.visible_seq;
  }
  atomic_store(&race.stop, true);
  pthread_join(writer, NULL);
  CU_ASSERT_TRUE(whole);
  CU_ASSERT_TRUE(rising);
  CU_ASSERT(last > 0);
  segment_close(race.seg);
  close(fd);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a new segment is starting, and its descriptor is inherited", is_inherited_over_exec},
      {"what one process writes, another reads after its death", processes_share_it},
      {"what is no segment of this version is refused, and its size is sealed", foreign_memory_is_refused},
      {"the watermark published last is in force", the_last_watermark_is_in_force},
      {"a reader never sees a mixture of watermarks, nor an older one", readers_never_see_a_mixture},
  };
  return harness_run("segment", cases, HARNESS_COUNT(cases));
}
