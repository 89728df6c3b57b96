#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/mark.h"
#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

static void path_of(char out[FILEIO_PATH_MAX], const struct fixture *f, const char *name) {
  struct err err;
  if (fileio_join(out, f->config.data_dir, name, &err))
    abort();
}

static bool exists(const struct fixture *f, const char *name) {
  char path[FILEIO_PATH_MAX];
  path_of(path, f, name);
  return access(path, F_OK) == 0;
}

static void read_text(const struct fixture *f, const char *name, char *out, size_t size) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  struct buf b;
  bool found = false;
  path_of(path, f, name);
  buf_init(&b, size - 1);
  CU_ASSERT_EQUAL(fileio_read_file(path, &b, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  memcpy(out, b.data ? b.data : (const unsigned char *)"", b.len);
  out[b.len] = '\0';
  buf_free(&b);
}

static void a_new_history_is_complete_and_empty(void) {
  struct fixture f;
  struct err err;
  struct mark mark = {0};
  struct history_meta meta = {0};
  uint64_t last = 1;
  bool found = false;
  char text[4096], name[HISTORY_NAME_SIZE], line[256];
  fixture_create(&f);
  CU_ASSERT_TRUE(exists(&f, "DB_CONFIG"));
  CU_ASSERT_TRUE(exists(&f, "wal/log.0000000001"));
  CU_ASSERT_TRUE(exists(&f, "db/assertions.kv"));
  CU_ASSERT_FALSE(exists(&f, ".init"));
  CU_ASSERT_FALSE(exists(&f, "__db.001"));
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(history_last(store, &last, &err), 0);
  CU_ASSERT_EQUAL(last, 0);
  CU_ASSERT_EQUAL(history_meta_read(store, &meta, &err), 0);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  CU_ASSERT_EQUAL(mark.seq, 0);
  CU_ASSERT_EQUAL(mark.timeline, 1);
  CU_ASSERT_EQUAL(mark.branch, history_meta_current(&meta)->branch);
  CU_ASSERT_EQUAL(memcmp(mark.history_id, meta.id, HISTORY_ID_SIZE), 0);
  read_text(&f, "metadata.json", text, sizeof text);
  history_name(name, meta.id, 1, mark.branch);
  snprintf(line, sizeof line, "\"history\": \"%s\"", name);
  CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"assertion_count\": 0,"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"wal_segment_count\": 1,"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"backup_type\": \"full\","));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"last_seq\": 0,"));
  CU_ASSERT_PTR_NOT_NULL(
      strstr(text, "\"history_root\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n}"));
  history_meta_free(&meta);
  fixture_close(store);
}

static void a_second_init_is_refused(void) {
  struct fixture f;
  struct err err;
  struct history_meta before = {0}, after = {0};
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(history_meta_read(store, &before, &err), 0);
  fixture_close(store);
  CU_ASSERT_EQUAL(store_init(&f.config, &f.log, &err), ERR_CONFLICT);
  store = fixture_open(&f);
  CU_ASSERT_EQUAL(history_meta_read(store, &after, &err), 0);
  fixture_close(store);
  CU_ASSERT_EQUAL(memcmp(before.id, after.id, HISTORY_ID_SIZE), 0);
  history_meta_free(&before);
  history_meta_free(&after);
}

static void remains_of_a_history_are_refused(void) {
  static const char *const remains[] = {"wal",
                                        "db",
                                        "wal.corrupted.20260211-100000",
                                        "wal.superseded.20260211-100000",
                                        "db.backup.20260211-100000",
                                        "wal.backup.20260211-100000"};
  for (size_t i = 0; i < sizeof remains / sizeof remains[0]; i++) {
    struct fixture f;
    struct err err;
    char path[FILEIO_PATH_MAX], inner[FILEIO_PATH_MAX];
    fixture_create_empty(&f);
    path_of(path, &f, remains[i]);
    CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), 0);
    CU_ASSERT_EQUAL(fileio_join(inner, path, "log.0000000003", &err), 0);
    CU_ASSERT_EQUAL(fileio_replace(inner, "x", 1, 0640, &err), 0);
    CU_ASSERT_EQUAL(store_init(&f.config, &f.log, &err), ERR_CONFLICT);
    CU_ASSERT_TRUE(access(inner, F_OK) == 0);
    CU_ASSERT_FALSE(exists(&f, "db/assertions.kv"));
  }
}

static void empty_folders_are_no_remains(void) {
  struct fixture f;
  struct err err;
  char path[FILEIO_PATH_MAX];
  fixture_create_empty(&f);
  path_of(path, &f, "wal");
  CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), 0);
  path_of(path, &f, "db");
  CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), 0);
  CU_ASSERT_EQUAL(store_init(&f.config, &f.log, &err), 0);
  fixture_close(fixture_open(&f));
}

static void nothing_is_opened_where_there_is_no_history(void) {
  struct fixture f;
  struct err err;
  struct store *store = NULL;
  fixture_create_empty(&f);
  CU_ASSERT_EQUAL(fileio_mkdirs(f.config.data_dir, 0750, &err), 0);
  CU_ASSERT_EQUAL(env_open_writer(&f.config, &f.log, NULL, RECOVER_NORMAL, &store, &err), ERR_NOTFOUND);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No history in "));
  CU_ASSERT_FALSE(exists(&f, "wal"));
  CU_ASSERT_FALSE(exists(&f, "__db.001"));
}

#ifdef STEMEDB_FAULTS_ENABLED
static void an_init_that_was_killed_is_finished_by_the_next(void) {
  for (unsigned passage = 1; passage <= 2; passage++) {
    struct fixture f;
    struct err err;
    struct store *store = NULL;
    char faults[64];
    int status = 0;
    fixture_create_empty(&f);
    snprintf(faults, sizeof faults, "store.init.before_move=kill@%u", passage);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      setenv("STEMEDB_FAULTS", faults, 1);
      _exit(store_init(&f.config, &f.log, &err));
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_TRUE(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(env_open_writer(&f.config, &f.log, NULL, RECOVER_NORMAL, &store, &err), ERR_NOTFOUND);
    CU_ASSERT_EQUAL(store_init(&f.config, &f.log, &err), 0);
    CU_ASSERT_FALSE(exists(&f, ".init"));
    CU_ASSERT_TRUE(exists(&f, "metadata.json"));
    store = fixture_open(&f);
    CU_ASSERT_EQUAL(fixture_append(store, 1, 3, 100, &err), 0);
    fixture_close(store);
    CU_ASSERT_EQUAL(store_init(&f.config, &f.log, &err), ERR_CONFLICT);
  }
}
#endif

static void metadata_is_rewritten_with_current_values(void) {
  struct fixture f;
  struct err err;
  char text[4096];
  struct store_metadata m = {.assertion_count = 10234, .last_seq = 10300, .timeline = 2, .branch = 0xabc};
  fixture_create(&f);
  memset(m.root, 0xa5, sizeof m.root);
  CU_ASSERT_EQUAL(store_write_metadata(&f.config, &m, &err), 0);
  read_text(&f, "metadata.json", text, sizeof text);
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"version\": \"" PACKAGE_VERSION "\","));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"assertion_count\": 10234,"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"last_seq\": 10300,"));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"history\": \"00000000000000000000000000000000.2-0000000000000abc\","));
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"history_root\": \"a5a5a5a5"));
}

int main(void) {
  static const struct test_case cases[] = {
      {"a new history is complete and empty", a_new_history_is_complete_and_empty},
      {"a second init is refused", a_second_init_is_refused},
      {"remains of a history are refused", remains_of_a_history_are_refused},
      {"empty folders are no remains", empty_folders_are_no_remains},
      {"nothing is opened where there is no history", nothing_is_opened_where_there_is_no_history},
#ifdef STEMEDB_FAULTS_ENABLED
      {"an init that was killed is finished by the next", an_init_that_was_killed_is_finished_by_the_next},
#endif
      {"metadata is rewritten with current values", metadata_is_rewritten_with_current_values}};
  return harness_run("init", cases, HARNESS_COUNT(cases));
}
