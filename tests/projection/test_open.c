/* What projection_open makes of what it finds: crashes, other histories, missing and damaged files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "projection/internal.h"
#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

static const char *const files[] = {"concept.kv", "ids.kv",  "predicate.kv", "source.kv", "alias.kv",
                                    "derived.kv", "keys.kv", "tree.kv",      "meta.kv"};

static void path_of(const struct fixture *f, const char *file, char *out) {
  struct err err;
  if (fileio_join(out, f->indexes, file, &err) != 0)
    abort();
}

static bool exists(const struct fixture *f, const char *file) {
  char path[FILEIO_PATH_MAX];
  path_of(f, file, path);
  return access(path, F_OK) == 0;
}

static void remove_indexes(const struct fixture *f) {
  char path[FILEIO_PATH_MAX];
  DIR *dir = opendir(f->indexes);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
    if (e->d_name[0] != '.') {
      path_of(f, e->d_name, path);
      unlink(path);
    }
  closedir(dir);
  rmdir(f->indexes);
}

static void open_tells(struct fixture *f, bool rebuilds) {
  fixture_clear_log(f);
  fixture_open(f);
  CU_ASSERT_EQUAL(fixture_logged(f, "Index rebuild complete in "), rebuilds);
}

static void a_rebuild_equals_what_was_written_step_by_step(void) {
  struct fixture f;
  struct watermark before = {0}, after = {0};
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 3000, 41);
  projection_watermark(f.projection, &before);
  fixture_close(&f);
  remove_indexes(&f);
  open_tells(&f, true);
  projection_watermark(f.projection, &after);
  CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
  check_everything(&f);
  fixture_free(&f);
}

static void a_rebuild_speaks_the_words_of_the_runbook(void) {
  static const char *const lines[] = {"Rebuilding indexes...", "Index rebuild started...",
                                      "Rebuilding predicate index from ", "Rebuilding concept index...",
                                      "Index rebuild complete in "};
  struct fixture f;
  struct buf text;
  struct err err;
  bool found;
  fixture_create(&f);
  fixture_grow(&f, 500);
  fixture_open(&f);
  buf_init(&text, 1 << 20);
  CU_ASSERT_EQUAL_FATAL(fileio_read_file(f.log_path, &text, &found, &err), 0);
  buf_add_byte(&text, 0);
  const char *at = (char *)text.data;
  for (size_t i = 0; i < HARNESS_COUNT(lines) && at; i++)
    at = strstr(at, lines[i]);
  CU_ASSERT_PTR_NOT_NULL(at);
  char count[64];
  unsigned assertions = 0;
  for (uint64_t seq = 1; seq <= f.last; seq++)
    assertions += f.made[seq].kind == ENTRY_ASSERTION;
  CU_ASSERT_TRUE(assertions < f.last);
  snprintf(count, sizeof(count), "Rebuilding predicate index from %u assertions...", assertions);
  CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, count));
  buf_free(&text);
  fixture_free(&f);
}

static void what_was_not_projected_is_caught_up(void) {
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 1000, 100);
  fixture_close(&f);
  fixture_grow(&f, 1500);
  open_tells(&f, false);
  check_everything(&f);
  fixture_close(&f);
  open_tells(&f, false);
  check_everything(&f);
  fixture_free(&f);
}

static void asked_for_a_rebuild_it_rebuilds(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 700, 100);
  fixture_close(&f);
  fixture_clear_log(&f);
  CU_ASSERT_EQUAL_FATAL(fixture_project(&f, true, &err), 0);
  CU_ASSERT_TRUE(fixture_logged(&f, "Index rebuild complete in "));
  check_everything(&f);
  fixture_free(&f);
}

/* --- what does not belong to this history --- */

static void a_missing_file_is_a_rebuild(void) {
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 1200, 300);
  for (size_t i = 0; i < HARNESS_COUNT(files); i++) {
    char path[FILEIO_PATH_MAX];
    fixture_close(&f);
    path_of(&f, files[i], path);
    CU_ASSERT_EQUAL(unlink(path), 0);
    open_tells(&f, true);
    check_everything(&f);
  }
  fixture_free(&f);
}

/* Copies the indexes of one fixture over another's. */
static void copy_indexes(const struct fixture *from, const struct fixture *to) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  DIR *dir = opendir(from->indexes);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    struct buf bytes;
    bool found;
    if (e->d_name[0] == '.')
      continue;
    buf_init(&bytes, (size_t)1 << 28);
    path_of(from, e->d_name, path);
    CU_ASSERT_EQUAL_FATAL(fileio_read_file(path, &bytes, &found, &err), 0);
    path_of(to, e->d_name, path);
    CU_ASSERT_EQUAL_FATAL(fileio_replace(path, bytes.data, bytes.len, 0600, &err), 0);
    buf_free(&bytes);
  }
  closedir(dir);
}

static void indexes_of_another_history_are_wiped(void) {
  struct fixture f, other;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 900, 300);
  fixture_create(&other);
  fixture_open(&other);
  fixture_apply(&other, 900, 300);
  fixture_close(&other);
  fixture_close(&f);
  remove_indexes(&f);
  mkdir(f.indexes, 0700);
  copy_indexes(&other, &f);
  open_tells(&f, true);
  CU_ASSERT_TRUE(fixture_logged(&f, "another history"));
  check_everything(&f);
  fixture_free(&f);
  fixture_free(&other);
}

/* Writes a changed meta.kv record by way of the environment. */
static void change_meta(struct fixture *f, void (*change)(struct meta *meta)) {
  unsigned char record[META_SIZE];
  struct projection *p = f->projection;
  DBT key = penv_dbt(span_of(meta_key, META_KEY_SIZE)), value = penv_dbt(span_of(record, META_SIZE));
  struct meta meta = p->state;
  change(&meta);
  meta_encode(&meta, record);
  CU_ASSERT_EQUAL_FATAL(p->meta->put(p->meta, NULL, &key, &value, 0), 0);
}

static void be_ahead(struct meta *meta) {
  meta->applied_seq += 100;
}

static void have_another_id(struct meta *meta) {
  meta->id[5] ^= 1;
}

static void be_of_an_unknown_branch(struct meta *meta) {
  meta->branch ^= 1;
}

static void have_a_wrong_count(struct meta *meta) {
  meta->assertion_count++;
}

static void what_does_not_match_the_history_is_wiped(void) {
  static void (*const changes[])(struct meta *) = {be_ahead, have_another_id, be_of_an_unknown_branch,
                                                   have_a_wrong_count};
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 800, 300);
  for (size_t i = 0; i < HARNESS_COUNT(changes); i++) {
    change_meta(&f, changes[i]);
    fixture_close(&f);
    open_tells(&f, true);
    check_everything(&f);
  }
  fixture_free(&f);
}

static void a_branch_below_what_was_applied_is_a_rebuild(void) {
  struct fixture f;
  struct history_meta history;
  struct err err;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 800, 300);
  static const uint64_t branched_at[] = {800, 700};
  for (size_t i = 0; i < HARNESS_COUNT(branched_at); i++) {
    CU_ASSERT_EQUAL_FATAL(history_meta_read(f.store, &history, &err), 0);
    CU_ASSERT_EQUAL_FATAL(history_meta_branch(&history, branched_at[i], 0, &err), 0);
    CU_ASSERT_EQUAL_FATAL(history_meta_write(f.store, &history, &err), 0);
    history_meta_free(&history);
    fixture_close(&f);
    open_tells(&f, branched_at[i] < 800);
    check_everything(&f);
  }
  /* What was kept is of the new timeline now. */
  fixture_close(&f);
  open_tells(&f, false);
  fixture_free(&f);
}

/* --- damage --- */

/* Flips a byte of each of some pages. Page 0 is the meta page. */
static size_t damage(const struct fixture *f, const char *file, size_t page, size_t count) {
  char path[FILEIO_PATH_MAX];
  enum { PAGE = 4096 };
  path_of(f, file, path);
  int fd = open(path, O_RDWR);
  off_t size = lseek(fd, 0, SEEK_END);
  size_t done = 0;
  for (size_t i = page; i < page + count && (off_t)(i * PAGE) < size; i++, done++) {
    unsigned char byte;
    off_t at = (off_t)(i * PAGE + 16 + mix(i) % 400);
    CU_ASSERT_EQUAL_FATAL(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, at), 1);
  }
  close(fd);
  return done;
}

/* Opens, and reads everything until the damage is met; whether it was, in a process of its own (Berkeley DB leaks when
 * it panics). */
static void read_everything(struct fixture *f) {
  struct err err;
  struct concept_scan *scan = NULL;
  struct concept_row row;
  uint64_t seq, seqs[100];
  bool found;
  size_t count;
  int rc = fixture_project(f, false, &err);
  if (rc)
    _exit(10 + rc);
  rc = concept_scan_open(&f->reader, &scan, &err);
  if (!rc)
    rc = concept_scan_seek(scan, span_str(""), span_str(""), span_str(""), UINT64_MAX, &row, &found, &err);
  while (!rc && found)
    rc = concept_scan_next(scan, &row, &found, &err);
  for (uint64_t i = 1; i <= f->last && !rc; i++) {
    const struct made *m = &f->made[i];
    struct key_record record;
    struct retraction_record retraction;
    struct retracted_block block;
    unsigned char hash[DIGEST_SIZE] = {0}, root[DIGEST_SIZE];
    uint64_t assertions;
    memcpy(hash, &m->call, sizeof(m->call));
    char scope[sizeof(m->scope)];
    size_t len = strlen(m->scope);
    memcpy(scope, m->scope, sizeof(scope));
    for (size_t k = 0; k < len; k++)
      scope[k] = scope[k] == '|' ? 0 : scope[k];
    rc = lookup_id(&f->reader, m->id, f->last, &seq, &found, &err);
    if (!rc)
      rc = derived_children(&f->reader, i, 0, f->last, seqs, 100, &count, &err);
    if (!rc)
      rc = lookup_key(&f->reader, span_of(scope, len), hash, &record, &found, &err);
    if (!rc && i % 256 == 0)
      rc = merkle_root_at(&f->reader, i, root, &assertions, &err);
    if (!rc && i % 10 == 0)
      rc = posting_read(&f->reader, POSTING_PREDICATE, span_str(m->predicate), i, f->last, seqs, 1, &count, &err);
    if (!rc && i % 10 == 0)
      rc = posting_read(&f->reader, POSTING_SOURCE, span_str(m->source), i, f->last, seqs, 1, &count, &err);
    if (!rc && m->batch[0])
      rc = posting_read(&f->reader, POSTING_BATCH, span_of(m->batch, sizeof(m->batch)), 0, f->last, seqs, 100, &count,
                        &err);
    if (!rc)
      rc = retraction_find(&f->reader, m->id, f->last, &retraction, &found, &err);
    if (!rc && i % 256 == 0)
      rc = retracted_read(&f->reader, i / RETRACTED_BLOCK, f->last, &block, &err);
    if (!rc && i % 10 == 0)
      rc = posting_read(&f->reader, POSTING_ALIAS, span_str(m->path), 0, f->last, seqs, 1, &count, &err);
  }
  _exit(rc);
}

/* Damages pages of a file; the damage must be met at the open (then it is gone) or in reading (then ERR_CORRUPT, and
 * the next open removes it). */
static void damage_and_open(struct fixture *f, const char *file, size_t page, size_t count) {
  fixture_release(f);
  fixture_clear_log(f);
  CU_ASSERT_TRUE(damage(f, file, page, count) > 0);
  int status = fixture_status(f, "", read_everything);
  bool rebuilt = fixture_logged(f, "Index rebuild complete in ");
  CU_ASSERT_TRUE(rebuilt ? status == 0 : status == ERR_CORRUPT && exists(f, "REBUILD"));
  if (!rebuilt && status != ERR_CORRUPT)
    printf("# %s page %zu: status %d\n", file, page, status);
  fixture_reopen(f);
  open_tells(f, !rebuilt);
  CU_ASSERT_FALSE(exists(f, "REBUILD"));
}

static void a_damaged_page_of_any_file_ends_in_a_rebuild(void) {
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 2600, 500);
  for (size_t i = 0; i < HARNESS_COUNT(files); i++) {
    damage_and_open(&f, files[i], 0, 1);     /* the meta page */
    damage_and_open(&f, files[i], 1, 1);     /* the root */
    damage_and_open(&f, files[i], 1, 10000); /* all others */
    if (strcmp(files[i], "concept.kv") == 0 || strcmp(files[i], "ids.kv") == 0)
      for (size_t k = 0; k < 4; k++)
        damage_and_open(&f, files[i], 2 + mix(k) % 16, 1); /* a leaf */
    check_everything(&f);
  }
  fixture_free(&f);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a rebuild equals what was written step by step", a_rebuild_equals_what_was_written_step_by_step},
      {"a rebuild speaks the words of the runbook", a_rebuild_speaks_the_words_of_the_runbook},
      {"what was not projected is caught up", what_was_not_projected_is_caught_up},
      {"asked for a rebuild it rebuilds", asked_for_a_rebuild_it_rebuilds},
      {"a missing file is a rebuild", a_missing_file_is_a_rebuild},
      {"indexes of another history are wiped", indexes_of_another_history_are_wiped},
      {"what does not match the history is wiped", what_does_not_match_the_history_is_wiped},
      {"a branch below what was applied is a rebuild", a_branch_below_what_was_applied_is_a_rebuild},
      {"a damaged page of any file ends in a rebuild", a_damaged_page_of_any_file_ends_in_a_rebuild},
  };
  return harness_run("open", cases, HARNESS_COUNT(cases));
}
