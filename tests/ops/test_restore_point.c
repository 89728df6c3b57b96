/* Restoring to a moment: exactly entries 1..N, whatever the backup's pages hold and wherever a transaction ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/follow.h"
#include "ops/restorable.h"
#include "ops/restore.h"
#include "ops/tree.h"
#include "store/startup.h"
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
  append_some(45);
  moments_close(&m);
  moments_backup(&m, early);
  early_seq = m.last_seq;
  append_some(45);
  moments_close(&m);
  moments_backup(&m, late);
  late_seq = m.last_seq;
  append_some(45);
  archive_logs(); /* while it is open, as a node is */
  archived_seq = m.last_seq;
  moments_close(&m);
}

static const char *archive(void) {
  return crashed_path(logs, "wal");
}

/* Restores into a fresh home, always the same; returns its data folder. */
static struct config target;
static const char *restored(const char *backup, const struct point_wish *wish, int *rc, struct err *err) {
  static const char *home;
  if (!home)
    home = crashed_path(harness_folder(), "home");
  crashed_remove(home);
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
  expect_refused(early, &wish, ERR_NOTFOUND, "no log file is archived in it");
}

/* --- timelines --- */

enum { TIMELINES = 4, BACKUPS = TIMELINES };

static struct moments lines[TIMELINES + 1]; /* what was published on each */
static const char *line_backup[BACKUPS + 1];
static const char *target_archive;

/* Timeline 1 and those that restores of the home opened, each to a moment of those before; all archived. */
static void make_timelines(void) {
  static struct moments w;
  struct err err;
  target_archive = harness_folder();
  moments_begin(&w, harness_folder());
  for (int i = 1; i <= TIMELINES; i++) {
    for (unsigned k = 0; k < 12; k++)
      moments_append(&w, 1 + dice(30));
    moments_close(&w);
    line_backup[i] = crashed_path(harness_folder(), "backup");
    moments_backup(&w, line_backup[i]);
    for (unsigned k = 0; k < 6; k++)
      moments_append(&w, 1 + dice(30));
    moments_close(&w);
    moments_archive(&w, target_archive);
    lines[i] = w;
    if (i == TIMELINES)
      break;
    /* From any backup so far, to any moment of the newest timeline; the second time below what its backup holds. */
    struct point_wish wish = {.kind = POINT_SEQ, .archive = target_archive};
    wish.seq = i == 2 ? 5 + dice(40) : w.last_seq - 1 - dice(60);
    const char *from = line_backup[1 + dice((unsigned)i)];
    int rc = restore_check_moment(&w.config, &w.log, from, &wish, &err);
    if (rc || (rc = restore_files_moment(&w.config, &w.log, from, &wish, nowhere, &err)) ||
        (rc = restore_done(&w.config, &err))) {
      fprintf(stderr, "timeline %d: %s\n", i, err.text);
      abort();
    }
    moments_go_on(&w);
    if (w.last_seq != wish.seq)
      abort();
  }
}

static void any_seq_of_any_timeline_is_restored_from_any_backup_before_it(void) {
  make_timelines();
  for (int i = 0; i < 24; i++) {
    int line = 1 + (int)dice(TIMELINES), from = 1 + (int)dice((unsigned)line);
    struct point_wish wish = {.kind = POINT_SEQ,
                              .seq = 1 + dice((unsigned)lines[line].last_seq),
                              .archive = target_archive,
                              .timeline = (uint32_t)line};
    struct err err;
    int rc = 0;
    const char *data = restored(line_backup[from], &wish, &rc, &err);
    bool good = !rc && moments_is_at(&lines[line], data, wish.seq);
    CU_ASSERT_TRUE(good);
    if (!good)
      printf("# timeline %d, from the backup of %d, to %llu: %s\n", line, from, (unsigned long long)wish.seq,
             rc ? err.text : "another prefix");
  }
}

static void an_abandoned_end_can_still_be_had(void) {
  struct point_wish wish = {.kind = POINT_ALL, .archive = target_archive, .timeline = 1};
  struct history_meta meta;
  struct err err;
  int rc = 0;
  const char *data = restored(line_backup[TIMELINES], &wish, &rc, &err);
  CU_ASSERT_EQUAL_FATAL(rc, 0);
  CU_ASSERT_TRUE(moments_is_at(&lines[1], data, lines[1].last_seq));
  struct moments at = m;
  at.config = target;
  moments_timelines(&at, &meta);
  CU_ASSERT_EQUAL(meta.count, 2);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->branched_at_seq, lines[1].last_seq);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->number, TIMELINES + 1); /* above all that the archive has */
  history_meta_free(&meta);
}

static void the_newest_timeline_is_followed_unless_another_is_named(void) {
  struct point_wish wish = {.kind = POINT_ALL, .archive = target_archive};
  struct err err;
  int rc = 0;
  const char *data = restored(line_backup[1], &wish, &rc, &err);
  CU_ASSERT_EQUAL_FATAL(rc, 0);
  CU_ASSERT_TRUE(moments_is_at(&lines[TIMELINES], data, lines[TIMELINES].last_seq));
  wish.timeline = TIMELINES + 3;
  expect_refused(line_backup[1], &wish, ERR_INVALID, "is not known here");
}

static void logs_of_another_history_are_refused(void) {
  struct point_wish wish = {.kind = POINT_ALL, .archive = target_archive};
  expect_refused(early, &wish, ERR_INVALID, "nothing of the backup's history");
  wish.archive = crashed_path(lines[1].config.data_dir, "wal");
  expect_refused(early, &wish, ERR_INVALID, "another history");
}

/* What can be restored, as it is told. */
static void windows_are_what_can_be_restored(void) {
  const char *folder = harness_folder();
  struct restorable found;
  struct err err;
  char name[64];
  for (int i = 1; i <= 2; i++) {
    snprintf(name, sizeof(name), "stemedb-backup-2026010%d-000000", i);
    crashed_copy(line_backup[i], crashed_path(folder, name));
  }
  CU_ASSERT_EQUAL_FATAL(restorable_find(&target, &m.log, folder, target_archive, &found, &err), 0);
  CU_ASSERT_EQUAL_FATAL(found.count, TIMELINES);
  CU_ASSERT_EQUAL(found.unusable, 0);
  for (size_t i = 0; i < found.count; i++) {
    const struct restorable_window *w = &found.windows[i];
    CU_ASSERT_EQUAL(w->timeline, i + 1);
    CU_ASSERT_EQUAL(w->newest_seq, lines[i + 1].last_seq);
    CU_ASSERT_EQUAL(w->newest_us, lines[i + 1].time_us[lines[i + 1].last_seq]);
    CU_ASSERT_EQUAL(w->oldest_us, lines[1].time_us[1]);
    CU_ASSERT_FALSE(w->broken);
  }
  restorable_free(&found);
  CU_ASSERT_EQUAL_FATAL(restorable_find(&target, &m.log, folder, NULL, &found, &err), 0);
  CU_ASSERT_EQUAL_FATAL(found.count, 2);
  CU_ASSERT_EQUAL(found.windows[1].newest_seq, found.windows[1].backup_seq);
  restorable_free(&found);
}

/* So many that the table does not fit on a leaf page. */
static void a_table_of_many_timelines_is_found_in_the_log(void) {
  enum { MANY = 60 };
  struct point_wish wish = {.kind = POINT_SEQ, .seq = 3};
  struct startup_report report;
  struct history_meta meta;
  struct store *store = NULL;
  struct err err;
  bool found = false;
  int rc = 0;
  const char *data = restored(early, &wish, &rc, &err);
  CU_ASSERT_EQUAL_FATAL(rc, 0);
  CU_ASSERT_EQUAL_FATAL(startup_run(&target, &m.log, NULL, false, &store, &report, &err), 0);
  for (int i = 0; i < MANY; i++)
    CU_ASSERT_EQUAL(restore_open_timeline(store, data, NULL, 3, 0, &err), 0);
  CU_ASSERT_EQUAL(store_close(store, &err), 0);
  CU_ASSERT_EQUAL_FATAL(follow_find_meta(crashed_path(data, "wal"), &meta, &found, &err), 0);
  CU_ASSERT_TRUE_FATAL(found);
  CU_ASSERT_EQUAL(meta.count, MANY + 2);
  history_meta_free(&meta);
  CU_ASSERT_TRUE(moments_is_at(&m, data, 3));
}

/* --- damage --- */

static int check_all(const char *backup, const char *from, struct err *err) {
  struct point_wish wish = {.kind = from ? POINT_ALL : POINT_BACKUP, .archive = from};
  return restore_check_moment(&target, &m.log, backup, &wish, err);
}

struct sweep {
  const char *backup, *archive, *folder; /* the folder that is changed */
  unsigned flips;
};

static void expect_found(const struct sweep *s, const char *what, const char *name, uint64_t at) {
  struct err err;
  if (check_all(s->backup, s->archive, &err))
    return;
  printf("# %s of %s at %llu was not found\n", what, name, (unsigned long long)at);
  CU_FAIL("not found");
}

static void sweep_file(const struct sweep *s, const struct tree_file *file, const char *other) {
  static const char *moved;
  const char *path = crashed_path(s->folder, file->name);
  if (!moved)
    moved = crashed_path(harness_folder(), "moved");
  for (unsigned i = 0; i < s->flips + 2; i++) {
    uint64_t at = i == 0 ? 0 : i == 1 ? file->size - 1 : dice((unsigned)file->size);
    crashed_flip(path, at);
    expect_found(s, "a flipped byte", file->name, at);
    crashed_flip(path, at);
  }
  crashed_copy(path, moved);
  crashed_truncate(path, file->size - 1);
  expect_found(s, "the cut", file->name, file->size);
  crashed_copy(moved, path);
  unlink(path);
  expect_found(s, "the removal", file->name, 0);
  crashed_copy(crashed_path(s->folder, other), path);
  expect_found(s, "the exchange", file->name, 0);
  crashed_copy(moved, path);
}

static void sweep(const struct sweep *s) {
  struct tree tree;
  struct err err;
  crashed_remove(target.home);
  CU_ASSERT_EQUAL_FATAL(fileio_mkdirs(target.data_dir, 0750, &err), 0);
  CU_ASSERT_EQUAL_FATAL(check_all(s->backup, s->archive, &err), 0);
  CU_ASSERT_EQUAL_FATAL(tree_seal(s->folder, 0640, 0750, &err), 0);
  CU_ASSERT_EQUAL_FATAL(tree_list(s->folder, &tree, &err), 0);
  CU_ASSERT_TRUE(tree.count > 1);
  for (size_t i = 0; i < tree.count; i++)
    if (!strstr(tree.files[i].name, ARCHIVE_HEAD_FILE)) /* a hint; nothing is proven by it */
      sweep_file(s, &tree.files[i], tree.files[(i + 1) % tree.count].name);
  CU_ASSERT_EQUAL(check_all(s->backup, s->archive, &err), 0);
  tree_free(&tree);
  CU_ASSERT_EQUAL(tree_list(target.data_dir, &tree, &err), 0);
  CU_ASSERT_EQUAL(tree.count, 0); /* nothing was put there */
  tree_free(&tree);
}

static void any_damage_to_an_archive_is_found_before_anything_is_touched(void) {
  const char *only = harness_folder();
  moments_archive(&m, only);
  struct sweep s = {.backup = early, .archive = only, .folder = only, .flips = 12};
  sweep(&s);
}

static void what_lies_before_a_gap_can_be_restored(void) {
  const char *only = harness_folder();
  struct archive list;
  struct restorable found;
  struct err err;
  char name[ARCHIVE_NAME_SIZE];
  moments_archive(&m, only);
  if (archive_open(only, NULL, NULL, &list, &err) || list.lines[0].count < 3)
    abort();
  const struct archive_line *line = &list.lines[0];
  archive_name_format(name, &line->objects[line->count - 2].name);
  unlink(crashed_path(line->folder, name));
  archive_close(&list);
  struct point_wish wish = {.kind = POINT_ALL, .archive = only};
  expect_refused(early, &wish, ERR_CORRUPT, "not all can be restored");
  wish = (struct point_wish){.kind = POINT_SEQ, .seq = m.last_seq, .archive = only};
  expect_refused(early, &wish, ERR_CORRUPT, "later ones are there");
  wish.seq = early_seq + 1;
  expect_at(early, &wish, early_seq + 1);
  const char *folder = harness_folder();
  crashed_copy(early, crashed_path(folder, "stemedb-backup-20260101-000000"));
  CU_ASSERT_EQUAL_FATAL(restorable_find(&target, &m.log, folder, only, &found, &err), 0);
  CU_ASSERT_EQUAL_FATAL(found.count, 1);
  CU_ASSERT_TRUE(found.windows[0].broken);
  CU_ASSERT_TRUE(found.windows[0].newest_seq > early_seq && found.windows[0].newest_seq < m.last_seq);
  wish.seq = found.windows[0].newest_seq;
  expect_at(early, &wish, wish.seq);
  restorable_free(&found);
}

/* Between the listing and the copy the newest object was replaced by a longer one. */
static void an_archive_that_grows_meanwhile_is_listed_again(void) {
  static struct moments w;
  const char *growing = harness_folder(), *backup = crashed_path(harness_folder(), "backup");
  const struct log_source *source = NULL;
  struct log_sources sources;
  struct history_meta meta;
  struct err err;
  moments_begin(&w, harness_folder());
  moments_append(&w, 5);
  moments_archive(&w, growing);
  moments_close(&w);
  moments_backup(&w, backup);
  moments_timelines(&w, &meta);
  CU_ASSERT_EQUAL_FATAL(log_sources_open(&target, &m.log, growing, meta.id, &sources, &err), 0);
  moments_append(&w, 5);
  moments_archive(&w, growing);
  moments_close(&w);
  CU_ASSERT_EQUAL(log_sources_get(&sources, 1, history_meta_current(&meta)->branch, 0, &source, &err), 0);
  CU_ASSERT_PTR_NOT_NULL_FATAL(source);
  CU_ASSERT_STRING_EQUAL(source->why, "");
  log_sources_close(&sources);
  history_meta_free(&meta);
}

int main(void) {
  static const struct test_case cases[] = {
      {"any seq of a backup and its logs is restored exactly", any_seq_of_a_backup_and_its_logs_is_restored_exactly},
      {"a backup alone holds every moment up to its end", a_backup_alone_holds_every_moment_up_to_its_end},
      {"without a bound all that is archived is restored", without_a_bound_all_that_is_archived_is_restored},
      {"a time means the last entry up to it", a_time_means_the_last_entry_up_to_it},
      {"a moment that is not there is refused, and what is there is told",
       a_moment_that_is_not_there_is_refused_and_what_is_there_is_told},
      {"any seq of any timeline is restored from any backup before it",
       any_seq_of_any_timeline_is_restored_from_any_backup_before_it},
      {"an abandoned end can still be had", an_abandoned_end_can_still_be_had},
      {"the newest timeline is followed, unless another is named",
       the_newest_timeline_is_followed_unless_another_is_named},
      {"logs of another history are refused", logs_of_another_history_are_refused},
      {"windows are what can be restored", windows_are_what_can_be_restored},
      {"a table of many timelines is found in the log", a_table_of_many_timelines_is_found_in_the_log},
      {"any damage to an archive is found before anything is touched",
       any_damage_to_an_archive_is_found_before_anything_is_touched},
      {"an archive that grows meanwhile is listed again", an_archive_that_grows_meanwhile_is_listed_again},
      {"what lies before a gap can be restored", what_lies_before_a_gap_can_be_restored},
  };
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  make_history();
  return harness_run("restore to a moment", cases, HARNESS_COUNT(cases));
}
