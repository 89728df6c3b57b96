/* Berkeley DB's codes as errors, deadlocks, the cells of metrics. */
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

/* Not freed: the hooks of the process keep the first that they are given. */
static struct metrics *make_metrics(void) {
  struct metrics *metrics = calloc(1, metrics_size());
  if (!metrics)
    abort();
  metrics_format(metrics);
  return metrics;
}

static void flip_byte(const struct fixture *f, off_t at) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  unsigned char byte = 0;
  CU_ASSERT_EQUAL_FATAL(store_path(path, f->config.data_dir, STORE_DB_DIR, STORE_HISTORY_FILE, &err), 0);
  int fd = open(path, O_RDWR);
  CU_ASSERT_TRUE_FATAL(fd >= 0);
  CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
  byte ^= 0x40;
  CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

/* Runs `body` in a process of its own; true if no check failed there. */
static bool in_child(void (*body)(struct fixture *f), struct fixture *f) {
  int status = 0;
  fflush(stdout);
  pid_t pid = fork();
  CU_ASSERT_FATAL(pid >= 0);
  if (pid == 0) {
    unsigned before = CU_get_number_of_failures();
    body(f);
    _exit(CU_get_number_of_failures() == before ? 0 : 1);
  }
  CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void read_damaged(struct fixture *f) {
  struct err err;
  struct buf out;
  size_t count = 0;
  uint64_t last = 0;
  buf_init(&out, 64 << 20);
  struct store *store = fixture_open(f);
  CU_ASSERT_EQUAL(history_read(store, 1, UINT64_MAX, 60 << 20, &out, &count, &err), ERR_CORRUPT);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "reading the history: "));
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "checksum error: page 9"));
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "assertions.kv"));
  /* What comes after the panic is its consequence, and does not pass for a second corruption. */
  CU_ASSERT_EQUAL(history_last(store, &last, &err), ERR_IO);
  buf_free(&out);
  store_abandon(store);
}

static void a_damaged_page_is_corruption_with_file_and_page(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 500, 500, &err), 0);
  fixture_close(store);
  flip_byte(&f, 9 * STORE_PAGE_SIZE + STORE_PAGE_SIZE / 2);
  CU_ASSERT_TRUE(in_child(read_damaged, &f)); /* a child: Berkeley DB leaks when it panics */
}

static void codes_of_berkeley_db_become_err_codes(void) {
  static const struct {
    int ret;
    enum err_code code;
  } cases[] = {{DB_LOCK_DEADLOCK, ERR_BUSY},
               {DB_LOCK_NOTGRANTED, ERR_BUSY},
               {DB_NOTFOUND, ERR_NOTFOUND},
               {DB_KEYEXIST, ERR_CONFLICT},
               {DB_PAGE_NOTFOUND, ERR_CORRUPT},
               {DB_RUNRECOVERY, ERR_IO},
               {ENOSPC, ERR_FULL},
               {ENOMEM, ERR_NOMEM},
               {EIO, ERR_IO},
               {EINVAL, ERR_IO}};
  struct fixture f;
  struct err err;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CU_ASSERT_EQUAL(store_db_error(&store->env, cases[i].ret, &err, "counting sheep"), (int)cases[i].code);
    CU_ASSERT_EQUAL(strncmp(err.text, "counting sheep: ", 16), 0);
    CU_ASSERT_EQUAL(err.code, cases[i].code);
    CU_ASSERT_EQUAL(err.sys, cases[i].ret);
  }
  fixture_close(store);
}

/* --- deadlocks --- */

static const unsigned char first_key[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 0, 1};
static const unsigned char last_key[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 1, 0};

struct meeting {
  struct store *store;
  pthread_barrier_t both_hold_one;
  unsigned reads, writes; /* attempts */
  int read_code;
};

static int put_key(struct meeting *m, DB_TXN *txn, const unsigned char *at, struct err *err) {
  char text[100] = "x";
  DBT key = {.data = (void *)(uintptr_t)at, .size = STORE_KEY_SIZE}, value = {.data = text, .size = sizeof text};
  int ret = m->store->history->put(m->store->history, txn, &key, &value, 0);
  return ret ? store_db_error(&m->store->env, ret, err, "putting") : 0;
}

static int write_first_then_last(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct meeting *m = arg;
  (void)env;
  int code = put_key(m, txn, first_key, err);
  if (m->writes++ == 0)
    pthread_barrier_wait(&m->both_hold_one);
  return code ? code : put_key(m, txn, last_key, err);
}

static int read_last_then_first(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  struct meeting *m = arg;
  DB *db = m->store->history;
  DBC *one = NULL;
  unsigned char bytes[STORE_KEY_SIZE];
  memcpy(bytes, last_key, sizeof bytes);
  DBT key = {.data = bytes, .size = sizeof bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  int ret = db->cursor(db, txn, &one, 0);
  if (ret)
    return store_db_error(env, ret, err, "opening a cursor");
  ret = one->get(one, &key, &value, DB_SET);
  if (m->reads++ == 0)
    pthread_barrier_wait(&m->both_hold_one);
  /* A second cursor with the first one's locker: it keeps what the first one holds. */
  DBC *two = NULL;
  if (!ret && !(ret = one->dup(one, &two, DB_POSITION))) {
    memcpy(bytes, first_key, sizeof bytes);
    ret = two->get(two, &key, &value, DB_SET);
    (void)two->close(two);
  }
  (void)one->close(one);
  return ret ? store_db_error(env, ret, err, "reading") : 0;
}

static void *run_reader(void *arg) {
  struct meeting *m = arg;
  struct err err;
  m->read_code = txn_read(&m->store->env, read_last_then_first, m, &err);
  return NULL;
}

static void in_a_deadlock_the_reader_gives_way_and_comes_again(void) {
  struct fixture f;
  struct err err;
  pthread_t reader;
  struct meeting m = {0};
  struct metrics *metrics = make_metrics();
  fixture_create(&f);
  CU_ASSERT_EQUAL_FATAL(env_open_writer(&f.config, &f.log, metrics, RECOVER_NORMAL, &m.store, &err), 0);
  for (uint64_t seq = 1; seq <= 256; seq++) /* one by one, so that the first and the last lie on different pages */
    CU_ASSERT_EQUAL(fixture_append(m.store, seq, seq, 500, &err), 0);
  pthread_barrier_init(&m.both_hold_one, NULL, 2);
  CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, run_reader, &m), 0);
  CU_ASSERT_EQUAL(txn_write(&m.store->env, DB_TXN_NOSYNC, write_first_then_last, &m, &err), 0);
  pthread_join(reader, NULL);
  CU_ASSERT_EQUAL(m.read_code, 0);
  CU_ASSERT_EQUAL(m.writes, 1);
  CU_ASSERT_TRUE(m.reads >= 2);
  CU_ASSERT_EQUAL(metric_value(metrics_cell(metrics, METRIC_LOCK_CONFLICTS_TOTAL, "")), m.reads - 1);
  pthread_barrier_destroy(&m.both_hold_one);
  store_abandon(m.store);
}

static int always_deadlocked(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)txn;
  ++*(unsigned *)arg;
  return store_db_error(env, DB_LOCK_DEADLOCK, err, "trying");
}

static int fails_at_once(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env, (void)txn;
  ++*(unsigned *)arg;
  return err_set(err, ERR_BUSY, "busy for a reason of its own");
}

static void only_deadlocks_are_tried_again_and_not_for_ever(void) {
  struct fixture f;
  struct err err;
  unsigned attempts = 0;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(txn_write(&store->env, DB_TXN_NOSYNC, always_deadlocked, &attempts, &err), ERR_BUSY);
  CU_ASSERT_TRUE(attempts > 3 && attempts < 100);
  attempts = 0;
  CU_ASSERT_EQUAL(txn_read(&store->env, fails_at_once, &attempts, &err), ERR_BUSY);
  CU_ASSERT_EQUAL(attempts, 1);
  fixture_close(store);
}

/* --- metrics --- */

static void check_rendered(const struct metrics *metrics) {
  struct buf text;
  buf_init(&text, 1 << 20);
  metrics_render(metrics, &text);
  buf_add_byte(&text, '\0');
  const char *all = (const char *)text.data;
  CU_ASSERT_PTR_NOT_NULL(strstr(all, "\nwal_segments_total{history=\""));
  CU_ASSERT_PTR_NOT_NULL(strstr(all, "\nstemedb_wal_segments 1\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(all, "\nstemedb_cache_hit_ratio "));
  CU_ASSERT_PTR_NOT_NULL(strstr(all, "\nstemedb_wal_fsync_duration_seconds_count "));
  buf_free(&text);
}

/* How many syncs the histogram has; what they took may be less than a microsecond. */
static unsigned long long syncs_counted(const struct metrics *metrics) {
  static const char name[] = "\nstemedb_wal_fsync_duration_seconds_count ";
  struct buf text;
  buf_init(&text, 1 << 20);
  metrics_render(metrics, &text);
  buf_add_byte(&text, '\0');
  const char *found = strstr((const char *)text.data, name);
  unsigned long long count = found ? strtoull(found + sizeof(name) - 1, NULL, 10) : 0;
  buf_free(&text);
  return count;
}

static void count_syncs(struct fixture *f) {
  struct err err;
  struct store *store = NULL;
  struct metrics *metrics = make_metrics();
  CU_ASSERT_EQUAL_FATAL(env_open_writer(&f->config, &f->log, metrics, RECOVER_NORMAL, &store, &err), 0);
  CU_ASSERT_EQUAL(store_update_metrics(store, &err), 0);
  uint64_t bytes = metric_value(metrics_cell(metrics, METRIC_WAL_BYTES_TOTAL, ""));
  unsigned long long before = syncs_counted(metrics);
  for (uint64_t seq = 1; seq <= 10; seq++) {
    CU_ASSERT_EQUAL(fixture_append(store, seq, seq, 1000, &err), 0);
    CU_ASSERT_EQUAL(history_flush(store, &err), 0);
    CU_ASSERT_EQUAL(syncs_counted(metrics), before + seq);
  }
  CU_ASSERT_TRUE(metric_value(metrics_cell(metrics, METRIC_WAL_BYTES_TOTAL, "")) >= bytes + 10000);
  check_rendered(metrics);
  store_abandon(store);
}

static void each_flush_is_counted_and_timed(void) {
  struct fixture f;
  fixture_create(&f);
  CU_ASSERT_TRUE(in_child(count_syncs, &f)); /* a child: the first metrics of a process get the durations */
}

int main(void) {
  static const struct test_case cases[] = {
      {"each flush is counted and timed", each_flush_is_counted_and_timed},
      {"a damaged page is corruption, with file and page", a_damaged_page_is_corruption_with_file_and_page},
      {"codes of Berkeley DB become err codes", codes_of_berkeley_db_become_err_codes},
      {"in a deadlock the reader gives way and comes again", in_a_deadlock_the_reader_gives_way_and_comes_again},
      {"only deadlocks are tried again, and not for ever", only_deadlocks_are_tried_again_and_not_for_ever}};
  alarm(120); /* a deadlock that is not resolved would last for ever */
  return harness_run("env", cases, HARNESS_COUNT(cases));
}
