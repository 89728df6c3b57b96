/*
 * kill -9 during start-up itself, at every place that has a name, at its first, second, … passage until none is left:
 * the next start finds everything. Needs a build with fault injection.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/internal.h"
#include "store/walscan.h"
#include "tests/corrupt/start.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 600, CHECKPOINT = 350, PER_TXN = 5, PASSAGES_MAX = 40 };

static const char *good;  /* killed in its first life */
static const char *lived; /* killed in its second, with pages of all times */
static const char *from;  /* the one to copy */
static const char *work;
static struct walscan whole;

static const char *const places[] = {
    "store.aside.before_move",        "store.aside.after_move",        "store.startup.before_header",
    "fileio.replace.before_rename",   "store.startup.before_recovery", "store.startup.recovered",
    "store.superseded.before_append", "store.history.before_commit",   "store.history.before_flush",
    "store.history.after_flush",      "store.startup.before_mark",     "store.mark.before_write",
    "store.startup.before_marry",     "store.accept_loss.before_mark"};

static void make_home(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  struct err err;
  struct crash_plan first = {.entries = 200, .per_txn = PER_TXN};
  struct crash_plan second = {.entries = ENTRIES, .per_txn = PER_TXN, .cache_bytes = 150000};
  struct start_wish wish = {.way = START_COLD};
  struct start_result result;
  from = good = crashed_path(harness_folder(), "data");
  lived = crashed_path(harness_folder(), "data");
  work = harness_folder();
  mkdir(good, 0750);
  crashed_create(good, &plan);
  mkdir(lived, 0750);
  crashed_create(lived, &first);
  start_run(lived, &wish, &result);
  crashed_go_on(lived, 201, &second);
  if (walscan_run(crashed_path(good, "wal"), false, NULL, &whole, &err))
    abort();
}

static void leave_as_it_is(const char *data) {
  (void)data;
}

static void damage_old_file(const char *data) {
  crashed_flip(crashed_log(data, 1), 5000);
}

static void set_wal_aside(const char *data) {
  if (rename(crashed_path(data, "wal"), crashed_path(data, "wal.corrupted.20260211-103045")))
    abort();
}

static void put_old_wal_in(const char *data) {
  set_wal_aside(data);
  mkdir(crashed_path(data, "wal"), 0750);
  crashed_copy(crashed_log(good, 1), crashed_log(data, 1));
}

static void cut_header(const char *data) {
  /* A last file of which only a part of the header was written: the crash came while the log changed files. */
  crashed_copy(crashed_log(good, 1), crashed_log(data, whole.last_file + 1));
  crashed_truncate(crashed_log(data, whole.last_file + 1), 20);
}

static void lose_log(const char *data) {
  crashed_remove(crashed_path(data, "wal"));
}

static void damage_last_file(const char *data) {
  crashed_fill(crashed_log(data, whole.last_file), whole.end.offset / 2, 5000, 0x55);
}

/* Starts until it was killed at no passage of `place`; each time the start after it must end as `wish` wants. Returns
 * how often it was killed. */
static unsigned kill_at(const char *place, void (*mutilate)(const char *), const struct start_wish *wish,
                        uint64_t last_seq) {
  unsigned kills = 0;
  const char *data = crashed_path(work, "data");
  for (unsigned passage = 1; passage <= PASSAGES_MAX; passage++) {
    char faults[128];
    struct start_result result;
    struct start_wish killed = *wish, again = *wish;
    snprintf(faults, sizeof faults, "%s=kill@%u", place, passage);
    killed.faults = faults;
    crashed_remove(data);
    crashed_copy(from, data);
    mutilate(data);
    start_run(data, &killed, &result);
    bool last_round = result.end == END_ALL_THERE || result.end == END_STOPPED;
    kills += !last_round;
    if (wish->way == START_ACCEPT_LOSS && result.end != END_ALL_THERE)
      start_run(data, &again, &result);
    again.way = START_COLD;
    start_run(data, &again, &result);
    if (result.end != END_ALL_THERE || result.last_seq != last_seq)
      printf("# %s: end %d, last_seq %llu\n# %s\n", faults, result.end, (unsigned long long)result.last_seq,
             result.log);
    CU_ASSERT_EQUAL(result.end, END_ALL_THERE);
    CU_ASSERT_EQUAL(result.last_seq, last_seq);
    if (last_round)
      break;
  }
  return kills;
}

static void kill_everywhere(void (*mutilate)(const char *), unsigned at_least) {
  struct start_wish wish = {.way = START_COLD};
  unsigned kills = 0;
  for (size_t i = 0; i < HARNESS_COUNT(places); i++)
    kills += kill_at(places[i], mutilate, &wish, ENTRIES);
  printf("# %u kills\n", kills);
  CU_ASSERT(kills >= at_least);
}

static void during_an_ordinary_start(void) {
  kill_everywhere(leave_as_it_is, 6);
}

static void while_damaged_old_files_are_moved(void) {
  kill_everywhere(damage_old_file, 8);
}

static void while_the_wal_is_replaced_and_its_entries_come_back(void) {
  kill_everywhere(put_old_wal_in, 12);
}

static void while_a_wal_begins_where_there_is_none(void) {
  kill_everywhere(set_wal_aside, 10);
}

static void while_a_wal_set_aside_is_used_again(void) {
  from = lived;
  kill_everywhere(set_wal_aside, 10);
  from = good;
}

static void while_a_half_made_file_is_set_aside(void) {
  kill_everywhere(cut_header, 8);
}

static void accept_everywhere(void (*mutilate)(const char *), unsigned at_least) {
  struct start_wish wish = {.way = START_ACCEPT_LOSS};
  struct start_result result;
  unsigned long long there = 0;
  const char *data = crashed_path(work, "data");
  crashed_remove(data);
  crashed_copy(good, data);
  mutilate(data);
  start_run(data, &wish, &result);
  const char *at = strstr(result.log, "--to-seq ");
  CU_ASSERT_FATAL(at && sscanf(at, "--to-seq %llu", &there) == 1 && there >= CHECKPOINT && there < ENTRIES);
  wish.accept_to = there;
  unsigned kills = 0;
  for (size_t i = 0; i < HARNESS_COUNT(places); i++)
    kills += kill_at(places[i], mutilate, &wish, there);
  printf("# %u kills\n", kills);
  CU_ASSERT(kills >= at_least);
}

static void while_a_loss_is_accepted(void) {
  accept_everywhere(lose_log, 8);
  accept_everywhere(damage_last_file, 6);
}

/* The first child of a process, 0 if it has none. */
static pid_t child_of(pid_t pid) {
  char path[64];
  long child = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
  FILE *f = fopen(path, "r");
  if (f && fscanf(f, "%ld", &child) != 1)
    child = 0;
  if (f)
    fclose(f);
  return (pid_t)child;
}

static void wait_a_little(void) {
  struct timespec pause = {0, 5000000};
  nanosleep(&pause, NULL);
}

/* Recovery is a child of the start. If that is killed, it must not go on beside the next one. */
static void a_recovery_dies_with_its_start(void) {
  const char *data = crashed_path(work, "data");
  struct start_wish slow = {.way = START_COLD, .faults = "store.startup.recovered=sleep:60000"};
  struct start_wish next = {.way = START_QUICK};
  struct start_result result;
  uint64_t deadline = clock_monotonic() + 20000000;
  pid_t recovery = 0;
  crashed_remove(data);
  crashed_copy(good, data);
  fflush(stdout);
  pid_t starter = fork();
  if (starter == 0) {
    start_run(data, &slow, &result);
    _exit(0);
  }
  /* starter > start-up > recovery */
  while (recovery == 0 && clock_monotonic() < deadline) {
    pid_t startup = child_of(starter);
    recovery = startup ? child_of(startup) : 0;
    if (recovery)
      kill(startup, SIGKILL);
    else
      wait_a_little();
  }
  CU_ASSERT(recovery > 0);
  start_run(data, &next, &result);
  CU_ASSERT(result.end == END_ALL_THERE && result.last_seq == ENTRIES);
  CU_ASSERT(clock_monotonic() < deadline);
  CU_ASSERT(waitpid(starter, NULL, 0) == starter);
}

int main(void) {
  static const struct test_case cases[] = {
      {"during an ordinary start", during_an_ordinary_start},
      {"while damaged old files are moved", while_damaged_old_files_are_moved},
      {"while the wal is replaced and its entries come back", while_the_wal_is_replaced_and_its_entries_come_back},
      {"while a wal begins where there is none", while_a_wal_begins_where_there_is_none},
      {"while a wal set aside is used again", while_a_wal_set_aside_is_used_again},
      {"while a half-made file is set aside", while_a_half_made_file_is_set_aside},
      {"while a loss is accepted", while_a_loss_is_accepted},
      {"a recovery dies with its start", a_recovery_dies_with_its_start}};
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  make_home();
  return harness_run("kill", cases, HARNESS_COUNT(cases));
}
