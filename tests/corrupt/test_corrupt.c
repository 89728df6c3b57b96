/*
 * Nothing is lost in silence: a table of mutilations of one good data folder. Each start ends with everything there, or
 * stops with file and place in plain words.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/internal.h"
#include "store/mark.h"
#include "store/pagescan.h"
#include "store/walscan.h"
#include "tests/corrupt/start.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 1200, CHECKPOINT = 700, PER_TXN = 2 };

static const char *good;    /* the folder as the killed node left it */
static const char *settled; /* the same after a clean start and stop */
static const char *work;    /* where copies are mutilated */
static struct walscan whole;
static struct start_result result;

static const char *history_of(const char *data_dir) {
  return crashed_path(crashed_path(data_dir, "db"), STORE_HISTORY_FILE);
}

static const char *copy_of(const char *from) {
  const char *data = crashed_path(work, "data");
  crashed_remove(data);
  crashed_copy(from, data);
  return data;
}

static void start(const char *data_dir, enum start_way way) {
  struct start_wish wish = {.way = way};
  start_run(data_dir, &wish, &result);
}

static void make_homes(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  struct err err;
  good = crashed_path(harness_folder(), "data");
  settled = crashed_path(harness_folder(), "data");
  work = harness_folder();
  mkdir(good, 0750);
  crashed_create(good, &plan);
  crashed_copy(good, settled);
  start(settled, START_COLD);
  if (result.end != END_ALL_THERE || walscan_run(crashed_path(good, "wal"), false, NULL, &whole, &err)) {
    fprintf(stderr, "%s", result.log);
    abort();
  }
}

/* Prints what was found if it is not what was expected. */
static bool expect(const char *what, bool met) {
  if (!met)
    printf("# %s: end %d, last_seq %llu\n# %s\n", what, result.end, (unsigned long long)result.last_seq, result.log);
  return met;
}

static bool says(const char *words) {
  return words == NULL || strstr(result.log, words) != NULL;
}

enum file { FILE_LAST, FILE_MIDDLE, FILE_OLD };

static uint32_t number_of(enum file file) {
  return file == FILE_LAST ? whole.last_file : file == FILE_MIDDLE ? whole.last_file - 1 : 2;
}

enum damage { FLIP, ZERO_BLOCK, TRUNCATE, EMPTY, DELETE, MAGIC, HEADER_SUM, ZERO_HEADER };

static void damage_file(const char *path, enum damage damage) {
  uint64_t middle = whole.end.offset / 2; /* inside of the records of the last file too */
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
    const char *data = copy_of(good);
    uint32_t number = number_of(log_cases[i].file);
    bool stops = log_cases[i].words[0] != NULL;
    wal_file_name(name, number);
    damage_file(crashed_log(data, number), log_cases[i].damage);
    for (int again = 0; again < 2; again++) { /* the second start must not think better of it */
      start(data, again && !stops ? START_QUICK : START_COLD);
      bool met = result.end == (stops ? END_STOPPED : END_ALL_THERE) && (stops || result.last_seq == ENTRIES) &&
                 says(log_cases[i].words[0]) && (again || says(log_cases[i].words[1])) &&
                 (says(name) || says("Acknowledged") || again) &&
                 (!stops || says("Failed to recover WAL: follow \302\247"));
      CU_ASSERT(expect(log_cases[i].name, met));
    }
  }
}

/* Life goes on with the new log: writes, a crash, a restart. */
static void go_on(const char *data) {
  struct start_wish more = {.way = START_QUICK, .append = 120};
  uint64_t last = result.last_seq;
  start_run(data, &more, &result);
  CU_ASSERT(expect("appending", result.end == END_ALL_THERE && result.last_seq == last));
  start(data, START_COLD);
  CU_ASSERT(expect("after it", result.end == END_ALL_THERE && result.last_seq == last + 120 && !result.wal_replaced));
}

/* In the file of the last checkpoint, before it: recovery needs the file, but not that. */
static void damage_beside_the_checkpoint_is_gone_after_one_start(void) {
  struct walscan after;
  struct err err;
  const char *data = copy_of(good);
  CU_ASSERT_FATAL(whole.checkpoint_from.offset > 2000);
  crashed_flip(crashed_log(data, whole.checkpoint_from.file), 1000);
  start(data, START_COLD);
  CU_ASSERT(expect("first", result.end == END_ALL_THERE && result.last_seq == ENTRIES &&
                                says("make a full backup now") && says("A new WAL begins")));
  CU_ASSERT_EQUAL(walscan_run(crashed_path(data, "wal"), false, NULL, &after, &err), 0);
  CU_ASSERT(after.old.fault == WAL_SOUND && after.fatal.fault == WAL_SOUND && after.first_file > whole.last_file);
  start(data, START_QUICK);
  CU_ASSERT(expect("second", result.end == END_ALL_THERE && result.last_seq == ENTRIES && !says("full backup")));
  go_on(data);
}

static void a_good_home_starts_with_everything(void) {
  for (int way = START_COLD; way <= START_QUICK; way++) {
    start(copy_of(good), (enum start_way)way);
    CU_ASSERT(expect("good", result.end == END_ALL_THERE && result.last_seq == ENTRIES));
    CU_ASSERT_EQUAL(result.replayed, (ENTRIES - CHECKPOINT) / PER_TXN);
    CU_ASSERT(says("Starting WAL recovery..."));
    CU_ASSERT(says("Replayed 250 entries from WAL"));
    CU_ASSERT_FALSE(result.wal_replaced);
    CU_ASSERT_FALSE(result.tail_cut);
    CU_ASSERT_EQUAL(result.from_superseded, 0);
  }
  start(crashed_path(work, "data"), START_COLD);
  CU_ASSERT(result.end == END_ALL_THERE && says("Replayed 0 entries from WAL"));
  CU_ASSERT_FALSE(result.wal_replaced);
}

static void a_folder_without_history_says_so(void) {
  const char *data = copy_of(good);
  unlink(history_of(data));
  start(data, START_COLD);
  CU_ASSERT(expect("no assertions.kv", result.end == END_NO_HISTORY && says("No history in ")));
  crashed_remove(data);
  mkdir(data, 0750);
  start(data, START_QUICK);
  CU_ASSERT(expect("empty folder", result.end == END_NO_HISTORY && says("No history in ")));
}

/* --- the mark --- */

static void set_mark(const char *data, uint64_t seq, int history_change, int branch_change) {
  struct mark mark;
  struct err err;
  bool found = false;
  int fd = -1;
  if (mark_read(data, &mark, &found, &err) || !found || mark_open(data, false, &fd, &err))
    abort();
  mark.seq = seq;
  mark.history_id[3] ^= (unsigned char)history_change;
  mark.branch ^= (uint64_t)branch_change;
  if (mark_write(fd, &mark, &err))
    abort();
  close(fd);
}

static void a_mark_that_is_ahead_stops_the_start(void) {
  const char *data = copy_of(good);
  set_mark(data, ENTRIES + 3, 0, 0);
  start(data, START_QUICK);
  CU_ASSERT(expect("mark ahead", result.end == END_STOPPED && says("Acknowledged entries missing: 1201 to 1203") &&
                                     says("Failed to recover WAL")));
}

static void a_mark_of_another_history_or_branch_stops_the_start(void) {
  const char *data = copy_of(good);
  set_mark(data, ENTRIES, 1, 0);
  start(data, START_COLD);
  CU_ASSERT(expect("history", result.end == END_STOPPED && says("acked.mark belongs to another history or branch")));
  data = copy_of(good);
  set_mark(data, ENTRIES, 0, 1);
  start(data, START_QUICK);
  CU_ASSERT(expect("branch", result.end == END_STOPPED && says("acked.mark belongs to another history or branch")));
}

static void a_damaged_mark_stops_the_start(void) {
  const char *data = copy_of(good);
  crashed_flip(crashed_path(crashed_path(data, "db"), STORE_MARK_FILE), 40);
  start(data, START_COLD);
  CU_ASSERT(expect("damaged", result.end == END_STOPPED && says("acked.mark") && says("at offset 0")));
}

static void a_missing_mark_is_made_anew_if_the_log_is_clean(void) {
  const char *data = copy_of(good);
  const char *path = crashed_path(crashed_path(data, "db"), STORE_MARK_FILE);
  struct mark mark;
  struct err err;
  bool found = false;
  unlink(path);
  start(data, START_COLD);
  CU_ASSERT(
      expect("clean", result.end == END_ALL_THERE && result.last_seq == ENTRIES && says("acked.mark is missing")));
  CU_ASSERT(mark_read(data, &mark, &found, &err) == 0 && found && mark.seq == ENTRIES);
  data = copy_of(good);
  unlink(path);
  crashed_truncate(crashed_log(data, whole.last_file), whole.end.offset - 20);
  for (int again = 0; again < 2; again++) { /* the evidence stays */
    start(data, START_COLD);
    CU_ASSERT(expect("torn", result.end == END_STOPPED && says("acked.mark is missing")));
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
    const char *data = copy_of(small);
    if (!acked)
      set_mark(data, SMALL - 2, 0, 0);
    crashed_truncate(crashed_log(data, 1), at);
    start(data, at % 2 ? START_COLD : START_QUICK);
    if (acked) {
      loud += expect("acked", result.end == END_STOPPED && says("Acknowledged entries missing: 59 to 60"));
    } else {
      silent += expect("not acked", result.end == END_ALL_THERE && result.last_seq == SMALL - 2);
    }
  }
  CU_ASSERT_EQUAL(silent + loud, file.end - offsets[1]);
  CU_ASSERT(loud > 10 && silent > 30);
}

static void a_recovery_that_takes_too_long_is_given_up(void) {
  struct start_wish wish = {.way = START_COLD, .faults = "store.startup.recovered=sleep:20000", .timeout_s = 1};
  const char *data = copy_of(good);
#ifdef STEMEDB_FAULTS_ENABLED
  start_run(data, &wish, &result);
  CU_ASSERT(expect("slow", result.end == END_REFUSED &&
                               says("recovery took longer than 1 s (recovery_timeout_s) and was given up")));
#endif
  wish.faults = NULL;
  start_run(data, &wish, &result);
  CU_ASSERT(expect("then", result.end == END_ALL_THERE && result.last_seq == ENTRIES));
}

static void a_torn_tail_is_copied_aside(void) {
  const char *data = copy_of(good);
  set_mark(data, ENTRIES - 2, 0, 0);
  crashed_truncate(crashed_log(data, whole.last_file), whole.end.offset - 20);
  start(data, START_QUICK);
  CU_ASSERT(expect("torn", result.end == END_ALL_THERE && result.tail_cut && says("was not written to its end") &&
                               says("wal.torn.")));
  start(data, START_QUICK);
  CU_ASSERT(expect("again", result.end == END_ALL_THERE && !result.tail_cut));
}

/* --- pages --- */

static int note_types(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  (void)size, (void)err;
  ((uint32_t *)ctx)[page[PAGE_TYPE_AT]] = number;
  return 0;
}

static void a_bad_page_of_whatever_kind_stops_the_start(void) {
  static const struct {
    const char *name;
    int type;
  } kinds[] = {{"meta", META_BTREE}, {"leaf", PAGE_LEAF}, {"overflow", PAGE_OVERFLOW}, {"internal", PAGE_INTERNAL}};
  uint32_t last_of[256] = {0};
  struct page_visitor visitor = {.ctx = last_of, .page = note_types};
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(pagescan_run(history_of(settled), &visitor, &scan, &err), 0);
  for (size_t i = 0; i < HARNESS_COUNT(kinds); i++)
    for (int way = START_COLD; way <= START_QUICK; way++) {
      char words[64];
      const char *data = copy_of(way == START_COLD ? settled : good);
      uint32_t page = last_of[kinds[i].type];
      snprintf(words, sizeof words, "assertions.kv at page %u (offset ", (unsigned)page);
      if ((page + 1) * (uint64_t)STORE_PAGE_SIZE > crashed_size(history_of(data)))
        continue; /* not yet written at the crash */
      crashed_flip(history_of(data), page * (uint64_t)STORE_PAGE_SIZE + 200);
      start(data, (enum start_way)way);
      if (way == START_COLD || kinds[i].type == META_BTREE) {
        CU_ASSERT(expect(kinds[i].name,
                         result.end == END_STOPPED && says(words) && says("Failed to recover WAL: follow \302\2471")));
      } else { /* a quick start does not look at pages that recovery does not need */
        CU_ASSERT(expect(kinds[i].name, (result.end == END_STOPPED && says(words)) || result.end == END_WRONG));
      }
    }
}

/* A restart under a living supervisor does not read all pages: a reader meets the bad one and panics the environment,
 * the node restarts. Berkeley DB left a note in the log: the second time it stops. */
static void a_bad_page_cannot_make_a_restart_loop(void) {
  const char *data = copy_of(settled);
  uint64_t at = 20 * (uint64_t)STORE_PAGE_SIZE + 1000;
  crashed_flip(history_of(data), at);
  start(data, START_QUICK);
  CU_ASSERT(expect("first", result.end == END_WRONG));
  for (int again = 0; again < 2; again++) {
    start(data, START_QUICK);
    CU_ASSERT(expect("second", result.end == END_STOPPED && says("assertions.kv at page 20 (offset 81920)")));
  }
  /* The page is well again, it was the cable: nothing was lost. */
  crashed_flip(history_of(data), at);
  start(data, START_QUICK);
  CU_ASSERT(expect("well", result.end == END_ALL_THERE && result.last_seq == ENTRIES));
  start(data, START_QUICK);
  CU_ASSERT(expect("and stays so", result.end == END_ALL_THERE && result.last_seq == ENTRIES));
}

static void pages_that_are_gone_stop_the_start(void) {
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(pagescan_run(history_of(settled), NULL, &scan, &err), 0);
  for (int way = 0; way < 4; way++) {
    const char *data = copy_of(settled), *path = history_of(data);
    if (way == 0)
      crashed_fill(path, 5 * STORE_PAGE_SIZE, STORE_PAGE_SIZE, 0);
    else
      crashed_truncate(path, way == 1 ? scan.bytes - 100 : way == 2 ? scan.bytes / 2 : 0);
    start(data, START_COLD);
    CU_ASSERT(expect("gone", result.end == END_STOPPED && says("assertions.kv") &&
                                 says(way == 3 ? "page 0 (offset" : " (offset ")));
    data = copy_of(good);
    if (way == 0)
      crashed_fill(path, 5 * STORE_PAGE_SIZE, STORE_PAGE_SIZE, 0);
    else
      crashed_truncate(path, way == 1 ? crashed_size(path) - 100 : way == 2 ? crashed_size(path) / 2 : 0);
    start(data, START_COLD);
    CU_ASSERT(
        expect("gone before recovery", (result.end == END_STOPPED && says("Failed to recover WAL")) ||
                                           (way == 1 && result.end == END_ALL_THERE && result.last_seq == ENTRIES)));
  }
}

/* --- a log that does not belong to the database (runbook section 2) --- */

/* data/wal becomes data/wal.corrupted.STAMP, and the first `files` log files of the good home take its place. */
static void replace_wal(const char *data, uint32_t files) {
  const char *wal = crashed_path(data, "wal");
  if (rename(wal, crashed_path(data, "wal.corrupted.20260211-103045")))
    abort();
  mkdir(wal, 0750);
  for (uint32_t number = 1; number <= files; number++)
    crashed_copy(crashed_log(good, number), crashed_log(data, number));
}

static void an_older_wal_an_empty_one_and_none_keep_everything(void) {
  static const char *const words[] = {"There is no WAL", "The WAL is older than the database",
                                      "The WAL is older than the database"};
  for (uint32_t files = 0; files <= 2; files++) {
    const char *data = copy_of(settled);
    replace_wal(data, files);
    if (files == 0)
      rmdir(crashed_path(data, "wal"));
    start(data, START_QUICK);
    CU_ASSERT(expect("older", result.end == END_ALL_THERE && result.last_seq == ENTRIES && result.wal_replaced &&
                                  says(words[files]) && says("Replayed 0 entries from WAL")));
    go_on(data);
  }
  const char *data = copy_of(settled);
  crashed_remove(crashed_path(data, "wal"));
  mkdir(crashed_path(data, "wal"), 0750);
  start(data, START_COLD);
  CU_ASSERT(expect("empty", result.end == END_ALL_THERE && result.last_seq == ENTRIES && result.wal_replaced));
  go_on(data);
}

static void a_wal_put_in_from_a_backup_is_noticed_even_if_it_is_as_new(void) {
  const char *data = copy_of(settled);
  replace_wal(data, 0);
  for (uint32_t number = 1; number <= whole.last_file; number++)
    crashed_copy(crashed_log(settled, number), crashed_log(data, number));
  start(data, START_COLD);
  CU_ASSERT(expect("same", result.end == END_ALL_THERE && result.last_seq == ENTRIES && result.wal_replaced &&
                               says("The WAL was replaced")));
  go_on(data);
}

static void entries_come_back_from_a_wal_that_was_set_aside(void) {
  const char *data = copy_of(good);
  replace_wal(data, 2);
  start(data, START_COLD);
  CU_ASSERT(expect("all", result.end == END_ALL_THERE && result.last_seq == ENTRIES &&
                              result.from_superseded == ENTRIES - CHECKPOINT &&
                              says("Entries 701 to 1200 were taken from") && says("wal.corrupted.20260211-103045")));
  go_on(data);
}

static void what_a_damaged_wal_holds_is_taken_up_to_the_damage(void) {
  const char *data = copy_of(good);
  replace_wal(data, 2);
  char last[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  wal_file_name(name, whole.last_file);
  snprintf(last, sizeof last, "%s/wal.corrupted.20260211-103045/%s", data, name);
  crashed_fill(last, whole.end.offset / 2, 5000, 0x55);
  for (int again = 0; again < 2; again++) {
    start(data, START_COLD);
    CU_ASSERT(expect("damaged", result.end == END_STOPPED && result.last_seq > CHECKPOINT &&
                                    result.last_seq < ENTRIES && says("Acknowledged entries missing: ") &&
                                    says(" to 1200")));
  }
}

/* Killed in its second life, with a cache so small that pages were written in any order. */
static const char *make_dirty_home(void) {
  struct crash_plan first = {.entries = 300, .per_txn = 5},
                    second = {.entries = ENTRIES, .per_txn = 3, .cache_bytes = 150000};
  const char *dirty = crashed_path(work, "dirty");
  crashed_remove(dirty);
  mkdir(dirty, 0750);
  crashed_create(dirty, &first);
  start(dirty, START_COLD);
  CU_ASSERT(expect("first life", result.end == END_ALL_THERE && result.last_seq == 300));
  crashed_go_on(dirty, 301, &second);
  return dirty;
}

static void a_wal_set_aside_too_early_is_used_again(void) {
  const char *dirty = make_dirty_home(), *data = copy_of(dirty);
  replace_wal(data, 2);
  start(data, START_COLD);
  CU_ASSERT(expect("again", result.end == END_ALL_THERE && result.last_seq == ENTRIES && result.wal_replaced &&
                                result.from_superseded == 0 && says("it is used again")));
  go_on(data);
  /* Without it there is no telling what pages are of one time. */
  data = copy_of(dirty);
  crashed_remove(crashed_path(data, "wal"));
  for (int again = 0; again < 2; again++) {
    start(data, START_COLD);
    CU_ASSERT(expect("never", result.end == END_STOPPED && says("Failed to recover WAL")));
  }
  /* Damaged behind the newest page it serves up to there, and then supplies what else it holds. */
  struct walscan scan;
  struct err err;
  data = copy_of(dirty);
  CU_ASSERT_EQUAL_FATAL(walscan_run(crashed_path(data, "wal"), false, NULL, &scan, &err), 0);
  crashed_fill(crashed_log(data, scan.end.file), scan.end.offset - 900, 20, 0x55);
  start(data, START_COLD);
  CU_ASSERT(expect("damaged", result.end == END_STOPPED));
  replace_wal(data, 0);
  start(data, START_COLD);
  CU_ASSERT(expect("up to the damage",
                   says("it is used again") && ((result.end == END_STOPPED && says("Acknowledged entries missing") &&
                                                 result.last_seq > ENTRIES - 20) ||
                                                (result.end == END_ALL_THERE && result.last_seq == ENTRIES))));
}

/* What lets the second start forget what the first one found out must not be: no name was given yet in a first life. */
static void pages_of_all_times_without_their_log_stop_every_start(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = 1, .checkpoint_at = 200, .cache_bytes = 150000};
  const char *dirty = crashed_path(work, "dirty");
  crashed_remove(dirty);
  mkdir(dirty, 0750);
  crashed_create(dirty, &plan);
  crashed_remove(crashed_path(dirty, "wal"));
  for (int again = 0; again < 3; again++) {
    start(dirty, START_COLD);
    CU_ASSERT(expect("dirty", result.end == END_STOPPED && says("was not closed when its WAL was replaced")));
  }
}

/* A tree that lost a value in its middle, though the last one is there. */
static void a_gap_is_found_when_the_wal_was_replaced(void) {
  unsigned char bytes[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 600 >> 8, 600 & 255};
  const char *data = copy_of(settled);
  DB *db = NULL;
  DBT key = {.data = bytes, .size = sizeof bytes};
  CU_ASSERT_FATAL(db_create(&db, NULL, 0) == 0 && db->open(db, NULL, history_of(data), NULL, DB_BTREE, 0, 0) == 0);
  CU_ASSERT_EQUAL(db->del(db, NULL, &key, 0), 0);
  CU_ASSERT_EQUAL(db->close(db, 0), 0);
  crashed_remove(crashed_path(data, "wal"));
  start(data, START_COLD);
  CU_ASSERT(expect("gap", result.end == END_STOPPED && says("was not closed when its WAL was replaced") &&
                              says("entry 599 is missing")));
}

static struct lsn forged;

/* Alters the id of entry 906 in a log record, and makes both checksums right again. */
static int forge(void *ctx, const struct wal_record *record, struct err *err) {
  enum { AT_LENGTH = 8, AT_SEQ = 12, AT_ID = 28, SOUGHT = 906 };
  const char *path = ctx;
  unsigned char *body = malloc(record->body.len);
  (void)err;
  memcpy(body, record->body.data, record->body.len);
  for (size_t i = 0; body && record->type == LOG_DB_ADDREM && i + ENTRY_OVERHEAD < record->body.len; i++) {
    unsigned char *entry = body + i;
    if (memcmp(entry, "STMe", 4) != 0 || get_u64(entry + AT_SEQ) != SOUGHT)
      continue;
    uint32_t len = get_u32(entry + AT_LENGTH), whole_len = (uint32_t)record->body.len + LOG_RECORD_HEADER, header[3];
    entry[AT_ID] ^= 1;
    put_u32(entry + len - 4, crc32c(0, entry, len - 4));
    int fd = open(path, O_RDWR);
    CU_ASSERT_FATAL(fd >= 0 && pread(fd, header, sizeof header, record->lsn.offset) == sizeof header);
    header[2] = bdb_sum(0, body, record->body.len) ^ header[0] ^ whole_len;
    CU_ASSERT(pwrite(fd, header, sizeof header, record->lsn.offset) == sizeof header);
    CU_ASSERT(pwrite(fd, body, record->body.len, record->lsn.offset + LOG_RECORD_HEADER) == (ssize_t)record->body.len);
    close(fd);
    forged = record->lsn;
    break;
  }
  free(body);
  return 0;
}

static void an_entry_whose_id_is_wrong_is_not_taken(void) {
  const char *data = copy_of(good);
  struct wal_file file;
  struct err err;
  forged = (struct lsn){0, 0};
  for (uint32_t number = whole.checkpoint_from.file; number <= whole.last_file; number++) {
    struct wal_visitor visitor = {(void *)(uintptr_t)crashed_log(data, number), forge, NULL};
    CU_ASSERT_EQUAL(wal_walk_file(crashed_path(data, "wal"), number, &visitor, &file, &err), 0);
  }
  CU_ASSERT(forged.file > 0);
  replace_wal(data, 1);
  start(data, START_COLD);
  CU_ASSERT(expect("forged", result.end == END_STOPPED && says("Entries 701 to 905 were taken") &&
                                 says("Acknowledged entries missing: 906 to 1200")));
}

static void a_wal_of_another_history_supplies_nothing(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  const char *other = crashed_path(work, "other"), *data = copy_of(good);
  crashed_remove(other);
  mkdir(other, 0750);
  crashed_create(other, &plan);
  crashed_remove(crashed_path(data, "wal"));
  crashed_copy(crashed_path(other, "wal"), crashed_path(data, "wal.superseded.20260101-000000"));
  start(data, START_COLD);
  CU_ASSERT(expect("other", result.end == END_STOPPED && result.last_seq == CHECKPOINT &&
                                says("is not a log of this history") &&
                                says("Acknowledged entries missing: 701 to 1200")));
}

/* --- accept-loss --- */

static void accept(const char *data, uint64_t to_seq) {
  struct start_wish wish = {.way = START_ACCEPT_LOSS, .accept_to = to_seq};
  start_run(data, &wish, &result);
}

static void a_loss_is_accepted_only_as_it_is(void) {
  const char *data = copy_of(good);
  crashed_remove(crashed_path(data, "wal"));
  accept(data, ENTRIES);
  CU_ASSERT(expect("wrong",
                   result.end == END_REFUSED && says("Entries 1 to 700 are there, not 1 to 1200: say --to-seq 700")));
  start(data, START_COLD);
  CU_ASSERT(expect("still", result.end == END_STOPPED));
  accept(data, CHECKPOINT);
  CU_ASSERT(
      expect("right", result.end == END_ALL_THERE && says("acknowledged entries 701 to 1200 are gone") && says(".2-")));
  start(data, START_COLD);
  CU_ASSERT(expect("then", result.end == END_ALL_THERE && result.last_seq == CHECKPOINT));
  go_on(data);
  accept(data, CHECKPOINT);
  CU_ASSERT(expect("nothing", result.end == END_REFUSED && says("Nothing is lost")));
}

/* What an abandoned branch holds must not come back: a loss was accepted, and life went on. */
static void an_abandoned_branch_supplies_nothing(void) {
  const char *data = copy_of(good);
  replace_wal(data, 0);
  rename(crashed_path(data, "wal.corrupted.20260211-103045"), crashed_path(data, "kept"));
  accept(data, CHECKPOINT);
  CU_ASSERT(expect("accepted", result.end == END_ALL_THERE));
  rename(crashed_path(data, "kept"), crashed_path(data, "wal.corrupted.20260211-103045"));
  set_mark(data, CHECKPOINT + 10, 0, 0);
  start(data, START_COLD);
  CU_ASSERT(expect("abandoned", result.end == END_STOPPED && says("Acknowledged entries missing: 701 to 710") &&
                                    !says("were taken")));
}

static void a_damaged_log_is_cut_when_its_loss_is_accepted(void) {
  const char *data = copy_of(good);
  crashed_fill(crashed_log(data, whole.last_file), whole.end.offset / 2, 5000, 0x55);
  start(data, START_COLD);
  CU_ASSERT(expect("damaged", result.end == END_STOPPED));
  accept(data, 1);
  CU_ASSERT(expect("told", result.end == END_REFUSED && says("Entries 1 to ") && says("The WAL was cut")));
  unsigned long long there = 0;
  const char *at = strstr(result.log, "--to-seq ");
  CU_ASSERT_FATAL(at && sscanf(at, "--to-seq %llu", &there) == 1 && there > CHECKPOINT && there < ENTRIES);
  start(data, START_COLD);
  CU_ASSERT(expect("not in silence", result.end == END_STOPPED && says("Acknowledged entries missing")));
  accept(data, there);
  CU_ASSERT(expect("accepted", result.end == END_ALL_THERE));
  start(data, START_COLD);
  CU_ASSERT(expect("then", result.end == END_ALL_THERE && result.last_seq == there));
  go_on(data);
}

/* --- regions --- */

static void stale_region_files_do_not_matter(void) {
  for (int way = START_COLD; way <= START_QUICK; way++) {
    const char *data = copy_of(good); /* its own regions are stale: the node was killed */
    CU_ASSERT(access(crashed_path(data, "__db.001"), F_OK) == 0);
    for (int i = 1; way == START_COLD; i++) {
      char name[16];
      snprintf(name, sizeof name, "__db.%03d", i);
      if (access(crashed_path(data, name), F_OK))
        break;
      crashed_fill(crashed_path(data, name), 0, crashed_size(crashed_path(data, name)), 0xa5);
    }
    start(data, (enum start_way)way);
    CU_ASSERT(expect("regions", result.end == END_ALL_THERE && result.last_seq == ENTRIES));
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
      {"a bad page of whatever kind stops the start", a_bad_page_of_whatever_kind_stops_the_start},
      {"a bad page cannot make a restart loop", a_bad_page_cannot_make_a_restart_loop},
      {"pages that are gone stop the start", pages_that_are_gone_stop_the_start},
      {"an older wal, an empty one and none keep everything", an_older_wal_an_empty_one_and_none_keep_everything},
      {"a wal put in from a backup is noticed even if it is as new",
       a_wal_put_in_from_a_backup_is_noticed_even_if_it_is_as_new},
      {"entries come back from a wal that was set aside", entries_come_back_from_a_wal_that_was_set_aside},
      {"what a damaged wal holds is taken up to the damage", what_a_damaged_wal_holds_is_taken_up_to_the_damage},
      {"a wal set aside too early is used again", a_wal_set_aside_too_early_is_used_again},
      {"pages of all times without their log stop every start", pages_of_all_times_without_their_log_stop_every_start},
      {"a gap is found when the wal was replaced", a_gap_is_found_when_the_wal_was_replaced},
      {"an entry whose id is wrong is not taken", an_entry_whose_id_is_wrong_is_not_taken},
      {"an abandoned branch supplies nothing", an_abandoned_branch_supplies_nothing},
      {"a wal of another history supplies nothing", a_wal_of_another_history_supplies_nothing},
      {"a loss is accepted only as it is", a_loss_is_accepted_only_as_it_is},
      {"a damaged log is cut when its loss is accepted", a_damaged_log_is_cut_when_its_loss_is_accepted},
      {"stale region files do not matter", stale_region_files_do_not_matter}};
  /* Thousands of syncs: memory is enough for what is tested here. */
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  make_homes();
  return harness_run("corrupt", cases, HARNESS_COUNT(cases));
}
