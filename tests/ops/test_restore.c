/* Restoring without a node: whatever is changed in a backup is found before anything is touched; what cannot be proven
 * is taken back; killed at any place, it can be repeated or undone. */
#include "ops/restore.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fileio.h"
#include "ops/manifest.h"
#include "ops/tree.h"
#include "tests/harness/harness.h"
#include "tests/ops/moments.h"
#include "tests/store/crashed.h"

enum { FILE_BYTES_MAX = 16 << 20, SMALL = 2000, RANDOM_FLIPS = 6, PASSAGES_MAX = 20 };

static struct moments m;
static struct log silent = {.fd = -1};
static const char *backup; /* of m.home as it was at backup_seq */
static uint64_t backup_seq;
static const char *pristine; /* the data folder of m.home, stopped */
static FILE *nowhere;
static struct err err;

static unsigned dice(unsigned sides) {
  static uint32_t state = 3;
  state = state * 1664525 + 1013904223;
  return (state >> 8) % sides;
}

static void make_all(void) {
  moments_begin(&m, harness_folder());
  nowhere = fopen("/dev/null", "w");
  for (int i = 0; i < 12; i++)
    moments_append(&m, 1 + dice(40));
  moments_close(&m);
  backup_seq = m.last_seq;
  backup = crashed_path(harness_folder(), "backup");
  moments_backup(&m, backup);
  for (int i = 0; i < 5; i++)
    moments_append(&m, 1 + dice(40));
  moments_close(&m);
  const char *folder = harness_folder();
  (void)moments_is_at(&m, m.config.data_dir, m.last_seq); /* a start, which writes the mark */
  if (!moments_is_at(&m, m.config.data_dir, m.last_seq) || tree_copy(m.home, folder, "data", &err))
    abort();
  pristine = crashed_path(folder, "data");
}

/* --- whatever is changed is found --- */

static struct config bare; /* a home with nothing in it */

static int check(const char *folder) {
  struct metadata metadata;
  return restore_check(&bare, &silent, folder, &metadata, &err);
}

static void expect_found(const char *folder, const char *name, const char *what) {
  struct tree tree;
  bool found = check(folder) != 0;
  CU_ASSERT_TRUE(found);
  if (!found)
    printf("# %s: %s\n", name, what);
  CU_ASSERT_EQUAL(tree_list(bare.home, &tree, &err), 0);
  CU_ASSERT_EQUAL(tree.count, 0);
  tree_free(&tree);
}

static void read_all(const char *path, struct buf *out) {
  bool found = false;
  buf_init(out, FILE_BYTES_MAX);
  if (fileio_read_file(path, out, &found, &err) || !found)
    abort();
}

static void write_all(const char *path, const struct buf *bytes) {
  unlink(path);
  if (fileio_replace(path, bytes->data, bytes->len, 0640, &err))
    abort();
}

static void flip_at(const char *folder, const char *name, const char *path, uint64_t offset) {
  char what[64];
  crashed_flip(path, offset);
  snprintf(what, sizeof(what), "flipped at %llu", (unsigned long long)offset);
  expect_found(folder, name, what);
  crashed_flip(path, offset);
}

static void flip_some(const char *folder, const char *name, const char *path, uint64_t size) {
  flip_at(folder, name, path, 0);
  flip_at(folder, name, path, size / 2);
  flip_at(folder, name, path, size - 1);
  for (int i = 0; i < RANDOM_FLIPS; i++)
    flip_at(folder, name, path, dice((unsigned)size));
  for (uint64_t offset = 0; size < SMALL && offset < size; offset += 7)
    flip_at(folder, name, path, offset);
}

static void change(const char *folder, const struct tree *tree, size_t i) {
  const char *name = tree->files[i].name, *path = crashed_path(folder, name);
  const char *moved = crashed_path(folder, "db/moved"), *outside = crashed_path(harness_folder(), "outside");
  struct buf whole, other;
  read_all(path, &whole);
  read_all(crashed_path(folder, tree->files[(i + 1) % tree->count].name), &other);
  flip_some(folder, name, path, whole.len);
  crashed_truncate(path, whole.len - 1);
  expect_found(folder, name, "cut");
  CU_ASSERT_EQUAL(rename(path, moved), 0);
  expect_found(folder, name, "renamed");
  CU_ASSERT_EQUAL(rename(moved, outside), 0);
  expect_found(folder, name, "removed");
  write_all(path, &other);
  expect_found(folder, name, "another file");
  buf_add_byte(&whole, 'x');
  write_all(path, &whole);
  expect_found(folder, name, "longer");
  whole.len--;
  write_all(outside, &whole);
  unlink(path);
  CU_ASSERT_EQUAL(symlink(outside, path), 0);
  expect_found(folder, name, "a link");
  unlink(path);
  write_all(path, &whole);
  buf_free(&whole);
  buf_free(&other);
}

static const char *loose_copy(void) {
  const char *top = harness_folder(), *copy = crashed_path(top, "copy");
  crashed_copy(backup, copy);
  if (tree_seal(copy, 0640, 0750, &err))
    abort();
  return copy;
}

static void whatever_is_changed_in_a_backup_is_found(void) {
  struct tree tree;
  const char *copy = loose_copy();
  CU_ASSERT_EQUAL_FATAL(check(copy), 0);
  CU_ASSERT_EQUAL_FATAL(tree_list(copy, &tree, &err), 0);
  CU_ASSERT_TRUE(tree.count >= 5);
  for (size_t i = 0; i < tree.count; i++)
    change(copy, &tree, i);
  tree_free(&tree);
  CU_ASSERT_EQUAL(check(copy), 0);
  struct buf one;
  buf_init(&one, 16);
  buf_add_byte(&one, 'x');
  write_all(crashed_path(copy, "db/more"), &one);
  buf_free(&one);
  expect_found(copy, "db/more", "a file too many");
}

/* --- restoring into a home that has a history --- */

static struct config target;

/* A fresh home with the pristine data. */
static void fresh_target(void) {
  static const char *last;
  const char *home = harness_folder();
  if (last)
    crashed_remove(last);
  last = home;
  target = m.config;
  snprintf(target.home, sizeof(target.home), "%s", home);
  snprintf(target.data_dir, sizeof(target.data_dir), "%s/data", home);
  snprintf(target.run_dir, sizeof(target.run_dir), "%s/run", home);
  crashed_copy(pristine, target.data_dir);
}

static int run_restore(const char *from) {
  return restore_files(&target, &silent, from, nowhere, &err);
}

/* In a child under these faults; true if it was killed. */
static bool run_killed(const char *faults, bool undo) {
  int status = 0;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    setenv("STEMEDB_FAULTS", faults, 1);
    _exit((undo ? restore_undo(&target, &silent, &err) : run_restore(backup)) ? 1 : 0);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    abort();
  if (!WIFSIGNALED(status))
    CU_ASSERT_EQUAL(status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool has_note(void) {
  return access(crashed_path(target.data_dir, RESTORE_JOURNAL), F_OK) == 0;
}

/* What was replaced by the first attempt is whole: put into a folder of its own it starts with all. */
static void expect_replaced_is_whole(void) {
  const char *folder = harness_folder(), *data = crashed_path(folder, "data");
  static const char *const parts[] = {"db", "wal"};
  DIR *dir = opendir(target.data_dir);
  mkdir(data, 0750);
  for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
    for (size_t i = 0; i < HARNESS_COUNT(parts); i++)
      if (strncmp(e->d_name, parts[i], strlen(parts[i])) == 0 && strstr(e->d_name, ".backup."))
        CU_ASSERT_EQUAL(rename(crashed_path(target.data_dir, e->d_name), crashed_path(data, parts[i])), 0);
  if (dir)
    closedir(dir);
  CU_ASSERT_TRUE(moments_is_at(&m, data, m.last_seq));
  crashed_remove(folder);
}

static void expect_repeatable(void) {
  CU_ASSERT_EQUAL(run_restore(backup), 0);
  CU_ASSERT_EQUAL(restore_done(&target, &err), 0);
  CU_ASSERT_FALSE(has_note());
  CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, backup_seq));
  expect_replaced_is_whole();
}

/* Kills the undoing too, as often as it passes that place. */
static void expect_undoable(void) {
  char faults[64];
  for (int passage = 1; passage <= PASSAGES_MAX; passage++) {
    snprintf(faults, sizeof(faults), "ops.restore.before_undo=kill@%d", passage);
    if (!run_killed(faults, true))
      break;
    CU_ASSERT_TRUE(has_note());
  }
  CU_ASSERT_FALSE(has_note());
  CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, m.last_seq));
}

static void kill_at_every_passage(const char *place) {
  char faults[64];
  int passage = 1;
  for (; passage <= PASSAGES_MAX; passage++) {
    snprintf(faults, sizeof(faults), "%s=kill@%d", place, passage);
    fresh_target();
    if (!run_killed(faults, false))
      break;
    CU_ASSERT_TRUE(has_note());
    if (passage % 2)
      expect_repeatable();
    else
      expect_undoable();
    fresh_target();
    CU_ASSERT_TRUE(run_killed(faults, false));
    if (passage % 2)
      expect_undoable();
    else
      expect_repeatable();
  }
  CU_ASSERT_TRUE(passage > 1 && passage < PASSAGES_MAX); /* it was passed, and not for ever */
}

static void killed_anywhere_a_restore_can_be_repeated_or_undone(void) {
  static const char *const places[] = {"ops.restore.before_rename", "ops.restore.before_copy",
                                       "ops.restore.before_proof", "ops.restore.before_move"};
  for (size_t i = 0; FAULTS_ENABLED && i < HARNESS_COUNT(places); i++)
    kill_at_every_passage(places[i]);
}

static void a_restore_can_be_undone_until_it_is_done(void) {
  fresh_target();
  CU_ASSERT_EQUAL(restore_undo(&target, &silent, &err), ERR_NOTFOUND); /* nothing to undo */
  CU_ASSERT_EQUAL(run_restore(backup), 0);
  CU_ASSERT_TRUE(has_note());
  CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, backup_seq));
  CU_ASSERT_EQUAL(restore_undo(&target, &silent, &err), 0); /* as the script does when the node does not start */
  CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, m.last_seq));
}

static unsigned count_replaced(void) {
  unsigned count = 0;
  DIR *dir = opendir(target.data_dir);
  for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
    count += strncmp(e->d_name, "db.backup.", 10) == 0;
  if (dir)
    closedir(dir);
  return count;
}

static void restores_in_one_second_do_not_mix(void) {
  fresh_target();
  for (unsigned i = 1; i <= 2; i++) {
    CU_ASSERT_EQUAL(run_restore(backup), 0);
    CU_ASSERT_EQUAL(restore_done(&target, &err), 0);
    CU_ASSERT_EQUAL(count_replaced(), i);
  }
  CU_ASSERT_EQUAL(run_restore(backup), 0);
  CU_ASSERT_EQUAL(restore_undo(&target, &silent, &err), 0);
  CU_ASSERT_EQUAL(count_replaced(), 2);
  CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, backup_seq));
}

/* A backup that was changed, and covered up by a manifest that fits. */
static const char *forge(void (*change_it)(struct metadata *)) {
  const char *copy = loose_copy();
  struct metadata metadata;
  struct manifest manifest;
  if (metadata_read(copy, &metadata, &err))
    abort();
  change_it(&metadata);
  if (metadata_write(copy, &metadata, &err) || manifest_make(copy, &manifest, &err) ||
      manifest_write(copy, &manifest, &err))
    abort();
  manifest_free(&manifest);
  return copy;
}

static void forge_root(struct metadata *metadata) {
  metadata->proof.root[31] ^= 1;
}

static void forge_count(struct metadata *metadata) {
  metadata->proof.assertion_count++;
}

static void forge_seq(struct metadata *metadata) {
  metadata->proof.last_seq--;
}

static void forge_history(struct metadata *metadata) {
  metadata->proof.history[0] = metadata->proof.history[0] == 'a' ? 'b' : 'a';
}

static void what_cannot_be_proven_is_taken_back(void) {
  void (*const forgers[])(struct metadata *) = {forge_root, forge_count, forge_seq, forge_history};
  for (size_t i = 0; i < HARNESS_COUNT(forgers); i++) {
    const char *forged = forge(forgers[i]);
    fresh_target();
    CU_ASSERT_EQUAL(check(forged), 0); /* it is sound as far as that goes */
    CU_ASSERT_EQUAL(run_restore(forged), ERR_CORRUPT);
    CU_ASSERT_FALSE(has_note());
    CU_ASSERT_TRUE(moments_is_at(&m, target.data_dir, m.last_seq));
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"whatever is changed in a backup is found before anything is touched", whatever_is_changed_in_a_backup_is_found},
      {"killed anywhere, a restore can be repeated or undone", killed_anywhere_a_restore_can_be_repeated_or_undone},
      {"a restore can be undone until it is done", a_restore_can_be_undone_until_it_is_done},
      {"restores in one second do not mix", restores_in_one_second_do_not_mix},
      {"what cannot be proven is taken back", what_cannot_be_proven_is_taken_back},
  };
  make_all();
  bare = m.config;
  const char *home = harness_folder();
  snprintf(bare.home, sizeof(bare.home), "%s", home);
  snprintf(bare.data_dir, sizeof(bare.data_dir), "%s/data", home);
  return harness_run("restore", cases, HARNESS_COUNT(cases));
}
