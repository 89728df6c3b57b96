/* What lies beside the data: manifest, metadata, the note of a restore, the list of backups. A hostile one is refused,
 * a good one comes back as it was written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/backup.h"
#include "ops/manifest.h"
#include "ops/restore.h"
#include "ops/tree.h"
#include "tests/harness/harness.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { PROBLEMS_SIZE = 4096 };

static struct err err;
static const char *work;

static const char *at(const char *name) {
  static char paths[8][FILEIO_PATH_MAX];
  static unsigned next;
  char *path = paths[next++ % 8];
  if (fileio_join(path, work, name, &err))
    abort();
  return path;
}

static void write_file(const char *path, const char *text) {
  if (fileio_replace(path, text, strlen(text), 0640, &err))
    abort();
}

/* A fresh folder of this name with a/one and two. */
static const char *folder(const char *name) {
  char path[FILEIO_PATH_MAX];
  const char *dir = at(name);
  if (tree_remove(dir, &err) || fileio_join(path, dir, "a", &err) || fileio_mkdirs(path, 0750, &err))
    abort();
  snprintf(path, sizeof(path), "%s/a/one", dir);
  write_file(path, "1");
  snprintf(path, sizeof(path), "%s/two", dir);
  write_file(path, "");
  return dir;
}

static void note(void *ctx, const char *problem) {
  char *problems = ctx;
  size_t len = strlen(problems);
  snprintf(problems + len, PROBLEMS_SIZE - len, "%s\n", problem);
}

/* --- manifest --- */

static void a_manifest_names_every_file(void) {
  const char *dir = folder("m");
  struct manifest made = {0}, read = {0};
  uint64_t bytes = 0;
  CU_ASSERT_EQUAL_FATAL(manifest_make(dir, &made, &err), 0);
  CU_ASSERT_EQUAL(made.count, 2);
  CU_ASSERT_EQUAL(manifest_write(dir, &made, &err), 0);
  CU_ASSERT_EQUAL_FATAL(manifest_read(dir, &read, &err), 0);
  CU_ASSERT_EQUAL(read.count, 2);
  CU_ASSERT_STRING_EQUAL(read.items[0].name, "a/one");
  CU_ASSERT_PTR_NOT_NULL_FATAL(manifest_find(&read, "two"));
  CU_ASSERT_EQUAL(memcmp(manifest_find(&read, "two")->digest, made.items[1].digest, DIGEST_SIZE), 0);
  CU_ASSERT_PTR_NULL(manifest_find(&read, "MANIFEST.sha256"));
  CU_ASSERT_EQUAL(manifest_check(dir, NULL, NULL, &bytes, &err), 0);
  CU_ASSERT_TRUE(bytes > 1);
  manifest_free(&made);
  manifest_free(&read);
}

static void every_difference_from_it_is_named(void) {
  char problems[PROBLEMS_SIZE] = "", path[FILEIO_PATH_MAX];
  const char *dir = folder("d");
  struct manifest made = {0};
  if (manifest_make(dir, &made, &err) || manifest_write(dir, &made, &err))
    abort();
  manifest_free(&made);
  snprintf(path, sizeof(path), "%s/a/one", dir);
  write_file(path, "2");
  snprintf(path, sizeof(path), "%s/two", dir);
  unlink(path);
  snprintf(path, sizeof(path), "%s/three", dir);
  write_file(path, "");
  CU_ASSERT_EQUAL(manifest_check(dir, note, problems, NULL, &err), ERR_CORRUPT);
  CU_ASSERT_PTR_NOT_NULL(strstr(problems, "two is missing\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(problems, "three is not in the manifest\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(problems, "a/one is not what was written: its SHA-256 differs\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "and more is wrong with it"));
}

static void a_manifest_that_is_not_exactly_one_is_refused(void) {
  static const char *const bad[] = {
      EMPTY "  a",                 /* the last line is cut */
      EMPTY " a\n",                /* one blank */
      EMPTY " *a\n",               /* another mode of sha256sum */
      EMPTY "  \n",                /* no name */
      EMPTY "  b\n" EMPTY "  a\n", /* out of order */
      EMPTY "  a\n" EMPTY "  a\n", /* twice */
      EMPTY "  a b\n",             /* a strange name */
      EMPTY "  a\\nb\n",           /* another */
      "\n",                        /* an empty line */
      "\\" EMPTY "  a\n",          /* an escaped name */
      "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n",
      "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n",
  };
  char path[FILEIO_PATH_MAX];
  const char *dir = folder("b");
  struct manifest read;
  CU_ASSERT_EQUAL(manifest_read(dir, &read, &err), ERR_NOTFOUND);
  snprintf(path, sizeof(path), "%s/MANIFEST.sha256", dir);
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    write_file(path, bad[i]);
    CU_ASSERT_EQUAL(manifest_read(dir, &read, &err), ERR_CORRUPT);
  }
}

static void what_is_no_plain_file_is_no_part_of_a_tree(void) {
  char path[FILEIO_PATH_MAX];
  const char *dir = folder("t");
  struct tree tree;
  CU_ASSERT_EQUAL_FATAL(tree_list(dir, &tree, &err), 0);
  CU_ASSERT_EQUAL(tree.count, 2);
  CU_ASSERT_EQUAL(tree.bytes, 1);
  tree_free(&tree);
  snprintf(path, sizeof(path), "%s/link", dir);
  CU_ASSERT_EQUAL(symlink("/etc/passwd", path), 0);
  CU_ASSERT_EQUAL(tree_list(dir, &tree, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(tree_copy(work, at("copy"), "t", &err), err.code);
  CU_ASSERT_NOT_EQUAL(err.code, 0);
  unlink(path);
  CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
  CU_ASSERT_EQUAL(tree_list(dir, &tree, &err), ERR_CORRUPT);
  unlink(path);
  snprintf(path, sizeof(path), "%s/new\nline", dir);
  write_file(path, "");
  CU_ASSERT_EQUAL(tree_list(dir, &tree, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(tree_list(at("none"), &tree, &err), ERR_NOTFOUND);
}

static void a_scratch_copy_has_no_regions(void) {
  char path[FILEIO_PATH_MAX];
  struct tree tree;
  const char *dir = folder("s");
  snprintf(path, sizeof(path), "%s/a/__db.001", dir);
  write_file(path, "region");
  CU_ASSERT_EQUAL(tree_copy_scratch(work, at("to"), "s", &err), 0);
  CU_ASSERT_EQUAL_FATAL(tree_list(at("to/s"), &tree, &err), 0);
  CU_ASSERT_EQUAL(tree.count, 2);
  tree_free(&tree);
  CU_ASSERT_EQUAL(tree_copy(work, at("to2"), "s", &err), 0);
  CU_ASSERT_EQUAL_FATAL(tree_list(at("to2/s"), &tree, &err), 0);
  CU_ASSERT_EQUAL(tree.count, 3);
  tree_free(&tree);
  CU_ASSERT_EQUAL(tree_copy(work, at("to2"), "none", &err), ERR_NOTFOUND);
}

static void removing_follows_no_link(void) {
  char path[FILEIO_PATH_MAX];
  const char *kept = folder("kept");
  const char *dir = folder("r");
  snprintf(path, sizeof(path), "%s/link", dir);
  CU_ASSERT_EQUAL(symlink(kept, path), 0);
  CU_ASSERT_EQUAL(tree_remove(dir, &err), 0);
  CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
  snprintf(path, sizeof(path), "%s/a/one", kept);
  CU_ASSERT_EQUAL(access(path, F_OK), 0);
  CU_ASSERT_EQUAL(tree_remove(dir, &err), 0);
}

/* --- metadata --- */

#define HISTORY "a0c7f93614ef6ba9578b4605c36626e3.1-a0a6cd1ce3d50a75"

static void metadata_comes_back_as_it_was_written(void) {
  struct metadata m = {.version = "0.1.0", .timestamp = "2026-11-24T23:08:36Z", .wal_segment_count = 3}, read;
  const char *dir = folder("meta");
  m.proof.last_seq = UINT64_MAX;
  m.proof.assertion_count = 17;
  memset(m.proof.root, 0xab, DIGEST_SIZE);
  snprintf(m.proof.history, sizeof(m.proof.history), HISTORY);
  for (int i = 0; i < 4; i++) {
    m.incremental = i & 1;
    m.indexes = i & 2;
    CU_ASSERT_EQUAL(metadata_write(dir, &m, &err), 0);
    CU_ASSERT_EQUAL_FATAL(metadata_read(dir, &read, &err), 0);
    CU_ASSERT_EQUAL(read.proof.last_seq, m.proof.last_seq);
    CU_ASSERT_EQUAL(read.proof.assertion_count, 17);
    CU_ASSERT_EQUAL(memcmp(read.proof.root, m.proof.root, DIGEST_SIZE), 0);
    CU_ASSERT_STRING_EQUAL(read.proof.history, HISTORY);
    CU_ASSERT_EQUAL(read.incremental, m.incremental);
    CU_ASSERT_EQUAL(read.indexes, m.indexes);
    CU_ASSERT_EQUAL(read.wal_segment_count, 3);
  }
}

#define PART_1(version) "{\"version\": \"" version "\", \"timestamp\": \"t\", \"assertion_count\": "
#define PART_2(type) ", \"wal_segment_count\": 1, \"backup_type\": \"" type "\", \"last_seq\": 4, \"history\": \""
#define PART_3 "\", \"history_root\": \"" EMPTY "\""

static void metadata_that_is_none_is_refused(void) {
  static const struct {
    const char *text;
    enum err_code code;
  } cases[] = {
      {PART_1("0.1.9") "3" PART_2("full") HISTORY PART_3 ", \"later\": [1]}", ERR_OK},
      {PART_1("0.2.0") "3" PART_2("full") HISTORY PART_3 "}", ERR_NEWER},
      {PART_1("0.1.0") "-3" PART_2("full") HISTORY PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "3.5" PART_2("full") HISTORY PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "18446744073709551616" PART_2("full") HISTORY PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "\"3\"" PART_2("full") HISTORY PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "3" PART_2("half") HISTORY PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "3" PART_2("full") "a0c7" PART_3 "}", ERR_CORRUPT},
      {PART_1("0.1.0") "3" PART_2("full") HISTORY PART_3 "} more", ERR_CORRUPT},
      {PART_1("0.1.0") "3" PART_2("full") HISTORY PART_3, ERR_CORRUPT},
      {PART_1("0.1.0") "3" PART_2("full") HISTORY PART_3 ", \"last_seq\": 5}", ERR_CORRUPT},
      {"[]", ERR_CORRUPT},
      {"", ERR_CORRUPT},
      {"{}", ERR_CORRUPT},
  };
  const char *path = at("some.json");
  struct metadata read;
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    write_file(path, cases[i].text);
    CU_ASSERT_EQUAL(metadata_read_file(path, &read, &err), cases[i].code);
  }
  CU_ASSERT_EQUAL(metadata_read_file(at("none.json"), &read, &err), ERR_NOTFOUND);
}

/* --- the note of a restore --- */

static void a_restore_leaves_a_note_for_people_and_itself(void) {
  struct restore_journal journal = {"20261125-012345", 7}, read = {0};
  const char *dir = folder("j");
  char path[FILEIO_PATH_MAX];
  bool found = true;
  CU_ASSERT_EQUAL(restore_journal_read(dir, &read, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(restore_journal_write(dir, &journal, "backups/x", &err), 0);
  CU_ASSERT_EQUAL(restore_journal_read(dir, &read, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  CU_ASSERT_STRING_EQUAL(read.stamp, journal.stamp);
  CU_ASSERT_EQUAL(read.timeline, 7);
  snprintf(path, sizeof(path), "%s/" RESTORE_JOURNAL, dir);
  write_file(path, "stamp ../../etc timeline 1\n");
  CU_ASSERT_EQUAL(restore_journal_read(dir, &read, &found, &err), ERR_CORRUPT);
  write_file(path, "");
  CU_ASSERT_EQUAL(restore_journal_read(dir, &read, &found, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(restore_journal_remove(dir, &err), 0);
  CU_ASSERT_EQUAL(restore_journal_remove(dir, &err), 0);
}

/* --- the list of backups --- */

static int add_name(void *ctx, const char *name, struct err *e) {
  (void)e;
  note(ctx, name);
  return strstr(name, "20260303") ? ERR_BUSY : 0;
}

static void backups_are_listed_by_age_and_nothing_else_is(void) {
  static const char *const names[] = {"stemedb-backup-20260202-000000",
                                      "stemedb-backup-20250101-235959",
                                      "stemedb-backup-20260202-000000.old",
                                      "stemedb-backup-2026020-0000000",
                                      "stemedb-backup-latest",
                                      ".partial-20260101-000000",
                                      "latest"};
  char found[PROBLEMS_SIZE] = "", newest[BACKUP_NAME_SIZE];
  const char *dir = at("list");
  CU_ASSERT_EQUAL(backup_newest(dir, newest, &err), 0);
  CU_ASSERT_STRING_EQUAL(newest, "");
  for (size_t i = 0; i < HARNESS_COUNT(names); i++) {
    char path[FILEIO_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
    if (fileio_mkdirs(path, 0750, &err))
      abort();
  }
  CU_ASSERT_EQUAL(backup_list(dir, BACKUP_PREFIX, add_name, found, &err), 0);
  CU_ASSERT_STRING_EQUAL(found, "stemedb-backup-20250101-235959\nstemedb-backup-20260202-000000\n");
  CU_ASSERT_EQUAL(backup_newest(dir, newest, &err), 0);
  CU_ASSERT_STRING_EQUAL(newest, "stemedb-backup-20260202-000000");
  found[0] = '\0';
  CU_ASSERT_EQUAL(backup_list(dir, BACKUP_PARTIAL, add_name, found, &err), 0);
  CU_ASSERT_STRING_EQUAL(found, ".partial-20260101-000000\n");
}

static void a_visitor_that_returns_an_error_ends_the_list(void) {
  char found[PROBLEMS_SIZE] = "";
  const char *dir = at("list");
  static const char *const more[] = {"stemedb-backup-20260303-000000", "stemedb-backup-20260404-000000"};
  for (size_t i = 0; i < HARNESS_COUNT(more); i++) {
    char path[FILEIO_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, more[i]);
    if (fileio_mkdirs(path, 0750, &err))
      abort();
  }
  CU_ASSERT_EQUAL(backup_list(dir, BACKUP_PREFIX, add_name, found, &err), ERR_BUSY);
  CU_ASSERT_PTR_NULL(strstr(found, "20260404"));
}

int main(void) {
  static const struct test_case cases[] = {
      {"a manifest names every file", a_manifest_names_every_file},
      {"every difference from it is named", every_difference_from_it_is_named},
      {"a manifest that is not exactly one is refused", a_manifest_that_is_not_exactly_one_is_refused},
      {"what is no plain file is no part of a tree", what_is_no_plain_file_is_no_part_of_a_tree},
      {"a scratch copy has no regions", a_scratch_copy_has_no_regions},
      {"removing follows no link", removing_follows_no_link},
      {"metadata comes back as it was written", metadata_comes_back_as_it_was_written},
      {"metadata that is none is refused", metadata_that_is_none_is_refused},
      {"a restore leaves a note for people and itself", a_restore_leaves_a_note_for_people_and_itself},
      {"backups are listed by age, and nothing else is", backups_are_listed_by_age_and_nothing_else_is},
      {"a visitor that returns an error ends the list", a_visitor_that_returns_an_error_ends_the_list},
  };
  work = harness_folder();
  return harness_run("papers", cases, HARNESS_COUNT(cases));
}
