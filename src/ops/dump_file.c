#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ops/dump.h"

enum { BLOCK = 256 << 10 };

struct dump_file {
  gzFile file; /* reads what is not compressed as it is */
  uint64_t number;
  struct buf buffer;
  size_t taken; /* bytes of the buffer that were given */
  bool ended;
};

static int read_more(struct dump_file *f, struct err *err) {
  int wrong = Z_OK;
  buf_drop_front(&f->buffer, f->taken);
  f->taken = 0;
  size_t had = f->buffer.len;
  unsigned char *room = buf_extend(&f->buffer, BLOCK);
  if (!room)
    return err_set(err, ERR_INVALID, "line %llu is longer than a line can be", (unsigned long long)f->number + 1);
  int got = gzread(f->file, room, BLOCK);
  const char *text = gzerror(f->file, &wrong);
  f->buffer.len = had + (got > 0 ? (size_t)got : 0);
  if (got < 0 || wrong == Z_BUF_ERROR) /* the latter: compressed data that end too early */
    return wrong == Z_ERRNO ? err_sys(err, errno, "reading the dump")
                            : err_set(err, ERR_INVALID, "damaged gzip data: %s", text);
  f->ended = got == 0;
  return 0;
}

int dump_file_next(struct dump_file *f, struct span *line, uint64_t *number, bool *found, struct err *err) {
  for (size_t looked = 0;;) {
    const unsigned char *data = f->buffer.len ? f->buffer.data + f->taken : NULL;
    size_t left = f->buffer.len - f->taken;
    const unsigned char *end = left > looked ? memchr(data + looked, '\n', left - looked) : NULL;
    *found = end != NULL;
    if (end) {
      *line = span_of(data, (size_t)(end - data));
      *number = ++f->number;
      f->taken += line->len + 1;
      return 0;
    }
    if (f->ended && left > 0)
      return err_set(err, ERR_INVALID, "line %llu is cut", (unsigned long long)f->number + 1);
    if (f->ended)
      return 0;
    looked = left;
    if (read_more(f, err))
      return err->code;
  }
}

int dump_file_open(const char *path, struct dump_file **out, struct dump_head *head, struct err *err) {
  struct dump_file *f = calloc(1, sizeof(*f));
  struct span line;
  uint64_t number;
  bool found = false;
  if (!f)
    return err_set(err, ERR_NOMEM, "no memory for a dump");
  buf_init(&f->buffer, DUMP_LINE_MAX + BLOCK);
  int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  int rc = fd < 0 ? err_sys(err, errno, "opening %.400s", path) : 0;
  if (!rc && !(f->file = gzdopen(fd, "rb"))) {
    close(fd);
    rc = err_set(err, ERR_NOMEM, "no memory for a dump");
  }
  if (!rc)
    rc = dump_file_next(f, &line, &number, &found, err);
  if (!rc)
    rc = found ? dump_read_head(line, head, err) : err_set(err, ERR_INVALID, "it is empty");
  if (rc) {
    err_context(err, "%.400s", path);
    dump_file_close(f);
  } else
    *out = f;
  return rc;
}

void dump_file_close(struct dump_file *f) {
  if (!f)
    return;
  if (f->file)
    gzclose_r(f->file);
  buf_free(&f->buffer);
  free(f);
}
