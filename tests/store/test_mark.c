#include "store/mark.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

static const struct mark sample = {
    .history_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .timeline = 3,
    .branch = 0x0123456789abcdef,
    .seq = 0xfedcba9876543210,
};

static int open_mark(struct fixture *f) {
  struct err err;
  int fd = -1;
  fixture_create_empty(f);
  CU_ASSERT_EQUAL_FATAL(fileio_mkdirs(f->config.data_dir, 0750, &err), 0);
  CU_ASSERT_EQUAL_FATAL(store_make_folders(f->config.data_dir, &err), 0);
  CU_ASSERT_EQUAL_FATAL(mark_open(f->config.data_dir, true, &fd, &err), 0);
  return fd;
}

static void what_is_written_is_read(void) {
  struct fixture f;
  struct err err;
  struct mark mark = {0};
  bool found = false;
  int fd = open_mark(&f);
  CU_ASSERT_EQUAL(mark_write(fd, &sample, &err), 0);
  CU_ASSERT_EQUAL(mark_sync(fd, &err), 0);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  CU_ASSERT_EQUAL(memcmp(mark.history_id, sample.history_id, HISTORY_ID_SIZE), 0);
  CU_ASSERT_EQUAL(mark.timeline, sample.timeline);
  CU_ASSERT_EQUAL(mark.branch, sample.branch);
  CU_ASSERT_EQUAL(mark.seq, sample.seq);
  close(fd);
}

static void no_mark_is_not_an_error(void) {
  struct fixture f;
  struct err err;
  struct mark mark;
  bool found = true;
  int fd = -1;
  fixture_create_empty(&f);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(mark_open(f.config.data_dir, false, &fd, &err), ERR_NOTFOUND);
}

static void a_mark_that_was_made_and_never_written_is_none(void) {
  struct fixture f;
  struct err err;
  struct mark mark;
  bool found = true;
  int fd = open_mark(&f);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  close(fd);
}

static void every_flipped_byte_is_noticed(void) {
  struct fixture f;
  struct err err;
  struct mark mark;
  bool found = false;
  struct stat st;
  int fd = open_mark(&f);
  CU_ASSERT_EQUAL(mark_write(fd, &sample, &err), 0);
  CU_ASSERT_EQUAL(fstat(fd, &st), 0);
  CU_ASSERT_EQUAL(st.st_size, 512);
  for (off_t at = 0; at < st.st_size; at++) {
    unsigned char byte = 0;
    CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
    CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), ERR_CORRUPT);
    byte ^= 0x10;
    CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
  }
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), 0);
  CU_ASSERT_EQUAL(ftruncate(fd, 511), 0);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(ftruncate(fd, 513), 0);
  CU_ASSERT_EQUAL(mark_read(f.config.data_dir, &mark, &found, &err), ERR_CORRUPT);
  close(fd);
}

int main(void) {
  static const struct test_case cases[] = {
      {"what is written is read", what_is_written_is_read},
      {"no mark is not an error", no_mark_is_not_an_error},
      {"a mark that was made and never written is none", a_mark_that_was_made_and_never_written_is_none},
      {"every flipped byte is noticed", every_flipped_byte_is_noticed}};
  return harness_run("mark", cases, HARNESS_COUNT(cases));
}
