#include "tools/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "tools/feed_line.h"

enum { TAIL = 4 << 20, SEQ_ARENA_MAX = 256 << 20 };

int export_file_create(const char *path, int *fd, struct err *err) {
  *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (*fd < 0 && errno == EEXIST)
    return err_set(err, ERR_CONFLICT, "%s is there already; --append goes on with it", path);
  return *fd < 0 ? err_sys(err, errno, "%s", path) : 0;
}

/* The offset after the last newline in the first `end` bytes of `data`, 0 if there is none. */
static size_t line_start(const unsigned char *data, size_t end) {
  while (end > 0 && data[end - 1] != '\n')
    end--;
  return end;
}

/* Finds the last whole line in the file's tail, and where it ends. */
static int find_last_line(int fd, uint64_t size, struct buf *last, uint64_t *end, struct err *err) {
  struct buf tail;
  size_t len = size < TAIL ? (size_t)size : TAIL, got = 0;
  buf_init(&tail, TAIL);
  unsigned char *data = buf_extend(&tail, len);
  int rc = buf_check(&tail, "the end of the file", err);
  if (!rc && len)
    rc = fileio_pread(fd, data, len, size - len, &got, err);
  if (!rc) {
    size_t stop = got ? line_start(data, got) : 0;
    size_t start = stop ? line_start(data, stop - 1) : 0;
    *end = size - len + stop;
    if (stop)
      buf_add(last, data + start, stop - 1 - start);
    if (!stop && size > len)
      rc = err_set(err, ERR_INVALID, "it holds no lines");
  }
  buf_free(&tail);
  return rc;
}

int export_file_append(const char *path, int *fd, struct buf *last, uint64_t *seq, struct err *err) {
  struct stat status;
  uint64_t end = 0;
  struct arena *arena = NULL;
  *seq = 0;
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*fd < 0 || fstat(*fd, &status))
    return err_sys(err, errno, "%s", path);
  if (!S_ISREG(status.st_mode))
    return err_set(err, ERR_INVALID, "%s is no file", path);
  int rc = find_last_line(*fd, (uint64_t)status.st_size, last, &end, err);
  if (!rc && end > 0) {
    arena = arena_create(SEQ_ARENA_MAX);
    if (!arena || !feed_line_seq(arena, buf_span(last), seq) || *seq == 0)
      rc = err_set(err, ERR_INVALID, "its last line is no entry of an export");
  }
  if (!rc && (ftruncate(*fd, (off_t)end) || lseek(*fd, 0, SEEK_END) < 0))
    rc = err_sys(err, errno, "cutting off what follows its last line");
  arena_free(arena);
  return rc ? err_context(err, "%s", path) : 0;
}
