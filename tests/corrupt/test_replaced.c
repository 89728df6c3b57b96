/*
 * Nothing is lost in silence: a log that does not belong to the database (runbook section 2), and losses that are
 * accepted.
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
#include "tests/corrupt/homes.h"

/* --- a log that does not belong to the database (runbook section 2) --- */

/* data/wal becomes data/wal.corrupted.STAMP, and the first `files` log files of the good home take its place. */
static void replace_wal(const char *data, uint32_t files) {
  const char *wal = crashed_path(data, "wal");
  if (rename(wal, crashed_path(data, "wal.corrupted.20260211-103045")))
    abort();
  mkdir(wal, 0750);
  for (uint32_t number = 1; number <= files; number++)
    crashed_copy(crashed_log(homes.good, number), crashed_log(data, number));
}

static void an_older_wal_an_empty_one_and_none_keep_everything(void) {
  static const char *const words[] = {"There is no WAL", "The WAL is older than the database",
                                      "The WAL is older than the database"};
  for (uint32_t files = 0; files <= 2; files++) {
    const char *data = homes_copy(homes.settled);
    replace_wal(data, files);
    if (files == 0)
      rmdir(crashed_path(data, "wal"));
    homes_start(data, START_QUICK);
    CU_ASSERT(homes_expect("older", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                        homes.result.wal_replaced && homes_says(words[files]) &&
                                        homes_says("Replayed 0 entries from WAL")));
    homes_go_on(data);
  }
  const char *data = homes_copy(homes.settled);
  crashed_remove(crashed_path(data, "wal"));
  mkdir(crashed_path(data, "wal"), 0750);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("empty", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                      homes.result.wal_replaced));
  homes_go_on(data);
}

static void a_wal_put_in_from_a_backup_is_noticed_even_if_it_is_as_new(void) {
  const char *data = homes_copy(homes.settled);
  replace_wal(data, 0);
  for (uint32_t number = 1; number <= homes.whole.last_file; number++)
    crashed_copy(crashed_log(homes.settled, number), crashed_log(data, number));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("same", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                     homes.result.wal_replaced && homes_says("The WAL was replaced")));
  homes_go_on(data);
}

static void entries_come_back_from_a_wal_that_was_set_aside(void) {
  const char *data = homes_copy(homes.good);
  replace_wal(data, 2);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("all", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                    homes.result.from_superseded == ENTRIES - CHECKPOINT &&
                                    homes_says("Entries 701 to 1200 were taken from") &&
                                    homes_says("wal.corrupted.20260211-103045")));
  homes_go_on(data);
}

static void what_a_damaged_wal_holds_is_taken_up_to_the_damage(void) {
  const char *data = homes_copy(homes.good);
  replace_wal(data, 2);
  char last[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  wal_file_name(name, homes.whole.last_file);
  snprintf(last, sizeof last, "%s/wal.corrupted.20260211-103045/%s", data, name);
  crashed_fill(last, homes.whole.end.offset / 2, 5000, 0x55);
  for (int again = 0; again < 2; again++) {
    homes_start(data, START_COLD);
    CU_ASSERT(homes_expect("damaged", homes.result.end == END_STOPPED && homes.result.last_seq > CHECKPOINT &&
                                          homes.result.last_seq < ENTRIES &&
                                          homes_says("Acknowledged entries missing: ") && homes_says(" to 1200")));
  }
}

/* Killed in its second life, with a cache so small that pages were written in any order. */
static const char *make_dirty_home(void) {
  struct crash_plan first = {.entries = 300, .per_txn = 5},
                    second = {.entries = ENTRIES, .per_txn = 3, .cache_bytes = 150000};
  const char *dirty = crashed_path(homes.work, "dirty");
  crashed_remove(dirty);
  mkdir(dirty, 0750);
  crashed_create(dirty, &first);
  homes_start(dirty, START_COLD);
  CU_ASSERT(homes_expect("first life", homes.result.end == END_ALL_THERE && homes.result.last_seq == 300));
  crashed_go_on(dirty, 301, &second);
  return dirty;
}

static void a_wal_set_aside_too_early_is_used_again(void) {
  const char *dirty = make_dirty_home(), *data = homes_copy(dirty);
  replace_wal(data, 2);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("again", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES &&
                                      homes.result.wal_replaced && homes.result.from_superseded == 0 &&
                                      homes_says("it is used again")));
  homes_go_on(data);
  /* Without it there is no telling what pages are of one time. */
  data = homes_copy(dirty);
  crashed_remove(crashed_path(data, "wal"));
  for (int again = 0; again < 2; again++) {
    homes_start(data, START_COLD);
    CU_ASSERT(homes_expect("never", homes.result.end == END_STOPPED && homes_says("Failed to recover WAL")));
  }
  /* Damaged behind the newest page it serves up to there, and then supplies what else it holds. */
  struct walscan scan;
  struct err err;
  data = homes_copy(dirty);
  CU_ASSERT_EQUAL_FATAL(walscan_run(crashed_path(data, "wal"), false, NULL, &scan, &err), 0);
  crashed_fill(crashed_log(data, scan.end.file), scan.end.offset - 900, 20, 0x55);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("damaged", homes.result.end == END_STOPPED));
  replace_wal(data, 0);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("up to the damage",
                         homes_says("it is used again") &&
                             ((homes.result.end == END_STOPPED && homes_says("Acknowledged entries missing") &&
                               homes.result.last_seq > ENTRIES - 20) ||
                              (homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES))));
}

/* What lets the second start forget what the first one found out must not be: no name was given yet in a first life. */
static void pages_of_all_times_without_their_log_stop_every_start(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = 1, .checkpoint_at = 200, .cache_bytes = 150000};
  const char *dirty = crashed_path(homes.work, "dirty");
  crashed_remove(dirty);
  mkdir(dirty, 0750);
  crashed_create(dirty, &plan);
  crashed_remove(crashed_path(dirty, "wal"));
  for (int again = 0; again < 3; again++) {
    homes_start(dirty, START_COLD);
    CU_ASSERT(homes_expect("dirty",
                           homes.result.end == END_STOPPED && homes_says("was not closed when its WAL was replaced")));
  }
}

/* A tree that lost a value in its middle, though the last one is there. */
static void a_gap_is_found_when_the_wal_was_replaced(void) {
  unsigned char bytes[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 600 >> 8, 600 & 255};
  const char *data = homes_copy(homes.settled);
  DB *db = NULL;
  DBT key = {.data = bytes, .size = sizeof bytes};
  CU_ASSERT_FATAL(db_create(&db, NULL, 0) == 0 && db->open(db, NULL, homes_history(data), NULL, DB_BTREE, 0, 0) == 0);
  CU_ASSERT_EQUAL(db->del(db, NULL, &key, 0), 0);
  CU_ASSERT_EQUAL(db->close(db, 0), 0);
  crashed_remove(crashed_path(data, "wal"));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("gap", homes.result.end == END_STOPPED &&
                                    homes_says("was not closed when its WAL was replaced") &&
                                    homes_says("entry 599 is missing")));
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
  const char *data = homes_copy(homes.good);
  struct wal_file file;
  struct err err;
  forged = (struct lsn){0, 0};
  for (uint32_t number = homes.whole.checkpoint_from.file; number <= homes.whole.last_file; number++) {
    struct wal_visitor visitor = {(void *)(uintptr_t)crashed_log(data, number), forge, NULL};
    CU_ASSERT_EQUAL(wal_walk_file(crashed_path(data, "wal"), number, &visitor, &file, &err), 0);
  }
  CU_ASSERT(forged.file > 0);
  replace_wal(data, 1);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("forged", homes.result.end == END_STOPPED && homes_says("Entries 701 to 905 were taken") &&
                                       homes_says("Acknowledged entries missing: 906 to 1200")));
}

static void a_wal_of_another_history_supplies_nothing(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  const char *other = crashed_path(homes.work, "other"), *data = homes_copy(homes.good);
  crashed_remove(other);
  mkdir(other, 0750);
  crashed_create(other, &plan);
  crashed_remove(crashed_path(data, "wal"));
  crashed_copy(crashed_path(other, "wal"), crashed_path(data, "wal.superseded.20260101-000000"));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("other", homes.result.end == END_STOPPED && homes.result.last_seq == CHECKPOINT &&
                                      homes_says("is not a log of this history") &&
                                      homes_says("Acknowledged entries missing: 701 to 1200")));
}

/* --- accept-loss --- */

static void accept(const char *data, uint64_t to_seq) {
  struct start_wish wish = {.way = START_ACCEPT_LOSS, .accept_to = to_seq};
  start_run(data, &wish, &homes.result);
}

static void a_loss_is_accepted_only_as_it_is(void) {
  const char *data = homes_copy(homes.good);
  crashed_remove(crashed_path(data, "wal"));
  accept(data, ENTRIES);
  CU_ASSERT(homes_expect("wrong", homes.result.end == END_REFUSED &&
                                      homes_says("Entries 1 to 700 are there, not 1 to 1200: say --to-seq 700")));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("still", homes.result.end == END_STOPPED));
  accept(data, CHECKPOINT);
  CU_ASSERT(homes_expect("right", homes.result.end == END_ALL_THERE &&
                                      homes_says("acknowledged entries 701 to 1200 are gone") && homes_says(".2-")));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("then", homes.result.end == END_ALL_THERE && homes.result.last_seq == CHECKPOINT));
  homes_go_on(data);
  accept(data, CHECKPOINT);
  CU_ASSERT(homes_expect("nothing", homes.result.end == END_REFUSED && homes_says("Nothing is lost")));
}

/* What an abandoned branch holds must not come back: a loss was accepted, and life went on. */
static void an_abandoned_branch_supplies_nothing(void) {
  const char *data = homes_copy(homes.good);
  replace_wal(data, 0);
  rename(crashed_path(data, "wal.corrupted.20260211-103045"), crashed_path(data, "kept"));
  accept(data, CHECKPOINT);
  CU_ASSERT(homes_expect("accepted", homes.result.end == END_ALL_THERE));
  rename(crashed_path(data, "kept"), crashed_path(data, "wal.corrupted.20260211-103045"));
  homes_set_mark(data, CHECKPOINT + 10, 0, 0);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("abandoned", homes.result.end == END_STOPPED &&
                                          homes_says("Acknowledged entries missing: 701 to 710") &&
                                          !homes_says("were taken")));
}

static void a_damaged_log_is_cut_when_its_loss_is_accepted(void) {
  const char *data = homes_copy(homes.good);
  crashed_fill(crashed_log(data, homes.whole.last_file), homes.whole.end.offset / 2, 5000, 0x55);
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("damaged", homes.result.end == END_STOPPED));
  accept(data, 1);
  CU_ASSERT(homes_expect("told", homes.result.end == END_REFUSED && homes_says("Entries 1 to ") &&
                                     homes_says("The WAL was cut")));
  unsigned long long there = 0;
  const char *at = strstr(homes.result.log, "--to-seq ");
  CU_ASSERT_FATAL(at && sscanf(at, "--to-seq %llu", &there) == 1 && there > CHECKPOINT && there < ENTRIES);
  homes_start(data, START_COLD);
  CU_ASSERT(
      homes_expect("not in silence", homes.result.end == END_STOPPED && homes_says("Acknowledged entries missing")));
  accept(data, there);
  CU_ASSERT(homes_expect("accepted", homes.result.end == END_ALL_THERE));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("then", homes.result.end == END_ALL_THERE && homes.result.last_seq == there));
  homes_go_on(data);
}

int main(void) {
  static const struct test_case cases[] = {
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
      {"a damaged log is cut when its loss is accepted", a_damaged_log_is_cut_when_its_loss_is_accepted}};
  homes_make();
  return harness_run("replaced", cases, HARNESS_COUNT(cases));
}
