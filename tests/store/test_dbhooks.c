/* What our own system calls under Berkeley DB leave on the disk. That a failed sync is final: test_crash.c. */
#include "store/dbhooks.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/walscan.h"
#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

enum { MIB = 1 << 20 };

struct seen {
  uint64_t size, allocated;
  uint64_t content; /* up to the last byte that is not zero */
};

static struct seen look_at(const struct fixture *f, unsigned number) {
  struct err err;
  struct stat st;
  struct buf bytes;
  bool found = false;
  char path[FILEIO_PATH_MAX], name[32];
  snprintf(name, sizeof name, "log.%010u", number);
  CU_ASSERT_EQUAL_FATAL(store_path(path, f->config.data_dir, STORE_WAL_DIR, name, &err), 0);
  CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
  buf_init(&bytes, 64 * MIB);
  CU_ASSERT_EQUAL_FATAL(fileio_read_file(path, &bytes, &found, &err), 0);
  struct seen seen = {(uint64_t)st.st_size, (uint64_t)st.st_blocks * 512, bytes.len};
  while (seen.content > 0 && bytes.data[seen.content - 1] == 0)
    seen.content--;
  buf_free(&bytes);
  return seen;
}

static void the_log_is_filled_with_zeros_ahead_of_its_end(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  f.config.wal_file_bytes = 4 * MIB;
  struct store *store = fixture_open(&f);
  uint64_t seq = 1;
  unsigned file = 1;
  for (; file < 3; seq += 10) { /* into the third file */
    struct wal_usage usage;
    CU_ASSERT_EQUAL_FATAL(fixture_append(store, seq, seq + 9, 1000, &err), 0);
    CU_ASSERT_EQUAL_FATAL(history_flush(store, &err), 0);
    CU_ASSERT_EQUAL_FATAL(store_wal_usage(f.config.data_dir, &usage, &err), 0);
    file = usage.highest;
  }
  for (unsigned i = 0; i < 20; i++, seq++) {
    CU_ASSERT_EQUAL_FATAL(fixture_append(store, seq, seq, 1000, &err), 0);
    CU_ASSERT_EQUAL_FATAL(history_flush(store, &err), 0);
    struct seen seen = look_at(&f, 3);
    CU_ASSERT_TRUE(seen.size > 3 * MIB);
    CU_ASSERT_TRUE(seen.content < MIB);
    CU_ASSERT_TRUE(seen.allocated >= MIB && seen.allocated < 2 * MIB);
  }
  store_abandon(store);
}

static void recovery_writes_no_zeros_over_zeros(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  f.config.wal_file_bytes = 16 * MIB;
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 10, 1000, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  store_abandon(store);
  struct seen before = look_at(&f, 1);
  fixture_close(fixture_open(&f));
  struct seen after = look_at(&f, 1);
  CU_ASSERT_TRUE(after.content > before.content);
  CU_ASSERT_TRUE(after.allocated < 3 * MIB);
}

/* The rest of a torn record is not zeros: recovery must still zero it. */
static void recovery_zeroes_what_is_not_zero(void) {
  struct fixture f;
  struct err err;
  struct walscan scan;
  char path[FILEIO_PATH_MAX];
  static const char garbage[100] = "garbage";
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 10, 1000, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  store_abandon(store);
  struct seen before = look_at(&f, 1);
  CU_ASSERT_EQUAL_FATAL(store_path(path, f.config.data_dir, STORE_WAL_DIR, "log.0000000001", &err), 0);
  int fd = open(path, O_WRONLY);
  CU_ASSERT_EQUAL(pwrite(fd, garbage, sizeof garbage, (off_t)before.content + 9000), (ssize_t)sizeof garbage);
  close(fd);
  store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 11, 11, 10, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  store_abandon(store);
  CU_ASSERT_TRUE(look_at(&f, 1).content < before.content + 9000);
  CU_ASSERT_EQUAL(fileio_join(path, f.config.data_dir, STORE_WAL_DIR, &err), 0);
  CU_ASSERT_EQUAL(walscan_run(path, false, NULL, &scan, &err), 0);
  CU_ASSERT_EQUAL(scan.fatal.fault, WAL_SOUND);
  CU_ASSERT_FALSE(scan.torn);
}

int main(void) {
  static const struct test_case cases[] = {
      {"the log is filled with zeros ahead of its end", the_log_is_filled_with_zeros_ahead_of_its_end},
      {"recovery writes no zeros over zeros", recovery_writes_no_zeros_over_zeros},
      {"recovery zeroes what is not zero", recovery_zeroes_what_is_not_zero}};
  return harness_run("dbhooks", cases, HARNESS_COUNT(cases));
}
