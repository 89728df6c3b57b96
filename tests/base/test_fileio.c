#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "tests/harness/harness.h"

static char path[FILEIO_PATH_MAX];

/* `path` is NAME in a fresh folder. */
static const char *fresh(const char *name) {
  struct err err;
  const char *folder = harness_folder();
  CU_ASSERT_EQUAL_FATAL(fileio_join(path, folder, name, &err), 0);
  return folder;
}

static void join_refuses_what_does_not_fit(void) {
  struct err err;
  char out[FILEIO_PATH_MAX], longest[FILEIO_PATH_MAX];
  CU_ASSERT_EQUAL(fileio_join(out, "/a", "b", &err), 0);
  CU_ASSERT_STRING_EQUAL(out, "/a/b");
  memset(longest, 'x', sizeof(longest) - 1);
  longest[FILEIO_PATH_MAX - 1] = 0;
  CU_ASSERT_EQUAL(fileio_join(out, "/a", longest, &err), ERR_INVALID);
  longest[FILEIO_PATH_MAX - 1 - 3] = 0;
  CU_ASSERT_EQUAL(fileio_join(out, "/a", longest, &err), 0);
  CU_ASSERT_EQUAL(strlen(out), FILEIO_PATH_MAX - 1);
}

static void replace_and_read_back(void) {
  struct err err;
  struct buf b;
  struct stat st;
  bool found;
  buf_init(&b, 100000);
  const char *folder = fresh("f");
  CU_ASSERT_EQUAL(fileio_read_file(path, &b, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(fileio_replace(path, "one", 3, 0640, &err), 0);
  CU_ASSERT_EQUAL(fileio_replace(path, "second", 6, 0600, &err), 0);
  CU_ASSERT_EQUAL(fileio_read_file(path, &b, &found, &err), 0);
  CU_ASSERT_TRUE(found);
  CU_ASSERT(span_equal(buf_span(&b), span_str("second")));
  CU_ASSERT_EQUAL(stat(path, &st), 0);
  CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
  buf_free(&b);
  (void)folder;
}

static void replace_takes_the_place_of_a_leftover(void) {
  struct err err;
  char left[FILEIO_PATH_MAX];
  const char *folder = fresh("f");
  CU_ASSERT_EQUAL(fileio_join(left, folder, "f.new", &err), 0);
  int fd = open(left, O_WRONLY | O_CREAT, 0400);
  CU_ASSERT_EQUAL(fileio_write(fd, "left over and long", 18, &err), 0);
  close(fd);
  CU_ASSERT_EQUAL(fileio_replace(path, "x", 1, 0640, &err), 0);
  struct stat st;
  CU_ASSERT_EQUAL(stat(path, &st), 0);
  CU_ASSERT_EQUAL(st.st_size, 1);
  CU_ASSERT_EQUAL(access(left, F_OK), -1);
}

static void replace_fails_in_a_missing_folder(void) {
  struct err err;
  fresh("none/f");
  CU_ASSERT_EQUAL(fileio_replace(path, "x", 1, 0640, &err), ERR_NOTFOUND);
  CU_ASSERT_EQUAL(err.sys, ENOENT);
}

static void reading_keeps_the_cap(void) {
  struct err err;
  struct buf b;
  bool found;
  fresh("f");
  CU_ASSERT_EQUAL(fileio_replace(path, "0123456789", 10, 0640, &err), 0);
  buf_init(&b, 10);
  CU_ASSERT_EQUAL(fileio_read_file(path, &b, &found, &err), 0);
  buf_free(&b);
  buf_init(&b, 9);
  CU_ASSERT_EQUAL(fileio_read_file(path, &b, &found, &err), ERR_NOMEM);
  buf_free(&b);
}

static void positioned_reads_stop_at_the_end(void) {
  struct err err;
  char data[16];
  size_t got = 0;
  fresh("f");
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  CU_ASSERT_EQUAL(fileio_pwrite(fd, "abcdef", 6, 4, &err), 0);
  CU_ASSERT_EQUAL(fileio_pread(fd, data, sizeof(data), 2, &got, &err), 0);
  CU_ASSERT_EQUAL(got, 8);
  CU_ASSERT_EQUAL(memcmp(data, "\0\0abcdef", 8), 0);
  CU_ASSERT_EQUAL(fileio_pread(fd, data, sizeof(data), 100, &got, &err), 0);
  CU_ASSERT_EQUAL(got, 0);
  close(fd);
  CU_ASSERT_EQUAL(fileio_pread(fd, data, 1, 0, &got, &err), ERR_IO);
  CU_ASSERT_EQUAL(fileio_pwrite(fd, data, 1, 0, &err), ERR_IO);
  CU_ASSERT_EQUAL(fileio_write(fd, data, 1, &err), ERR_IO);
}

static void folders_are_made_with_their_parents(void) {
  struct err err;
  struct stat st;
  fresh("a/b//c/");
  CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), 0);
  CU_ASSERT_EQUAL(stat(path, &st), 0);
  CU_ASSERT_TRUE(S_ISDIR(st.st_mode));
  CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), 0);
  CU_ASSERT_EQUAL(fileio_sync_dir(path, &err), 0);
  fresh("f");
  CU_ASSERT_EQUAL(fileio_replace(path, "x", 1, 0640, &err), 0);
  CU_ASSERT_EQUAL(fileio_mkdirs(path, 0750, &err), ERR_IO);
  CU_ASSERT_EQUAL(err.sys, EEXIST);
  CU_ASSERT_EQUAL(fileio_mkdirs("", 0750, &err), ERR_INVALID);
}

static void free_space_is_told(void) {
  struct err err;
  uint64_t bytes = 0;
  const char *folder = fresh("f");
  CU_ASSERT_EQUAL(fileio_free_bytes(folder, &bytes, &err), 0);
  CU_ASSERT(bytes > 0);
  CU_ASSERT_EQUAL(fileio_free_bytes(path, &bytes, &err), ERR_NOTFOUND);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a path that does not fit is refused", join_refuses_what_does_not_fit},
      {"a replaced file has its new content and mode", replace_and_read_back},
      {"what a crash left of a replacement is replaced too", replace_takes_the_place_of_a_leftover},
      {"replacing in a missing folder fails", replace_fails_in_a_missing_folder},
      {"a file larger than the buffer's cap is refused", reading_keeps_the_cap},
      {"a positioned read is short only at the end of the file", positioned_reads_stop_at_the_end},
      {"folders are made with their parents, and files are not taken for folders", folders_are_made_with_their_parents},
      {"free space is told, and a missing path refused", free_space_is_told},
  };
  return harness_run("fileio", cases, HARNESS_COUNT(cases));
}
