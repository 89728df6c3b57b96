/*
 * Random damage, one to three strokes of it, to homes that were killed in different states: a start that succeeds has
 * every acknowledged entry. Everything follows from a seed, which is printed with a failure.
 *   STEMEDB_ROUNDS=N  rounds (default 60)
 *   STEMEDB_SEED=N    seed of the first round
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/walscan.h"
#include "tests/corrupt/start.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 700, BEFORE = 300, ROUNDS = 60, HOMES = 4, STATES = 3 };

/* Checkpoints early, late and never; a cache so small that pages are written in any order between checkpoints. */
static const struct crash_plan plans[HOMES] = {
    {ENTRIES, 2, 400, 0, 0}, {ENTRIES, 35, 640, 0, 0}, {ENTRIES, 1, 200, 150000, 0}, {ENTRIES, 9, 0, 150000, 0}};

static const char *homes[STATES * HOMES]; /* killed; killed, then started and stopped; killed in their second life */
static const char *data;
static unsigned seed;
static char story[2048]; /* what was done */

static uint64_t pick(uint64_t n) {
  return ((uint64_t)rand_r(&seed) << 31 | (uint64_t)rand_r(&seed)) % n;
}

static void tell(const char *what, const char *path, uint64_t at) {
  size_t len = strlen(story);
  snprintf(story + len, sizeof story - len, "%s %s %llu; ", what, strrchr(path, '/'), (unsigned long long)at);
}

static void start_well(const char *path, uint64_t last_seq) {
  struct start_result result;
  struct start_wish wish = {.way = START_COLD};
  start_run(path, &wish, &result);
  if (result.end == END_ALL_THERE && result.last_seq == last_seq)
    return;
  fprintf(stderr, "%s", result.log);
  abort();
}

static void make_homes(void) {
  for (int i = 0; i < STATES * HOMES; i++) {
    const struct crash_plan *plan = &plans[i % HOMES];
    homes[i] = crashed_path(harness_folder(), "data");
    mkdir(homes[i], 0750);
    if (i < HOMES)
      crashed_create(homes[i], plan);
    else if (i < 2 * HOMES) {
      crashed_copy(homes[i - HOMES], homes[i]);
      start_well(homes[i], ENTRIES);
    } else {
      struct crash_plan first = {BEFORE, plan->per_txn, 0, 0, 0};
      crashed_create(homes[i], &first);
      start_well(homes[i], BEFORE);
      crashed_go_on(homes[i], BEFORE + 1, plan);
    }
  }
  data = crashed_path(harness_folder(), "data");
}

/* A log file that is there, or NULL. */
static const char *pick_log(void) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  struct err err;
  const char *path = NULL;
  if (walscan_list(crashed_path(data, "wal"), &numbers, &count, &err))
    abort();
  if (count > 0)
    path = crashed_log(data, numbers[pick(2) ? count - 1 : pick(count)]);
  free(numbers);
  return path;
}

/* A place in the file, more often where something is: log files end with zeros. */
static uint64_t pick_place(const char *path) {
  uint64_t size = crashed_size(path);
  return size == 0 ? 0 : pick(4) ? pick(size) : pick(size < 4096 ? size : 4096);
}

static void damage_bytes(const char *path) {
  uint64_t at = pick_place(path), size = crashed_size(path);
  if (size == 0)
    return;
  switch (pick(4)) {
  case 0:
    tell("flip", path, at);
    crashed_flip(path, at);
    return;
  case 1:
    tell("zeros", path, at & ~UINT64_C(511));
    crashed_fill(path, at & ~UINT64_C(511), 512 << pick(5), 0);
    return;
  case 2:
    tell("rubbish", path, at);
    crashed_fill(path, at, 1 + pick(300), (int)pick(256));
    return;
  default:
    tell("truncate", path, at);
    crashed_truncate(path, at);
    return;
  }
}

static void damage_log(void) {
  const char *path = pick_log();
  if (!path)
    return;
  if (pick(4)) {
    damage_bytes(path);
    return;
  }
  tell("delete", path, 0);
  unlink(path);
}

static void damage_database(void) {
  char path[FILEIO_PATH_MAX];
  snprintf(path, sizeof path, "%s/db/%s", data, pick(8) ? STORE_HISTORY_FILE : STORE_MARK_FILE);
  if (access(path, F_OK) == 0)
    damage_bytes(path);
}

/* Runbook section 2, with a log that is younger or older, complete or not. */
static void replace_log(unsigned home) {
  char name[64];
  const char *wal = crashed_path(data, "wal");
  snprintf(name, sizeof name, "wal.corrupted.20260211-10304%u", (unsigned)pick(10));
  tell("set aside", wal, 0);
  if (pick(3) == 0)
    crashed_remove(wal);
  else if (rename(wal, crashed_path(data, name)))
    return;
  if (pick(4) == 0)
    return;
  mkdir(wal, 0750);
  uint32_t first = 1 + (uint32_t)pick(3), last = first + (uint32_t)pick(5);
  for (uint32_t number = first; number <= last; number++)
    if (access(crashed_log(homes[home], number), F_OK) == 0) {
      tell("put in", crashed_log(data, number), 0);
      crashed_copy(crashed_log(homes[home], number), crashed_log(data, number));
    }
}

static bool mutilate(unsigned home) {
  bool quick = pick(4) == 0; /* which does not look at pages that nothing reads */
  for (uint64_t strokes = 1 + pick(3); strokes > 0; strokes--)
    switch (pick(quick ? 3 : 5)) {
    case 0:
    case 1: damage_log(); break;
    case 2: replace_log(home); break;
    default: damage_database(); break;
    }
  return quick;
}

static void run_round(unsigned first_seed, unsigned *ends) {
  struct start_result result, again;
  seed = first_seed;
  story[0] = '\0';
  unsigned home = (unsigned)pick(STATES * HOMES);
  crashed_remove(data);
  crashed_copy(homes[home], data);
  bool quick = mutilate(home);
  struct start_wish wish = {.way = quick ? START_QUICK : START_COLD};
  start_run(data, &wish, &result);
  start_run(data, &wish, &again); /* it must not think better of it */
  bool ok = (result.end == END_ALL_THERE && result.last_seq == ENTRIES) || result.end == END_STOPPED;
  ok = ok && again.end == result.end && again.last_seq == result.last_seq;
  if (!ok)
    printf("# seed %u, home %u%s: %s\n# end %d, last_seq %llu; again %d, %llu\n%s\n%s\n", first_seed, home,
           quick ? ", quick" : "", story, result.end, (unsigned long long)result.last_seq, again.end,
           (unsigned long long)again.last_seq, result.log, again.log);
  CU_ASSERT(ok);
  ends[result.end]++;
}

static unsigned from_environment(const char *name, unsigned otherwise) {
  const char *text = getenv(name);
  return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void a_start_that_succeeds_has_everything(void) {
  unsigned ends[END_KILLED + 1] = {0};
  unsigned rounds = from_environment("STEMEDB_ROUNDS", ROUNDS), first = from_environment("STEMEDB_SEED", 1);
  for (unsigned i = 0; i < rounds; i++)
    run_round(first + i, ends);
  printf("# %u starts with everything, %u stops\n", ends[END_ALL_THERE], ends[END_STOPPED]);
  CU_ASSERT(rounds < ROUNDS || (ends[END_ALL_THERE] > 5 && ends[END_STOPPED] > 5));
}

int main(void) {
  static const struct test_case cases[] = {
      {"a start that succeeds has everything", a_start_that_succeeds_has_everything}};
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  make_homes();
  return harness_run("random", cases, HARNESS_COUNT(cases));
}
