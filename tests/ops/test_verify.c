/* What is whole is said to be, whatever state it was left in; what is not is found: bytes flipped in every file, files
 * removed, cut and exchanged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/manifest.h"
#include "ops/tree.h"
#include "tests/harness/harness.h"
#include "tests/ops/copies.h"

enum { ENTRIES = 460, CHECKPOINT = 250, PER_TXN = 3, FLIPS = 100 };

static const char *killed;  /* a data folder as a killed node left it */
static const char *settled; /* the same, started and stopped */
static const char *work;
static unsigned char root[DIGEST_SIZE];
static struct found found;

static const char *file_of(const char *data, const char *folder, const char *name) {
  return crashed_path(crashed_path(data, folder), name);
}

static const char *copy_of(const char *from) {
  const char *data = crashed_path(work, "data");
  crashed_remove(data);
  crashed_copy(from, data);
  return data;
}

static void expect_whole(const char *path, uint64_t entries, const unsigned char wanted[DIGEST_SIZE]) {
  copies_verify(path, &found);
  CU_ASSERT_EQUAL(found.code, 0);
  CU_ASSERT_EQUAL(found.findings, 0);
  CU_ASSERT_EQUAL(found.last_seq, entries);
  CU_ASSERT_TRUE(found.whole);
  CU_ASSERT_EQUAL(memcmp(found.root, wanted, DIGEST_SIZE), 0);
  if (found.findings || found.code)
    printf("# %s: %.600s\n", path, found.json);
}

static void make_copies(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  killed = crashed_path(harness_folder(), "data");
  settled = crashed_path(harness_folder(), "data");
  work = harness_folder();
  mkdir(killed, 0750);
  crashed_create(killed, &plan);
  copies_settle(killed, settled);
  copies_root(ENTRIES, root);
}

static void whole_copies_are_whole(void) {
  expect_whole(settled, ENTRIES, root);
  CU_ASSERT_EQUAL(found.from_log, 0);
  expect_whole(killed, ENTRIES, root);
  CU_ASSERT_TRUE(found.from_log > 0);
  expect_whole(crashed_path(settled, "wal"), ENTRIES, root);
}

static void nothing_is_written(void) {
  struct manifest before, after;
  struct err err;
  const char *data = copy_of(killed);
  CU_ASSERT_EQUAL_FATAL(manifest_make(data, &before, &err), 0);
  copies_verify(data, &found);
  CU_ASSERT_EQUAL_FATAL(manifest_make(data, &after, &err), 0);
  CU_ASSERT_EQUAL_FATAL(before.count, after.count);
  for (size_t i = 0; i < before.count; i++) {
    CU_ASSERT_STRING_EQUAL(before.items[i].name, after.items[i].name);
    CU_ASSERT_EQUAL(memcmp(before.items[i].digest, after.items[i].digest, DIGEST_SIZE), 0);
  }
  manifest_free(&before);
  manifest_free(&after);
}

/* Pages that were written, and pages that were not, in every mixture that a small cache makes. */
static void what_a_killed_node_leaves_is_whole(void) {
  unsigned char wanted[DIGEST_SIZE];
  for (uint64_t n = 0; n < 24; n++) {
    struct crash_plan plan = {.entries = 150 + 97 * n,
                              .per_txn = 1 + n % 7 * 9,
                              .checkpoint_at = n % 3 ? 20 + 60 * n : 0,
                              .cache_bytes = n % 4 ? (20 + 4 * n) << 10 : 0};
    const char *data = crashed_path(work, "dirty");
    crashed_remove(data);
    mkdir(data, 0750);
    crashed_create(data, &plan);
    copies_root(plan.entries, wanted);
    expect_whole(data, plan.entries, wanted);
  }
}

static void a_transaction_without_an_end_is_left_out(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT, .uncommitted = 40};
  const char *data = crashed_path(work, "undone");
  mkdir(data, 0750);
  crashed_create(data, &plan);
  expect_whole(data, ENTRIES, root);
  CU_ASSERT_EQUAL(found.undone, 40);
}

static void flip_and_look(const char *data, const char *path, uint64_t offset, const char *seen) {
  crashed_flip(path, offset);
  copies_verify(data, &found);
  if (found.code || found.findings == 0)
    printf("# %s at %llu: code %d, %s\n", path, (unsigned long long)offset, found.code, found.json);
  CU_ASSERT_EQUAL(found.code, 0);
  CU_ASSERT_TRUE(found.findings > 0);
  CU_ASSERT_TRUE(strstr(found.json, seen) != NULL);
  crashed_flip(path, offset);
}

static uint64_t spread(uint64_t n, uint64_t size) {
  return (n * 2654435761u + n * n * 40503u) % size;
}

/* The offsets of a file's beginning, and many others. */
static void sweep(const char *data, const char *path, uint64_t size, const char *seen) {
  for (uint64_t n = 0; n < 40 && n < size; n++)
    flip_and_look(data, path, n, seen);
  for (uint64_t n = 0; n < FLIPS; n++)
    flip_and_look(data, path, spread(n, size), seen);
}

static void any_flipped_byte_of_a_home_is_found(void) {
  const char *data = copy_of(settled);
  const char *history = file_of(data, "db", "assertions.kv");
  struct walscan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(walscan_run(crashed_path(data, "wal"), false, NULL, &scan, &err), 0);
  sweep(data, history, crashed_size(history), "assertions.kv");
  for (uint32_t number = scan.first_file; number < scan.last_file; number++)
    sweep(data, crashed_log(data, number), crashed_size(crashed_log(data, number)), "log.");
  /* Behind the end of the log are zeros; what stands there instead is a torn record. */
  sweep(data, crashed_log(data, scan.last_file), scan.end.offset - 12, "log.");
  sweep(data, file_of(data, "db", "acked.mark"), 512, "acked.mark");
  expect_whole(data, ENTRIES, root);
}

static void write_metadata(const char *data, const unsigned char history_root[DIGEST_SIZE]) {
  struct err err;
  struct buf json;
  struct verify v;
  struct report report;
  char name[HISTORY_NAME_SIZE];
  report_open(&report, true);
  CU_ASSERT_EQUAL_FATAL(verify_open(&v, data, &report, &err), 0);
  verify_history(&v, name);
  verify_close(&v);
  report_close(&report);
  buf_init(&json, 4096);
  buf_addf(&json,
           "{\"version\":\"0.1.0\",\"timestamp\":\"2026-11-24T21:43:15.123456Z\",\"assertion_count\":%d,"
           "\"wal_segment_count\":1,\"backup_type\":\"full\",\"last_seq\":%d,\"history\":\"%s\",\"history_root\":\"",
           ENTRIES, ENTRIES, name);
  buf_add_hex(&json, history_root, DIGEST_SIZE);
  buf_add_str(&json, "\"}\n");
  CU_ASSERT_EQUAL_FATAL(fileio_replace(crashed_path(data, "metadata.json"), json.data, json.len, 0640, &err), 0);
  buf_free(&json);
}

/* A backup: the settled folder without its lock, mark and regions, with metadata and manifest. */
static const char *make_backup(void) {
  struct manifest manifest;
  struct err err;
  const char *data = copy_of(settled);
  const char *backup = crashed_path(work, "backup");
  crashed_remove(backup);
  mkdir(backup, 0750);
  CU_ASSERT_EQUAL_FATAL(tree_copy(data, backup, "wal", &err), 0);
  CU_ASSERT_EQUAL_FATAL(tree_copy(data, backup, "db", &err), 0);
  write_metadata(backup, root);
  CU_ASSERT_EQUAL_FATAL(manifest_make(backup, &manifest, &err), 0);
  CU_ASSERT_EQUAL_FATAL(manifest_write(backup, &manifest, &err), 0);
  manifest_free(&manifest);
  return backup;
}

static void any_flipped_byte_of_a_backup_is_found(void) {
  const char *backup = make_backup();
  struct tree tree;
  struct err err;
  expect_whole(backup, ENTRIES, root);
  CU_ASSERT_EQUAL_FATAL(tree_list(backup, &tree, &err), 0);
  for (size_t i = 0; i < tree.count; i++)
    for (uint64_t n = 0; n < 25; n++)
      if (tree.files[i].size > 0)
        flip_and_look(backup, crashed_path(backup, tree.files[i].name), spread(n, tree.files[i].size),
                      "\"damage\":true");
  tree_free(&tree);
  expect_whole(backup, ENTRIES, root);
}

/* Without its manifest a backup has its checksums, ids and root still. */
static void another_root_than_the_metadata_names_is_found(void) {
  unsigned char other[DIGEST_SIZE];
  const char *backup = make_backup();
  CU_ASSERT_EQUAL(unlink(crashed_path(backup, "MANIFEST.sha256")), 0);
  expect_whole(backup, ENTRIES, root);
  copies_root(ENTRIES - 1, other);
  write_metadata(backup, other);
  copies_verify(backup, &found);
  CU_ASSERT_EQUAL(found.findings, 1);
  CU_ASSERT_TRUE(strstr(found.json, "history_root") != NULL);
}

static void files_that_lack_or_are_exchanged_are_found(void) {
  static const struct {
    const char *folder, *name, *seen;
  } gone[] = {{"db", "assertions.kv", "assertions.kv"}, {"wal", "log.0000000002", "\"kind\":\"log\""}};
  for (size_t i = 0; i < HARNESS_COUNT(gone); i++) {
    const char *data = copy_of(settled);
    CU_ASSERT_EQUAL_FATAL(unlink(file_of(data, gone[i].folder, gone[i].name)), 0);
    copies_verify(data, &found);
    CU_ASSERT_EQUAL(found.code, 0);
    CU_ASSERT_TRUE(found.findings > 0);
    CU_ASSERT_TRUE(strstr(found.json, gone[i].seen) != NULL);
  }
  const char *data = copy_of(settled), *aside = crashed_path(work, "aside");
  CU_ASSERT_EQUAL_FATAL(rename(crashed_log(data, 1), aside), 0);
  CU_ASSERT_EQUAL_FATAL(rename(crashed_log(data, 2), crashed_log(data, 1)), 0);
  CU_ASSERT_EQUAL_FATAL(rename(aside, crashed_log(data, 2)), 0);
  copies_verify(data, &found);
  CU_ASSERT_TRUE(found.findings > 0);
  data = copy_of(settled);
  crashed_truncate(file_of(data, "db", "assertions.kv"), crashed_size(file_of(data, "db", "assertions.kv")) / 2);
  copies_verify(data, &found);
  CU_ASSERT_TRUE(found.findings > 0);
}

/* The last transaction's log, cut on a record boundary, cannot be seen in the log: the mark tells. */
static void acknowledged_entries_that_lack_are_named(void) {
  const char *data = copy_of(killed);
  struct walscan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(walscan_run(crashed_path(data, "wal"), false, NULL, &scan, &err), 0);
  CU_ASSERT_EQUAL_FATAL(unlink(crashed_log(data, scan.last_file)), 0);
  copies_verify(data, &found);
  CU_ASSERT_TRUE(found.missing > 0);
  CU_ASSERT_TRUE(strstr(found.json, "acked.mark") != NULL && strstr(found.json, "to_seq\":460") != NULL);
}

static void what_is_no_copy_is_not_looked_at(void) {
  const char *empty = crashed_path(work, "empty");
  mkdir(empty, 0750);
  copies_verify(empty, &found);
  CU_ASSERT_EQUAL(found.code, ERR_NOTFOUND);
  copies_verify(crashed_path(work, "no such folder"), &found);
  CU_ASSERT_EQUAL(found.code, ERR_NOTFOUND);
}

int main(void) {
  static const struct test_case cases[] = {
      {"whole copies are whole: closed, killed, and an archive", whole_copies_are_whole},
      {"nothing is written", nothing_is_written},
      {"what a killed node leaves is whole, pages and log together", what_a_killed_node_leaves_is_whole},
      {"a transaction without an end is left out", a_transaction_without_an_end_is_left_out},
      {"any flipped byte of a closed home is found", any_flipped_byte_of_a_home_is_found},
      {"any flipped byte of a backup is found", any_flipped_byte_of_a_backup_is_found},
      {"another root than the metadata names is found", another_root_than_the_metadata_names_is_found},
      {"files that lack, are cut or exchanged are found", files_that_lack_or_are_exchanged_are_found},
      {"acknowledged entries that lack are named", acknowledged_entries_that_lack_are_named},
      {"what is no copy is not looked at", what_is_no_copy_is_not_looked_at},
  };
  make_copies();
  return harness_run("verify", cases, HARNESS_COUNT(cases));
}
