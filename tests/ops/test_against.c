/* Copies against files: a dump or the metadata of a backup tells what a copy is to it; what a file only pretends is
 * refused. And copies to look into: proven, and nothing of the source is touched. */
#include "ops/against_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/dump_make.h"
#include "ops/manifest.h"
#include "ops/metadata.h"
#include "ops/scratch.h"
#include "ops/tree.h"
#include "tests/harness/harness.h"
#include "tests/ops/copies.h"

enum { ENTRIES = 300, FEWER = 120, DUMP_MAX = 8 << 20 };

static const char *settled; /* a data folder with ENTRIES */
static const char *dump;    /* of it */
static const char *work;
static struct err err;

static void make_all(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = 3, .checkpoint_at = 200};
  const char *killed = crashed_path(work, "killed");
  struct report report;
  uint64_t entries;
  settled = crashed_path(work, "data");
  mkdir(killed, 0750);
  crashed_create(killed, &plan);
  copies_settle(killed, settled);
  dump = crashed_path(work, "dump");
  int fd = open(dump, O_WRONLY | O_CREAT | O_EXCL, 0640);
  report_open(&report, true);
  if (fd < 0 || dump_make(settled, fd, &report, &entries, &err) || entries != ENTRIES)
    abort();
  report_close(&report);
  close(fd);
}

/* Opens and reads the file as far as `seq`; the code of whichever failed. */
static int run_file(const char *path, uint64_t seq, struct against_file *file) {
  struct report report;
  report_open(&report, true);
  int rc = against_file_open(path, file, &err);
  if (!rc)
    rc = against_file_run(file, seq, &report, &err);
  against_file_close(file);
  report_close(&report);
  return rc;
}

static void a_dump_tells_the_root_at_any_seq(void) {
  static const uint64_t seqs[] = {0, 1, 2, FEWER, ENTRIES - 1, ENTRIES};
  struct against_file file;
  unsigned char root[DIGEST_SIZE];
  for (size_t i = 0; i < HARNESS_COUNT(seqs); i++) {
    CU_ASSERT_EQUAL(run_file(dump, seqs[i], &file), 0);
    CU_ASSERT_EQUAL(file.last_seq, ENTRIES);
    CU_ASSERT_TRUE(file.watch.reached);
    copies_root(seqs[i], root);
    CU_ASSERT_EQUAL(memcmp(file.watch.root, root, DIGEST_SIZE), 0);
  }
}

static void relations_come_from_roots(void) {
  struct tally_watch ours = {.seq = FEWER, .reached = true};
  struct against_file file;
  struct against against;
  copies_root(FEWER, ours.root);
  CU_ASSERT_EQUAL(run_file(dump, FEWER, &file), 0);
  CU_ASSERT_EQUAL(against_compare(&ours, &file.watch, FEWER, file.last_seq, &against, &err), 0);
  CU_ASSERT_EQUAL(against.relation, RELATION_PREFIX);
  ours.root[5] ^= 1;
  CU_ASSERT_EQUAL(against_compare(&ours, &file.watch, FEWER, file.last_seq, &against, &err), 0);
  CU_ASSERT_EQUAL(against.relation, RELATION_DIVERGED);
  ours.reached = false;
  CU_ASSERT_EQUAL(against_compare(&ours, &file.watch, FEWER, file.last_seq, &against, &err), ERR_CORRUPT);
}

static void read_dump(struct buf *text) {
  bool found = false;
  buf_init(text, DUMP_MAX);
  if (fileio_read_file(dump, text, &found, &err) || !found)
    abort();
}

static int run_text(const void *data, size_t len) {
  const char *path = crashed_path(work, "changed");
  struct against_file file;
  if (fileio_replace(path, data, len, 0640, &err))
    abort();
  return run_file(path, FEWER, &file);
}

static void a_dump_that_does_not_add_up_is_refused(void) {
  struct buf text;
  read_dump(&text);
  unsigned char *data = text.data;
  size_t last = text.len - 2;
  while (data[last - 1] != '\n')
    last--;
  CU_ASSERT_EQUAL(run_text(data, text.len), 0);
  CU_ASSERT_EQUAL(run_text(data, last), ERR_INVALID);         /* without its last line */
  CU_ASSERT_EQUAL(run_text(data, text.len - 1), ERR_INVALID); /* cut in it */
  for (size_t step = 1; step <= 40; step++) {                 /* a letter changed anywhere in the entries */
    size_t offset = last * step / 41;
    unsigned char was = data[offset];
    data[offset] = was == '7' ? '8' : '7';
    CU_ASSERT_NOT_EQUAL(run_text(data, text.len), 0);
    data[offset] = was;
  }
  CU_ASSERT_EQUAL(run_text("", 0), ERR_INVALID);
  CU_ASSERT_EQUAL(run_text("{}\n", 3), ERR_INVALID);
  CU_ASSERT_EQUAL(run_text("\0\0\0", 3), ERR_INVALID);
  buf_free(&text);
}

static void metadata_tells_one_root(void) {
  const char *dir = crashed_path(work, "meta"), *path = crashed_path(dir, "metadata.json");
  struct metadata m = {.version = "0.1.0", .timestamp = "2026-11-24T23:08:36Z"};
  struct against_file file;
  m.proof.last_seq = FEWER;
  copies_root(FEWER, m.proof.root);
  snprintf(m.proof.history, sizeof(m.proof.history), "a0c7f93614ef6ba9578b4605c36626e3.1-a0a6cd1ce3d50a75");
  mkdir(dir, 0750);
  CU_ASSERT_EQUAL(metadata_write(dir, &m, &err), 0);
  CU_ASSERT_EQUAL(run_file(path, FEWER, &file), 0);
  CU_ASSERT_EQUAL(file.last_seq, FEWER);
  CU_ASSERT_EQUAL(memcmp(file.watch.root, m.proof.root, DIGEST_SIZE), 0);
  CU_ASSERT_EQUAL(run_file(path, FEWER - 1, &file), ERR_INVALID);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be told"));
  CU_ASSERT_EQUAL(run_file(crashed_path(dir, "none"), FEWER, &file), ERR_NOTFOUND);
}

/* --- looking into a copy --- */

static void digest_of(const char *dir, unsigned char out[DIGEST_SIZE]) {
  struct tree tree;
  struct buf all;
  buf_init(&all, DUMP_MAX);
  if (tree_list(dir, &tree, &err))
    abort();
  for (size_t i = 0; i < tree.count; i++) {
    unsigned char digest[DIGEST_SIZE];
    if (manifest_hash_file(crashed_path(dir, tree.files[i].name), digest, &err))
      abort();
    buf_add_str(&all, tree.files[i].name);
    buf_add_span(&all, span_of(digest, DIGEST_SIZE));
  }
  digest_sha256(out, buf_span(&all));
  tree_free(&tree);
  buf_free(&all);
}

static int look(const char *source, struct scratch *scratch) {
  struct scratch_options options = {.workers = 1, .small = true};
  struct log log = {.fd = -1};
  int rc = scratch_make(work, scratch, &err);
  if (!rc && !(rc = scratch_configure(scratch, &options, &err)))
    rc = scratch_fill(scratch, source, &log, &log, &err);
  return rc;
}

static void a_scratch_home_is_a_proven_copy(void) {
  unsigned char before[DIGEST_SIZE], after[DIGEST_SIZE];
  struct scratch scratch;
  struct found found;
  digest_of(settled, before);
  CU_ASSERT_EQUAL(look(settled, &scratch), 0);
  digest_of(settled, after);
  CU_ASSERT_EQUAL(memcmp(before, after, DIGEST_SIZE), 0);
  CU_ASSERT_EQUAL(scratch.config.read_only, 1);
  copies_verify(scratch.config.home, &found);
  CU_ASSERT_EQUAL(found.code, 0);
  CU_ASSERT_EQUAL(found.findings, 0);
  CU_ASSERT_EQUAL(found.last_seq, ENTRIES);
  char home[FILEIO_PATH_MAX];
  snprintf(home, sizeof(home), "%s", scratch.config.home);
  CU_ASSERT_EQUAL(scratch_remove(&scratch, &err), 0);
  CU_ASSERT_NOT_EQUAL(access(home, F_OK), 0);
}

static void one_that_lacks_acknowledged_entries_is_refused(void) {
  const char *cut = crashed_path(work, "cut"), *history = crashed_path(cut, "db/assertions.kv");
  struct scratch scratch;
  crashed_copy(settled, cut);
  crashed_truncate(history, crashed_size(history) / 2 / 4096 * 4096);
  CU_ASSERT_EQUAL(look(cut, &scratch), ERR_CORRUPT);
  CU_ASSERT_EQUAL(scratch_remove(&scratch, &err), 0);
  CU_ASSERT_EQUAL(look(crashed_path(settled, "wal"), &scratch), ERR_INVALID); /* logs alone */
  CU_ASSERT_EQUAL(scratch_remove(&scratch, &err), 0);
  CU_ASSERT_EQUAL(look(crashed_path(settled, "none"), &scratch), ERR_NOTFOUND);
  CU_ASSERT_EQUAL(scratch_remove(&scratch, &err), 0);
}

static void what_a_killed_look_left_is_removed_by_the_next(void) {
  struct scratch left, held, next;
  CU_ASSERT_EQUAL(scratch_make(work, &left, &err), 0);
  CU_ASSERT_EQUAL(scratch_make(work, &held, &err), 0);
  CU_ASSERT_EQUAL(access(left.config.home, F_OK), 0); /* it is in use */
  close(left.lock);
  CU_ASSERT_EQUAL(scratch_make(work, &next, &err), 0);
  CU_ASSERT_NOT_EQUAL(access(left.config.home, F_OK), 0);
  CU_ASSERT_EQUAL(access(held.config.home, F_OK), 0);
  CU_ASSERT_EQUAL(scratch_remove(&held, &err), 0);
  CU_ASSERT_EQUAL(scratch_remove(&next, &err), 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a dump tells the root at any seq", a_dump_tells_the_root_at_any_seq},
      {"relations come from roots", relations_come_from_roots},
      {"a dump that does not add up is refused", a_dump_that_does_not_add_up_is_refused},
      {"metadata tells one root", metadata_tells_one_root},
      {"a scratch home is a proven copy, and its source is as it was", a_scratch_home_is_a_proven_copy},
      {"one that lacks acknowledged entries is refused", one_that_lacks_acknowledged_entries_is_refused},
      {"what a killed look left is removed by the next", what_a_killed_look_left_is_removed_by_the_next},
  };
  work = harness_folder();
  make_all();
  return harness_run("against", cases, HARNESS_COUNT(cases));
}
