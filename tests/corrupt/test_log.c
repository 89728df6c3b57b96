/*
 * Nothing is lost in silence: damage of log files, of the mark, of region files. Each start ends with everything there,
 * or stops with file and place in plain words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/bdb_format.h"
#include "store/internal.h"
#include "store/mark.h"
#include "tests/corrupt/homes.h"

enum file { FILE_LAST, FILE_MIDDLE, FILE_OLD };

static uint32_t number_of(enum file file) {
  return file == FILE_LAST ? homes.whole.last_file : file == FILE_MIDDLE ? homes.whole.last_file - 1 : 2;
}

enum damage { FLIP, ZERO_BLOCK, TRUNCATE, EMPTY, DELETE, MAGIC, HEADER_SUM, ZERO_HEADER };

static void damage_file(const char *path, enum damage damage) {
  uint64_t middle = homes.whole.end.offset / 2; /* inside of the records of the last file too */
  switch (damage) {
  case FLIP: crashed_flip(path, middle + 13); return;
  case ZERO_BLOCK: crashed_fill(path, middle & ~UINT64_C(4095), 4096, 0); return;
  case TRUNCATE: crashed_truncate(path, middle); return;
  case EMPTY: crashed_truncate(path, 0); return;
  case DELETE: unlink(path); return;
  case MAGIC: crashed_flip(path, LOG_MAGIC_AT); return;
  case HEADER_SUM: crashed_flip(path, 8); return;
  case ZERO_HEADER: crashed_fill(path, 0, LOG_FILE_HEADER, 0); return;
  }
}

static const struct {
  const char *name;
  enum damage damage;
  enum file file;
  const char *words[2]; /* with %s for the file's name; all there if NULL */
} log_cases[] = {
    {"bit flip, last", FLIP, FILE_LAST, {"Checksum mismatch in WAL segment", " at offset "}},
    {"bit flip, middle", FLIP, FILE_MIDDLE, {"Checksum mismatch in WAL segment", " at offset "}},
    {"bit flip, old", FLIP, FILE_OLD, {NULL, "make a full backup now"}},
    {"zeroed block, last", ZERO_BLOCK, FILE_LAST, {"Checksum mismatch in WAL segment", " at offset "}},
    {"zeroed block, middle", ZERO_BLOCK, FILE_MIDDLE, {"Checksum mismatch in WAL segment", " at offset "}},
    {"zeroed block, old", ZERO_BLOCK, FILE_OLD, {NULL, "make a full backup now"}},
    {"truncated, last", TRUNCATE, FILE_LAST, {"Acknowledged entries missing: ", " to 1200"}},
    {"truncated, middle", TRUNCATE, FILE_MIDDLE, {"Checksum mismatch in WAL segment", " at offset "}},
    {"truncated, old", TRUNCATE, FILE_OLD, {NULL, "make a full backup now"}},
    {"emptied, last", EMPTY, FILE_LAST, {"Acknowledged entries missing: ", " to 1200"}},
    {"emptied, middle", EMPTY, FILE_MIDDLE, {"WAL magic byte validation failed", " at offset 12"}},
    {"emptied, old", EMPTY, FILE_OLD, {NULL, "make a full backup now"}},
    {"deleted, last", DELETE, FILE_LAST, {"Acknowledged entries missing: ", " to 1200"}},
    {"deleted, middle", DELETE, FILE_MIDDLE, {"Checksum mismatch in WAL segment", "the file is missing"}},
    {"deleted, old", DELETE, FILE_OLD, {NULL, "make a full backup now"}},
    {"magic, last", MAGIC, FILE_LAST, {"WAL magic byte validation failed", " at offset 12"}},
    {"magic, middle", MAGIC, FILE_MIDDLE, {"WAL magic byte validation failed", " at offset 12"}},
    {"magic, old", MAGIC, FILE_OLD, {NULL, "WAL magic byte validation failed"}},
    {"header's checksum, last", HEADER_SUM, FILE_LAST, {"Checksum mismatch in WAL segment", " at offset 0"}},
    {"header's checksum, middle", HEADER_SUM, FILE_MIDDLE, {"Checksum mismatch in WAL segment", " at offset 0"}},
    {"header's checksum, old", HEADER_SUM, FILE_OLD, {NULL, "Checksum mismatch in WAL segment"}},
    {"zeroed header, last", ZERO_HEADER, FILE_LAST, {"WAL magic byte validation failed", " at offset 12"}},
    {"zeroed header, middle", ZERO_HEADER, FILE_MIDDLE, {"WAL magic byte validation failed", " at offset 12"}},
    {"zeroed header, old", ZERO_HEADER, FILE_OLD, {NULL, "WAL magic byte validation failed"}},
};

static void every_damage_of_a_log_file(void) {
  char name[WAL_NAME_SIZE];
  for (size_t i = 0; i < HARNESS_COUNT(log_cases); i++) {
    const char *data = homes_copy(homes.good);
    uint32_t number = number_of(log_cases[i].file);
    bool stops = log_cases[i].words[0] != NULL;
    wal_file_name(name, number);
    damage_file(crashed_log(data, number), log_cases[i].damage);
    for (int again = 0; again < 2; again++) { /* the second start must not think better of it */
      homes_start(data, again && !stops ? START_QUICK : START_COLD);
      bool met = homes.result.end == (stops ? END_STOPPED : END_ALL_THERE) &&
                 (stops || homes.result.last_seq == ENTRIES) && homes_says(log_cases[i].words[0]) &&
                 (again || homes_says(log_cases[i].words[1])) &&
                 (homes_says(name) || homes_says("Acknowledged") || again) &&
                 (!stops || homes_says("Failed to recover WAL: follow \302\247"));
      CU_ASSERT(homes_expect(log_cases[i].name, met));
    }
  }
}

/* In the file of the last checkpoint, before it: recovery needs the file, but not that. */
static void damage_beside_the_checkpoint_is_gone_after_one_start(void) {
  struct walscan after;
  struct err err;
  const char *data = homes_copy(homes.good);
  CU_ASSERT_FATAL(homes.whole.checkpoint_from.offset > 2000);
  crashed_flip(crashed_log(data, homes.whole.checkpoint_from.file), 1000);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("first", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                      homes_says("make a full backup now") && homes_says("A new WAL begins")));
  CU_ASSERT_EQUAL(walscan_run(crashed_path(data, "wal"), false, NULL, &after, &err), 0);
  CU_ASSERT(after.old.fault == WAL_SOUND && after.fatal.fault == WAL_SOUND && after.first_file > homes.whole.last_file);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("second", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                       !homes_says("full backup")));
  homes_go_on(data);
}

static void a_good_home_starts_with_everything(void) {
  for (int way = START_COLD; way <= START_QUICK; way++) {
    homes_start(homes_copy(homes.good), (enum start_way)way);
    CU_ASSERT(homes_expect("good", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES));
    CU_ASSERT_EQUAL(homes.result.replayed, (ENTRIES - CHECKPOINT) / PER_TXN);
    CU_ASSERT(homes_says("Starting WAL recovery..."));
    CU_ASSERT(homes_says("Replayed 250 entries from WAL"));
    CU_ASSERT_FALSE(homes.result.wal_replaced);
    CU_ASSERT_FALSE(homes.result.tail_cut);
    CU_ASSERT_EQUAL(homes.result.from_superseded, 0);
  }
  homes_start(crashed_path(homes.work, "data"), START_COLD);
  CU_ASSERT(homes.result.end == END_ALL_THERE && homes_says("Replayed 0 entries from WAL"));
  CU_ASSERT_FALSE(homes.result.wal_replaced);
}

static void a_folder_without_history_says_so(void) {
  const char *data = homes_copy(homes.good);
  unlink(homes_history(data));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("no assertions.kv", homes.result.end == END_NO_HISTORY && homes_says("No history in ")));
  crashed_remove(data);
  mkdir(data, 0750);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("empty folder", homes.result.end == END_NO_HISTORY && homes_says("No history in ")));
}

static void a_mark_that_is_ahead_stops_the_start(void) {
  const char *data = homes_copy(homes.good);
  homes_set_mark(data, ENTRIES + 3, 0, 0);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("mark ahead", homes.result.end == END_STOPPED &&
                                           homes_says("Acknowledged entries missing: 1201 to 1203") &&
                                           homes_says("Failed to recover WAL")));
}

static void a_mark_of_another_history_or_branch_stops_the_start(void) {
  const char *data = homes_copy(homes.good);
  homes_set_mark(data, ENTRIES, 1, 0);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("history", homes.result.end == END_STOPPED &&
                                        homes_says("acked.mark belongs to another history or branch")));
  data = homes_copy(homes.good);
  homes_set_mark(data, ENTRIES, 0, 1);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("branch", homes.result.end == END_STOPPED &&
                                       homes_says("acked.mark belongs to another history or branch")));
}

static void a_damaged_mark_stops_the_start(void) {
  const char *data = homes_copy(homes.good);
  crashed_flip(crashed_path(crashed_path(data, "db"), STORE_MARK_FILE), 40);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("damaged",
                         homes.result.end == END_STOPPED && homes_says("acked.mark") && homes_says("at offset 0")));
}

static void a_missing_mark_is_made_anew_if_the_log_is_clean(void) {
  const char *data = homes_copy(homes.good);
  const char *path = crashed_path(crashed_path(data, "db"), STORE_MARK_FILE);
  struct mark mark;
  struct err err;
  bool found = false;
  unlink(path);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("clean", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                      homes_says("acked.mark is missing")));
  CU_ASSERT(mark_read(data, &mark, &found, &err) == 0 && found && mark.seq == ENTRIES);
  data = homes_copy(homes.good);
  unlink(path);
  crashed_truncate(crashed_log(data, homes.whole.last_file), homes.whole.end.offset - 20);
  for (int again = 0; again < 2; again++) { /* the evidence stays */
    homes_start(data, START_COLD);
    CU_ASSERT(homes_expect("torn", homes.result.end == END_STOPPED && homes_says("acked.mark is missing")));
  }
}

/* --- torn tails --- */

static int note_last(void *ctx, const struct wal_record *record, struct err *err) {
  (void)err;
  uint32_t *offsets = ctx; /* the last four */
  memmove(offsets, offsets + 1, 3 * sizeof *offsets);
  offsets[3] = record->lsn.offset;
  return 0;
}

/* A smaller home, since there are many starts. */
static void a_log_cut_at_any_byte_of_its_last_records(void) {
  enum { SMALL = 60 };
  struct crash_plan plan = {.entries = SMALL, .per_txn = 2, .checkpoint_at = 20};
  const char *small = crashed_path(harness_folder(), "data");
  uint32_t offsets[4] = {0};
  struct wal_visitor visitor = {offsets, note_last, NULL};
  struct wal_file file;
  struct err err;
  unsigned silent = 0, loud = 0;
  mkdir(small, 0750);
  crashed_create(small, &plan);
  CU_ASSERT_EQUAL_FATAL(wal_walk_file(crashed_path(small, "wal"), 1, &visitor, &file, &err), 0);
  for (uint32_t at = offsets[1]; at < file.end; at++) {
    bool acked = at % 4 == 0;
    const char *data = homes_copy(small);
    if (!acked)
      homes_set_mark(data, SMALL - 2, 0, 0);
    crashed_truncate(crashed_log(data, 1), at);
    homes_start(data, at % 2 ? START_COLD : START_QUICK);
    if (acked) {
      loud += homes_expect("acked",
                           homes.result.end == END_STOPPED && homes_says("Acknowledged entries missing: 59 to 60"));
    } else {
      silent += homes_expect("not acked", homes.result.end == END_ALL_THERE && homes.result.last_seq == SMALL - 2);
    }
  }
  CU_ASSERT_EQUAL(silent + loud, file.end - offsets[1]);
  CU_ASSERT(loud > 10 && silent > 30);
}

static void a_recovery_that_takes_too_long_is_given_up(void) {
  struct start_wish wish = {.way = START_COLD, .faults = "store.startup.recovered=sleep:20000", .timeout_s = 1};
  const char *data = homes_copy(homes.good);
#ifdef STEMEDB_FAULTS_ENABLED
  start_run(data, &wish, &homes.result);
  CU_ASSERT(
      homes_expect("slow", homes.result.end == END_REFUSED &&
                               homes_says("recovery took longer than 1 s (recovery_timeout_s) and was given up")));
#endif
  wish.faults = NULL;
  start_run(data, &wish, &homes.result);
  CU_ASSERT(homes_expect("then", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES));
}

static void a_torn_tail_is_copied_aside(void) {
  const char *data = homes_copy(homes.good);
  homes_set_mark(data, ENTRIES - 2, 0, 0);
  crashed_truncate(crashed_log(data, homes.whole.last_file), homes.whole.end.offset - 20);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("torn", homes.result.end == END_ALL_THERE && homes.result.tail_cut &&
                                     homes_says("was not written to its end") && homes_says("wal.torn.")));
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("again", homes.result.end == END_ALL_THERE && !homes.result.tail_cut));
}

/* --- regions --- */

static void stale_region_files_do_not_matter(void) {
  for (int way = START_COLD; way <= START_QUICK; way++) {
    const char *data = homes_copy(homes.good); /* its own regions are stale: the node was killed */
    CU_ASSERT(access(crashed_path(data, "__db.001"), F_OK) == 0);
    for (int i = 1; way == START_COLD; i++) {
      char name[16];
      snprintf(name, sizeof name, "__db.%03d", i);
      if (access(crashed_path(data, name), F_OK))
        break;
      crashed_fill(crashed_path(data, name), 0, crashed_size(crashed_path(data, name)), 0xa5);
    }
    homes_start(data, (enum start_way)way);
    CU_ASSERT(homes_expect("regions", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES));
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"a good home starts with everything", a_good_home_starts_with_everything},
      {"a folder without history says so", a_folder_without_history_says_so},
      {"every damage of a log file", every_damage_of_a_log_file},
      {"damage beside the checkpoint is gone after one start", damage_beside_the_checkpoint_is_gone_after_one_start},
      {"a recovery that takes too long is given up", a_recovery_that_takes_too_long_is_given_up},
      {"a mark that is ahead stops the start", a_mark_that_is_ahead_stops_the_start},
      {"a mark of another history or branch stops the start", a_mark_of_another_history_or_branch_stops_the_start},
      {"a damaged mark stops the start", a_damaged_mark_stops_the_start},
      {"a missing mark is made anew if the log is clean", a_missing_mark_is_made_anew_if_the_log_is_clean},
      {"a log cut at any byte of its last records", a_log_cut_at_any_byte_of_its_last_records},
      {"a torn tail is copied aside", a_torn_tail_is_copied_aside},
      {"stale region files do not matter", stale_region_files_do_not_matter}};
  homes_make();
  return harness_run("log", cases, HARNESS_COUNT(cases));
}
