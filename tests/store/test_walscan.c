#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/walscan.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 2000, CHECKPOINT = 1000, PER_TXN = 2 };

static const char *home; /* a data folder as it was left; never changed */
static struct walscan whole;

static struct walscan scan_of(const char *data_dir, bool from_checkpoint) {
  struct walscan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(walscan_run(crashed_path(data_dir, "wal"), from_checkpoint, NULL, &scan, &err), 0);
  return scan;
}

/* A copy of the log alone, to be mutilated. */
static const char *copy_log(void) {
  static const char *copy;
  if (!copy)
    copy = harness_folder();
  crashed_remove(crashed_path(copy, "wal"));
  crashed_copy(crashed_path(home, "wal"), crashed_path(copy, "wal"));
  return copy;
}

static void make_home(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  home = harness_folder();
  crashed_create(home, &plan);
  struct err err;
  if (walscan_run(crashed_path(home, "wal"), false, NULL, &whole, &err))
    abort();
}

static void a_sound_log_tells_its_end_and_what_will_be_replayed(void) {
  CU_ASSERT_EQUAL(whole.fatal.fault, WAL_SOUND);
  CU_ASSERT_EQUAL(whole.old.fault, WAL_SOUND);
  CU_ASSERT_FALSE(whole.torn);
  CU_ASSERT_EQUAL(whole.first_file, 1);
  CU_ASSERT(whole.last_file >= 6);
  CU_ASSERT_EQUAL(whole.file_count, whole.last_file);
  CU_ASSERT_EQUAL(whole.end.file, whole.last_file);
  CU_ASSERT(whole.has_checkpoint);
  CU_ASSERT(whole.checkpoint_from.file > 1);
  CU_ASSERT(whole.checkpoint_from.file + 2 < whole.last_file);
  CU_ASSERT_EQUAL(whole.commits, (ENTRIES - CHECKPOINT) / PER_TXN);
  CU_ASSERT_FALSE(whole.page_alarm);
}

static void a_scan_from_the_checkpoint_finds_the_same(void) {
  struct walscan quick = scan_of(home, true);
  CU_ASSERT_EQUAL(quick.commits, whole.commits);
  CU_ASSERT_EQUAL(lsn_compare(quick.end, whole.end), 0);
  CU_ASSERT_EQUAL(lsn_compare(quick.checkpoint, whole.checkpoint), 0);
  CU_ASSERT_EQUAL(quick.first_file, 1);
  CU_ASSERT(quick.bytes < whole.bytes);
}

static void no_folder_and_no_file_are_no_log(void) {
  const char *dir = harness_folder();
  struct walscan scan = scan_of(dir, false);
  CU_ASSERT_EQUAL(scan.file_count, 0);
  CU_ASSERT_EQUAL(scan.end.file, 0);
  mkdir(crashed_path(dir, "wal"), 0750);
  scan = scan_of(dir, true);
  CU_ASSERT_EQUAL(scan.file_count, 0);
}

static int note_lsn(void *ctx, const struct wal_record *record, struct err *err) {
  (void)err;
  struct lsn **next = ctx;
  *(*next)++ = record->lsn;
  return 0;
}

/* Where the records of a file begin; *count of them. */
static struct lsn *list_records(const char *data_dir, uint32_t number, size_t *count) {
  struct lsn *list = calloc(CRASHED_LOG_BYTES / LOG_RECORD_LEAST, sizeof *list);
  struct lsn *next = list;
  struct wal_visitor visitor = {&next, note_lsn, NULL};
  struct wal_file file;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(wal_walk_file(crashed_path(data_dir, "wal"), number, &visitor, &file, &err), 0);
  *count = (size_t)(next - list);
  return list;
}

static uint32_t begin_of(const struct lsn *records, size_t count, uint32_t offset) {
  uint32_t begin = 0;
  for (size_t i = 0; i < count && records[i].offset <= offset; i++)
    begin = records[i].offset;
  return begin;
}

/* Flips bits all over a file: each one is found, and named by the record that it lies in. */
static void flip_all_over(uint32_t number, bool matters) {
  const char *copy = copy_log(), *path = crashed_log(copy, number);
  size_t count;
  struct lsn *records = list_records(copy, number, &count);
  uint32_t end = number == whole.last_file ? records[count - 1].offset : records[count - 1].offset + LOG_RECORD_LEAST;
  for (uint32_t at = LOG_FILE_HEADER; at < end; at += 1999) {
    crashed_flip(path, at);
    struct walscan scan = scan_of(copy, false);
    struct wal_damage *damage = matters ? &scan.fatal : &scan.old;
    CU_ASSERT_EQUAL(damage->fault, WAL_BAD_CHECKSUM);
    CU_ASSERT_EQUAL(damage->at.file, number);
    CU_ASSERT_EQUAL(damage->at.offset, begin_of(records, count, at));
    CU_ASSERT_EQUAL((matters ? &scan.old : &scan.fatal)->fault, WAL_SOUND);
    crashed_flip(path, at);
  }
  free(records);
}

static void a_flipped_bit_is_found_in_whatever_file(void) {
  flip_all_over(whole.last_file, true);
  flip_all_over(whole.last_file - 1, true);
  flip_all_over(1, false);
}

static void a_zeroed_block_is_no_end(void) {
  for (uint32_t number = whole.last_file - 1; number <= whole.last_file; number++) {
    const char *copy = copy_log();
    crashed_fill(crashed_log(copy, number), 4096, 4096, 0);
    struct walscan scan = scan_of(copy, false);
    CU_ASSERT_EQUAL(scan.fatal.fault, WAL_BAD_CHECKSUM);
    CU_ASSERT_EQUAL(scan.fatal.at.file, number);
    CU_ASSERT(scan.fatal.at.offset <= 4096);
    CU_ASSERT_FALSE(scan.torn);
  }
}

static void damage_is_told_apart_by_kind(void) {
  static const struct {
    const char *what;
    uint64_t at, len;
    int byte;
    enum wal_fault fault;
    uint32_t offset;
  } cases[] = {{"magic", 12, 4, 0x55, WAL_BAD_MAGIC, 12},
               {"version", 16, 1, 18, WAL_BAD_CHECKSUM, 0},
               {"header's checksum", 8, 4, 0x55, WAL_BAD_CHECKSUM, 0},
               {"file size in the header", 20, 4, 0x55, WAL_BAD_CHECKSUM, 0},
               {"whole header", 0, 28, 0, WAL_BAD_MAGIC, 12}};
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
    for (uint32_t number = whole.last_file - 1; number <= whole.last_file; number++) {
      const char *copy = copy_log();
      crashed_fill(crashed_log(copy, number), cases[i].at, cases[i].len, cases[i].byte);
      struct walscan scan = scan_of(copy, false);
      CU_ASSERT_EQUAL(scan.fatal.fault, cases[i].fault);
      CU_ASSERT_EQUAL(scan.fatal.at.file, number);
      CU_ASSERT_EQUAL(scan.fatal.at.offset, cases[i].offset);
      CU_ASSERT_FALSE(scan.torn);
    }
}

static void a_file_that_is_gone_or_short_is_damage(void) {
  const char *copy = copy_log();
  unlink(crashed_log(copy, whole.last_file - 1));
  struct walscan scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_MISSING);
  CU_ASSERT_EQUAL(scan.fatal.at.file, whole.last_file - 1);

  copy = copy_log();
  unlink(crashed_log(copy, 1));
  scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_SOUND); /* old files may be removed */
  CU_ASSERT_EQUAL(scan.old.fault, WAL_SOUND);
  CU_ASSERT_EQUAL(scan.first_file, 2);

  copy = copy_log();
  for (uint32_t number = 1; number <= whole.checkpoint_from.file; number++)
    unlink(crashed_log(copy, number));
  scan = scan_of(copy, false);
  if (whole.checkpoint.file > whole.checkpoint_from.file) {
    CU_ASSERT_EQUAL(scan.fatal.fault, WAL_MISSING);
  } else {
    CU_ASSERT_FALSE(scan.has_checkpoint);
  }

  copy = copy_log();
  crashed_truncate(crashed_log(copy, whole.last_file - 1), 0);
  scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_BAD_MAGIC);
  CU_ASSERT_EQUAL(scan.fatal.at.file, whole.last_file - 1);

  copy = copy_log();
  crashed_truncate(crashed_log(copy, whole.last_file - 1), 100000);
  scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_BAD_CHECKSUM);
  CU_ASSERT_EQUAL(scan.fatal.at.file, whole.last_file - 1);
  CU_ASSERT(scan.fatal.at.offset <= 100000);
}

static void a_file_that_lost_its_last_records_is_damage(void) {
  const char *copy = copy_log();
  size_t count;
  struct lsn *records = list_records(copy, whole.last_file - 1, &count);
  uint32_t at = records[count - 3].offset;
  crashed_fill(crashed_log(copy, whole.last_file - 1), at, CRASHED_LOG_BYTES - at, 0);
  struct walscan scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_BAD_CHECKSUM);
  CU_ASSERT_EQUAL(scan.fatal.at.file, whole.last_file - 1);
  CU_ASSERT_EQUAL(scan.fatal.at.offset, at);
  free(records);
}

static void an_empty_last_file_is_legal(void) {
  const char *copy = copy_log();
  crashed_truncate(crashed_log(copy, whole.last_file), 0);
  struct walscan scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_SOUND);
  CU_ASSERT_FALSE(scan.torn);
  CU_ASSERT_EQUAL(scan.end.file, whole.last_file - 1);
}

/* A header of another version whose checksum is right. */
static void a_log_of_another_version_is_never_cut(void) {
  const char *copy = copy_log(), *path = crashed_log(copy, whole.last_file);
  unsigned char header[LOG_FILE_HEADER];
  uint32_t version = LOG_VERSION + 1;
  FILE *f = fopen(path, "r+");
  CU_ASSERT_PTR_NOT_NULL_FATAL(f);
  CU_ASSERT_EQUAL(fread(header, sizeof header, 1, f), 1);
  memcpy(header + LOG_VERSION_AT, &version, sizeof version);
  uint32_t sum = bdb_sum(0, header + LOG_RECORD_HEADER, LOG_FILE_HEADER - LOG_RECORD_HEADER) ^ bdb_u32(header) ^
                 bdb_u32(header + 4);
  memcpy(header + 8, &sum, sizeof sum);
  rewind(f);
  CU_ASSERT_EQUAL(fwrite(header, sizeof header, 1, f), 1);
  fclose(f);
  struct walscan scan = scan_of(copy, false);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_BAD_VERSION);
  CU_ASSERT_EQUAL(scan.fatal.at.file, whole.last_file);
  CU_ASSERT_FALSE(scan.torn);
}

enum { TAIL_RECORDS = 5, TAIL_ROOM = 32768 };

/* Cuts the file `path` at `at` in one of three ways. */
static void cut(const char *path, uint32_t at, int way, unsigned *seed) {
  if (way == 0)
    crashed_truncate(path, at);
  else if (way == 1)
    crashed_fill(path, at, whole.end.offset - at, 0);
  else
    for (uint32_t i = at; i < whole.end.offset + 100; i += 7)
      crashed_fill(path, i, 7, 1 + rand_r(seed) % 255);
}

/* Cuts the last records at every byte, in three ways: never damage, and torn if something is left of a record. */
static void a_cut_tail_is_torn_and_never_damage(void) {
  const char *copy = copy_log(), *path = crashed_log(copy, whole.last_file), *wal = crashed_path(copy, "wal");
  unsigned char tail[TAIL_ROOM];
  size_t count;
  unsigned seed = 1;
  struct lsn *records = list_records(copy, whole.last_file, &count);
  uint32_t from = records[count - TAIL_RECORDS].offset;
  int fd = open(path, O_RDWR);
  CU_ASSERT_FATAL(fd >= 0 && pread(fd, tail, sizeof tail, from) == sizeof tail);
  CU_ASSERT_FATAL(whole.end.offset - from < TAIL_ROOM - 1000);
  for (uint32_t at = from; at < whole.end.offset; at++)
    for (int way = 0; way < 3; way++) {
      struct wal_visitor none = {0};
      struct wal_file file;
      struct err err;
      uint32_t begin = begin_of(records, count, at), next = at;
      while (next < whole.end.offset && begin_of(records, count, next) == begin)
        next++;
      bool unchanged = way == 1 && bdb_is_zero(tail + (at - from), next - at);
      CU_ASSERT_FATAL(pwrite(fd, tail, sizeof tail, from) == sizeof tail);
      cut(path, at, way, &seed);
      CU_ASSERT_EQUAL_FATAL(wal_walk_file(wal, whole.last_file, &none, &file, &err), 0);
      CU_ASSERT_EQUAL(file.end, unchanged ? next : begin);
      CU_ASSERT(file.torn || way != 2);
      CU_ASSERT(file.torn || unchanged || at <= begin + 8); /* from there on something of its length is left */
      CU_ASSERT(!file.torn || way == 2 || at > begin);
    }
  close(fd);
  free(records);
}

static void a_torn_tail_is_told_by_the_scan(void) {
  const char *copy = copy_log();
  crashed_truncate(crashed_log(copy, whole.last_file), whole.end.offset - 20);
  struct walscan scan = scan_of(copy, true);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_SOUND);
  CU_ASSERT(scan.torn);
  CU_ASSERT_EQUAL(scan.torn_file, whole.last_file);
  CU_ASSERT_FALSE(scan.torn_header);
  CU_ASSERT(lsn_compare(scan.end, whole.end) < 0);
}

static void a_header_that_was_not_finished_is_torn(void) {
  for (uint32_t size = 1; size < LOG_FILE_HEADER; size++) {
    const char *copy = copy_log();
    crashed_truncate(crashed_log(copy, whole.last_file), size);
    struct walscan scan = scan_of(copy, false);
    CU_ASSERT_EQUAL(scan.fatal.fault, WAL_SOUND);
    CU_ASSERT(size <= 4 || scan.torn);
    CU_ASSERT_EQUAL(scan.torn, scan.torn_header);
    CU_ASSERT_EQUAL(scan.end.file, whole.last_file - 1);
  }
}

static void damage_is_described_in_the_runbooks_words(void) {
  static const struct {
    struct wal_damage damage;
    const char *text;
  } cases[] = {
      {{WAL_BAD_CHECKSUM, {7, 4711}}, "Checksum mismatch in WAL segment data/wal/log.0000000007 at offset 4711"},
      {{WAL_BAD_MAGIC, {2, 12}},
       "WAL magic byte validation failed: data/wal/log.0000000002 at offset 12: it does not begin as a log file"},
      {{WAL_MISSING, {12, 0}},
       "Checksum mismatch in WAL segment data/wal/log.0000000012 at offset 0: the file is "
       "missing, later ones are there"}};
  char text[WALSCAN_TEXT_SIZE];
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    walscan_describe(&cases[i].damage, "data/wal", text);
    CU_ASSERT_STRING_EQUAL(text, cases[i].text);
  }
}

static void a_record_is_found_by_its_place(void) {
  size_t count;
  struct lsn *records = list_records(home, 3, &count);
  const char *wal = crashed_path(home, "wal");
  struct err err;
  bool found = false;
  CU_ASSERT_EQUAL(wal_walk_probe(wal, records[count / 2], &found, &err), 0);
  CU_ASSERT(found);
  CU_ASSERT_EQUAL(wal_walk_probe(wal, (struct lsn){3, records[count / 2].offset + 4}, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(wal_walk_probe(wal, (struct lsn){999, 28}, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  free(records);
}

/* 100 MB, by scanning the files that are there often enough: only the processor's time is measured. */
static void a_hundred_megabytes_are_scanned_in_a_moment(void) {
  uint64_t bytes = 0, before = clock_monotonic();
  while (bytes < 100000000)
    bytes += scan_of(home, false).bytes;
  printf("# %.0f MB scanned in %.3f s\n", (double)bytes / 1e6, (double)(clock_monotonic() - before) / 1e6);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a sound log tells its end and what will be replayed", a_sound_log_tells_its_end_and_what_will_be_replayed},
      {"a scan from the checkpoint finds the same", a_scan_from_the_checkpoint_finds_the_same},
      {"no folder and no file are no log", no_folder_and_no_file_are_no_log},
      {"a flipped bit is found in whatever file", a_flipped_bit_is_found_in_whatever_file},
      {"a zeroed block is no end", a_zeroed_block_is_no_end},
      {"damage is told apart by kind", damage_is_told_apart_by_kind},
      {"a file that is gone or short is damage", a_file_that_is_gone_or_short_is_damage},
      {"a file that lost its last records is damage", a_file_that_lost_its_last_records_is_damage},
      {"an empty last file is legal", an_empty_last_file_is_legal},
      {"a log of another version is never cut", a_log_of_another_version_is_never_cut},
      {"a torn tail is told by the scan", a_torn_tail_is_told_by_the_scan},
      {"a cut tail is torn and never damage", a_cut_tail_is_torn_and_never_damage},
      {"a header that was not finished is torn", a_header_that_was_not_finished_is_torn},
      {"damage is described in the runbook's words", damage_is_described_in_the_runbooks_words},
      {"a record is found by its place", a_record_is_found_by_its_place},
      {"a hundred megabytes are scanned in a moment", a_hundred_megabytes_are_scanned_in_a_moment}};
  make_home();
  return harness_run("walscan", cases, HARNESS_COUNT(cases));
}
