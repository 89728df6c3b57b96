/* Which log files may go: only those that no recovery needs and that are saved somewhere, from the oldest on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/archive_put.h"
#include "ops/log_sources.h"
#include "ops/prune.h"
#include "store/mark.h"
#include "store/walscan.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 2600, CHECKPOINT = 2300 };

static struct config config; /* a home that was killed, with an archive */
static struct log quiet;
static struct mark mark;
static struct walscan scan;
static struct prune_plan plan;
static struct err err;
static char line[FILEIO_PATH_MAX];

static void archive_all(void) {
  char name[ARCHIVE_FOLDER_SIZE];
  struct archive_name object;
  uint64_t end;
  archive_folder_format(name, mark.history_id, mark.timeline, mark.branch);
  crashed_remove(config.archive_target);
  mkdir(config.archive_target, 0750);
  if (fileio_join(line, config.archive_target, name, &err))
    abort();
  for (uint32_t number = scan.first_file; number < scan.last_file; number++)
    if (wal_file_end(crashed_path(config.data_dir, "wal"), number, &end, &err) ||
        archive_put(line, crashed_path(config.data_dir, "wal"), number, end, false, &object, &err))
      abort();
}

static void prepare(void) {
  struct crash_plan made = {.entries = ENTRIES, .per_txn = 5, .checkpoint_at = CHECKPOINT};
  bool found = false;
  const char *home = harness_folder();
  log_open(&quiet, -1, "test");
  if (config_defaults(&config, home, &err) || fileio_join(config.archive_target, home, "archive", &err))
    abort();
  mkdir(config.data_dir, 0750);
  crashed_create(config.data_dir, &made);
  if (mark_read(config.data_dir, &mark, &found, &err) || !found ||
      walscan_run(crashed_path(config.data_dir, "wal"), false, NULL, &scan, &err) || scan.checkpoint_from.file < 4 ||
      scan.last_file < scan.checkpoint_from.file)
    abort();
  archive_all();
}

static void what_is_saved_nowhere_stays(void) {
  struct config bare = config;
  bare.archive_target[0] = '\0';
  CU_ASSERT_EQUAL(prune_look(&bare, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(plan.first, scan.first_file);
  CU_ASSERT_EQUAL(plan.below, scan.first_file);
  CU_ASSERT_PTR_NOT_NULL(strstr(plan.why, "is not archived"));
  CU_ASSERT_EQUAL(prune_look(&bare, &quiet, 0, true, &plan, &err), 0);
  CU_ASSERT_TRUE(plan.below > scan.first_file);
  CU_ASSERT_TRUE(plan.below <= scan.checkpoint_from.file);
}

static void what_is_archived_may_go_up_to_where_recovery_begins(void) {
  CU_ASSERT_EQUAL(prune_look(&config, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_TRUE(plan.below > scan.first_file);
  CU_ASSERT_TRUE(plan.below <= scan.checkpoint_from.file);
  CU_ASSERT_TRUE(plan.below + 2 <= scan.last_file + 1);
  CU_ASSERT_EQUAL(plan.archived, plan.below - plan.first);
  CU_ASSERT_TRUE(plan.bytes > 0);
  CU_ASSERT_EQUAL(prune_look(&config, &quiet, scan.last_file - 2, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(plan.below, 3);
}

static void an_object_that_is_not_what_it_says_saves_nothing(void) {
  struct archive archive;
  char name[ARCHIVE_NAME_SIZE];
  CU_ASSERT_EQUAL_FATAL(archive_open(config.archive_target, NULL, NULL, &archive, &err), 0);
  archive_name_format(name, &archive.lines[0].objects[1].name);
  archive_close(&archive);
  const char *path = crashed_path(line, name);
  chmod(path, 0640);
  crashed_flip(path, 1000);
  CU_ASSERT_EQUAL(prune_look(&config, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(plan.below, 2);
  archive_all();
}

static void another_log_of_the_same_length_saves_nothing(void) {
  crashed_flip(crashed_log(config.data_dir, 1), 5000);
  CU_ASSERT_EQUAL(prune_look(&config, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(plan.below, 1);
  crashed_flip(crashed_log(config.data_dir, 1), 5000);
}

/* What follows a backup may be in the file before its first one. */
static void what_leads_on_from_a_backup_begins_a_file_earlier(void) {
  struct log_sources sources;
  const struct log_source *source;
  CU_ASSERT_EQUAL_FATAL(log_sources_open(&config, &quiet, config.archive_target, mark.history_id, &sources, &err), 0);
  CU_ASSERT_EQUAL(log_sources_get(&sources, mark.timeline, mark.branch, 3, &source, &err), 0);
  CU_ASSERT_PTR_NOT_NULL_FATAL(source);
  CU_ASSERT_EQUAL(access(crashed_path(source->dir, "log.0000000002"), F_OK), 0);
  CU_ASSERT_EQUAL(access(crashed_path(source->dir, "log.0000000001"), F_OK), -1);
  log_sources_close(&sources);
}

static void files_go_oldest_first_and_only_those_planned(void) {
  CU_ASSERT_EQUAL_FATAL(prune_look(&config, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(prune_remove(&config, &plan, &err), 0);
  for (uint32_t number = scan.first_file; number <= scan.last_file; number++)
    CU_ASSERT_EQUAL(access(crashed_log(config.data_dir, number), F_OK) == 0, number >= plan.below);
  CU_ASSERT_EQUAL(prune_look(&config, &quiet, 0, false, &plan, &err), 0);
  CU_ASSERT_EQUAL(plan.below, plan.first);
}

int main(void) {
  static const struct test_case cases[] = {
      {"what is saved nowhere stays", what_is_saved_nowhere_stays},
      {"what is archived may go up to where recovery begins", what_is_archived_may_go_up_to_where_recovery_begins},
      {"an object that is not what it says saves nothing", an_object_that_is_not_what_it_says_saves_nothing},
      {"another log of the same length saves nothing", another_log_of_the_same_length_saves_nothing},
      {"what leads on from a backup begins a file earlier", what_leads_on_from_a_backup_begins_a_file_earlier},
      {"files go oldest first, and only those planned", files_go_oldest_first_and_only_those_planned},
  };
  prepare();
  return harness_run("prune", cases, HARNESS_COUNT(cases));
}
