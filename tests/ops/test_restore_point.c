/* Restoring to a moment: exactly entries 1..N, whatever the backup's pages hold and wherever a transaction ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/restore.h"
#include "ops/tree.h"
#include "tests/harness/harness.h"
#include "tests/ops/moments.h"
#include "tests/store/crashed.h"

static struct moments m;
static const char *early, *late; /* backups */
static const char *logs;         /* copies of the log files, as an archive holds them */
static FILE *nowhere;
static uint64_t early_seq, late_seq, archived_seq;

static unsigned dice(unsigned sides) {
  static uint32_t state = 20261125;
  state = state * 1664525 + 1013904223;
  return (state >> 8) % sides;
}

static void append_some(unsigned transactions) {
  for (unsigned i = 0; i < transactions; i++)
    moments_append(&m, 1 + (dice(3) ? dice(40) : 0));
}

static void archive_logs(void) {
  struct err err;
  if (tree_copy(m.config.data_dir, logs, "wal", &err))
    abort();
}

/* The whole history: a backup, more, a later backup, more. Every log file is kept. */
static void make_history(void) {
  const char *top = harness_folder();
  moments_begin(&m, top);
  early = crashed_path(harness_folder(), "early");
  late = crashed_path(harness_folder(), "late");
  logs = harness_folder();
  nowhere = fopen("/dev/null", "w");
  append_some(20);
  moments_close(&m);
  moments_backup(&m, early);
  early_seq = m.last_seq;
  append_some(20);
  moments_close(&m);
  moments_backup(&m, late);
  late_seq = m.last_seq;
  append_some(20);
  archive_logs(); /* while it is open, as a node is */
  archived_seq = m.last_seq;
  moments_close(&m);
}

static const char *archive(void) {
  return crashed_path(logs, "wal");
}

/* Restores into a fresh home; returns its data folder. */
static struct config target;
static const char *restored(const char *backup, const struct point_wish *wish, int *rc, struct err *err) {
  const char *home = harness_folder();
  target = m.config;
  snprintf(target.home, sizeof(target.home), "%s", home);
  snprintf(target.data_dir, sizeof(target.data_dir), "%s/data", home);
  snprintf(target.run_dir, sizeof(target.run_dir), "%s/run", home);
  *rc = fileio_mkdirs(target.data_dir, 0750, err);
  if (!*rc && !(*rc = restore_check_moment(&target, &m.log, backup, wish, err)))
    *rc = restore_files_moment(&target, &m.log, backup, wish, nowhere, err);
  return target.data_dir;
}

static void expect_at(const char *backup, const struct point_wish *wish, uint64_t seq) {
  struct err err;
  int rc = 0;
  const char *data = restored(backup, wish, &rc, &err);
  CU_ASSERT_EQUAL(rc, 0);
  if (rc)
    printf("# to %llu: %s\n", (unsigned long long)wish->seq, err.text);
  else if (!moments_is_at(&m, data, seq)) {
    printf("# not at %llu\n", (unsigned long long)seq);
    CU_FAIL("another prefix");
  }
  tree_remove(target.home, &err) ? abort() : (void)0;
}

static void expect_refused(const char *backup, const struct point_wish *wish, int code, const char *words) {
  struct err err;
  int rc = 0;
  restored(backup, wish, &rc, &err);
  CU_ASSERT_EQUAL(rc, code);
  CU_ASSERT_PTR_NOT_NULL(rc ? strstr(err.text, words) : NULL);
  if (!rc || !strstr(err.text, words))
    printf("# %d: %s\n", rc, rc ? err.text : "");
  CU_ASSERT_NOT_EQUAL(access(crashed_path(target.data_dir, "db"), F_OK), 0);
}

static void any_seq_of_a_backup_and_its_logs_is_restored_exactly(void) {
  const uint64_t edges[] = {1, early_seq - 1, early_seq, early_seq + 1, late_seq, archived_seq};
  for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
    struct point_wish wish = {.kind = POINT_SEQ, .seq = edges[i], .archive = archive()};
    expect_at(early, &wish, wish.seq);
  }
  for (int i = 0; i < 14; i++) {
    struct point_wish wish = {.kind = POINT_SEQ, .seq = 1 + dice((unsigned)archived_seq), .archive = archive()};
    expect_at(i % 2 ? early : late, &wish, wish.seq);
  }
}

static void a_backup_alone_holds_every_moment_up_to_its_end(void) {
  for (int i = 0; i < 6; i++) {
    struct point_wish wish = {.kind = POINT_SEQ, .seq = 1 + dice((unsigned)late_seq)};
    expect_at(late, &wish, wish.seq);
  }
}

static void without_a_bound_all_that_is_archived_is_restored(void) {
  struct point_wish wish = {.kind = POINT_ALL, .archive = archive()};
  expect_at(early, &wish, archived_seq);
}

static void a_time_means_the_last_entry_up_to_it(void) {
  struct point_wish wish = {.kind = POINT_TIME, .archive = archive()};
  const uint64_t seqs[] = {1, early_seq, early_seq + 3, late_seq + 1};
  for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
    wish.time_us = (int64_t)m.time_us[seqs[i]];
    expect_at(early, &wish, seqs[i]);
    wish.time_us = (int64_t)m.time_us[seqs[i] + 1] - 1;
    expect_at(early, &wish, seqs[i]);
  }
  wish.time_us = INT64_MAX;
  expect_at(early, &wish, archived_seq);
  wish.time_us = (int64_t)m.time_us[1] - 1;
  expect_refused(early, &wish, ERR_INVALID, "no entry as old as that");
}

static void a_moment_that_is_not_there_is_refused_and_what_is_there_is_told(void) {
  char words[64];
  struct point_wish wish = {.kind = POINT_SEQ, .seq = archived_seq + 1, .archive = archive()};
  snprintf(words, sizeof(words), "reach to entry %llu", (unsigned long long)archived_seq);
  expect_refused(early, &wish, ERR_INVALID, words);
  wish = (struct point_wish){.kind = POINT_SEQ, .seq = early_seq + 1};
  expect_refused(early, &wish, ERR_INVALID, "no archive is named");
  wish = (struct point_wish){.kind = POINT_SEQ, .seq = 1, .archive = harness_folder()};
  expect_refused(early, &wish, ERR_NOTFOUND, "no log files");
}

int main(void) {
  static const struct test_case cases[] = {
      {"any seq of a backup and its logs is restored exactly", any_seq_of_a_backup_and_its_logs_is_restored_exactly},
      {"a backup alone holds every moment up to its end", a_backup_alone_holds_every_moment_up_to_its_end},
      {"without a bound all that is archived is restored", without_a_bound_all_that_is_archived_is_restored},
      {"a time means the last entry up to it", a_time_means_the_last_entry_up_to_it},
      {"a moment that is not there is refused, and what is there is told",
       a_moment_that_is_not_there_is_refused_and_what_is_there_is_told},
  };
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  make_history();
  return harness_run("restore to a moment", cases, HARNESS_COUNT(cases));
}
