#include "store/wal_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

enum { WINDOW_SIZE = 1 << 20 };

/* A file seen through a buffer that moves along. */
struct window {
  int fd;
  uint64_t size; /* of the file */
  unsigned char *data;
  size_t capacity;
  uint64_t at; /* what is in the buffer */
  size_t len;
};

struct walk {
  struct window window;
  const struct wal_visitor *visitor;
  struct wal_file *file;
  uint32_t pos;
  bool resumed; /* the record before is not known */
};

void wal_file_name(char out[WAL_NAME_SIZE], uint32_t number) {
  snprintf(out, WAL_NAME_SIZE, "log.%010u", (unsigned)number);
}

static int join_number(char path[FILEIO_PATH_MAX], const char *dir, uint32_t number, struct err *err) {
  char name[WAL_NAME_SIZE];
  wal_file_name(name, number);
  return fileio_join(path, dir, name, err);
}

static int window_open(struct window *w, const char *path, struct err *err) {
  struct stat st;
  w->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (w->fd < 0 || fstat(w->fd, &st))
    return err_sys(err, errno, "opening %s", path);
  if (st.st_size > UINT32_MAX)
    return err_set(err, ERR_INVALID, "%s is larger than a log file can be", path);
  w->size = (uint64_t)st.st_size;
  return 0;
}

static void window_close(struct window *w) {
  if (w->fd >= 0)
    close(w->fd);
  free(w->data);
}

/* Makes `len` bytes at `at` (inside of the file) readable at *out until the next call. */
static int window_get(struct window *w, uint64_t at, size_t len, const unsigned char **out, struct err *err) {
  if (at < w->at || at + len > w->at + w->len) {
    size_t want = len > WINDOW_SIZE ? len : WINDOW_SIZE;
    if (want > w->capacity) {
      free(w->data);
      w->capacity = 0;
      w->data = malloc(want);
      if (!w->data)
        return err_set(err, ERR_NOMEM, "no memory for a log record of %zu bytes", len);
      w->capacity = want;
    }
    w->at = at;
    w->len = 0;
    if (want > w->size - at)
      want = (size_t)(w->size - at);
    if (fileio_pread(w->fd, w->data, want, at, &w->len, err))
      return (int)err->code;
    if (w->len < len)
      return err_set(err, ERR_IO, "a log file became shorter while it was read");
  }
  *out = w->data + (at - w->at);
  return 0;
}

/* Whether all bytes from `at` to the end are 0. */
static int rest_is_zero(struct window *w, uint64_t at, bool *zero, struct err *err) {
  const unsigned char *p;
  *zero = true;
  while (at < w->size && *zero) {
    size_t len = w->size - at < WINDOW_SIZE ? (size_t)(w->size - at) : WINDOW_SIZE;
    if (window_get(w, at, len, &p, err))
      return (int)err->code;
    *zero = bdb_is_zero(p, len);
    at += len;
  }
  return 0;
}

/* Whether the record at `at` is complete and its checksum right; its length goes to *len. */
static int is_sound(struct window *w, uint32_t at, uint32_t *prev, uint32_t *len, bool *sound, struct err *err) {
  const unsigned char *p;
  *sound = false;
  if (w->size - at < LOG_RECORD_LEAST)
    return 0;
  if (window_get(w, at, LOG_RECORD_HEADER, &p, err))
    return (int)err->code;
  *prev = bdb_u32(p);
  *len = bdb_u32(p + 4);
  if (*len < LOG_RECORD_LEAST || *len > w->size - at)
    return 0;
  if (window_get(w, at, *len, &p, err))
    return (int)err->code;
  *sound = (bdb_sum(0, p + LOG_RECORD_HEADER, *len - LOG_RECORD_HEADER) ^ *prev ^ *len) == bdb_u32(p + 8);
  return 0;
}

/* What cannot be a record is sorted out by its header, so that the checksum of few is computed. */
static bool is_plausible(const unsigned char *p, uint64_t at, uint64_t size) {
  uint32_t len = bdb_u32(p + 4);
  return len >= LOG_RECORD_LEAST && len <= size - at && bdb_u32(p) < at &&
         bdb_u32(p + LOG_RECORD_HEADER) < LOG_TYPE_LIMIT;
}

/* The first sound record at or after `from`, byte by byte. A false one has odds of 2^-32 for each plausible header. */
static int find_sound(struct window *w, uint32_t from, uint32_t *at, bool *found, struct err *err) {
  const unsigned char *p;
  uint32_t prev, len;
  *found = false;
  for (uint64_t pos = from; pos + LOG_RECORD_LEAST <= w->size; pos++) {
    if (window_get(w, pos, LOG_RECORD_LEAST, &p, err))
      return (int)err->code;
    if (!is_plausible(p, pos, w->size))
      continue;
    if (is_sound(w, (uint32_t)pos, &prev, &len, found, err))
      return (int)err->code;
    if (*found) {
      *at = (uint32_t)pos;
      return 0;
    }
  }
  return 0;
}

/* Something is wrong at walk->pos. Goes on at the next sound record, or ends the walk there: *more is false. */
static int resume(struct walk *walk, enum wal_fault fault, uint32_t fault_at, uint32_t from, bool *more,
                  struct err *err) {
  struct wal_file *file = walk->file;
  struct wal_damage damage = {fault, {file->number, fault_at}};
  bool zero;
  *more = false;
  if (rest_is_zero(&walk->window, walk->pos, &zero, err))
    return (int)err->code;
  if (zero) {
    file->empty = walk->pos == 0;
    return 0;
  }
  if (find_sound(&walk->window, from, &walk->pos, more, err))
    return (int)err->code;
  if (!*more) {
    file->torn = true;
    return 0;
  }
  walk->resumed = true;
  return walk->visitor->damage ? walk->visitor->damage(walk->visitor->ctx, &damage, err) : 0;
}

/* A log of another version is not walked, and never taken for a torn one. */
static int refuse_version(struct walk *walk, bool *more, struct err *err) {
  struct wal_damage damage = {WAL_BAD_VERSION, {walk->file->number, LOG_VERSION_AT}};
  *more = false;
  return walk->visitor->damage ? walk->visitor->damage(walk->visitor->ctx, &damage, err) : 0;
}

static int check_header(struct walk *walk, bool *more, struct err *err) {
  const unsigned char *p;
  struct wal_file *file = walk->file;
  uint32_t len = 0;
  *more = true;
  if (walk->window.size >= LOG_FILE_HEADER) {
    if (is_sound(&walk->window, 0, &file->header_prev, &len, &file->header_sound, err) ||
        window_get(&walk->window, 0, LOG_FILE_HEADER, &p, err))
      return (int)err->code;
    if (bdb_u32(p + LOG_MAGIC_AT) != LOG_MAGIC)
      file->header_sound = false;
    else if (!file->header_sound || len != LOG_FILE_HEADER) {
      file->header_sound = false;
      return resume(walk, WAL_BAD_CHECKSUM, 0, LOG_FILE_HEADER, more, err);
    } else if (bdb_u32(p + LOG_VERSION_AT) != LOG_VERSION)
      return refuse_version(walk, more, err);
  }
  if (!file->header_sound)
    return resume(walk, WAL_BAD_MAGIC, LOG_MAGIC_AT, LOG_FILE_HEADER, more, err);
  walk->pos = file->end = LOG_FILE_HEADER;
  return 0;
}

static int visit(struct walk *walk, uint32_t len, struct err *err) {
  const unsigned char *p;
  if (!walk->visitor->record)
    return 0;
  if (window_get(&walk->window, walk->pos, len, &p, err))
    return (int)err->code;
  p += LOG_RECORD_HEADER;
  struct wal_record record = {.lsn = {walk->file->number, walk->pos},
                              .type = bdb_u32(p),
                              .transaction = bdb_u32(p + 4),
                              .begins = bdb_u32(p + 8) == 0,
                              .body = {p, len - LOG_RECORD_HEADER}};
  return walk->visitor->record(walk->visitor->ctx, &record, err);
}

static int walk_records(struct walk *walk, struct err *err) {
  struct wal_file *file = walk->file;
  uint32_t prev = 0, len = 0;
  bool sound, more = true;
  while (more && walk->pos < walk->window.size) {
    if (is_sound(&walk->window, walk->pos, &prev, &len, &sound, err))
      return (int)err->code;
    if (sound && (walk->resumed || prev == file->last)) {
      if (visit(walk, len, err))
        return (int)err->code;
      walk->resumed = false;
      file->last = walk->pos;
      walk->pos += len;
      file->end = walk->pos;
    } else if (resume(walk, WAL_BAD_CHECKSUM, walk->pos, walk->pos + 1, &more, err))
      return (int)err->code;
  }
  return 0;
}

int wal_walk_file(const char *dir, uint32_t number, const struct wal_visitor *visitor, struct wal_file *out,
                  struct err *err) {
  char path[FILEIO_PATH_MAX];
  int ret = join_number(path, dir, number, err);
  return ret ? ret : wal_walk_path(path, number, visitor, out, err);
}

int wal_walk_path(const char *path, uint32_t number, const struct wal_visitor *visitor, struct wal_file *out,
                  struct err *err) {
  struct walk walk = {.window = {.fd = -1}, .visitor = visitor, .file = out};
  bool more;
  int ret;
  *out = (struct wal_file){.number = number};
  if ((ret = window_open(&walk.window, path, err)))
    goto out;
  out->size = walk.window.size;
  if ((ret = check_header(&walk, &more, err)) == 0 && more)
    ret = walk_records(&walk, err);
out:
  window_close(&walk.window);
  return ret;
}

int wal_walk_probe(const char *dir, struct lsn lsn, bool *found, struct err *err) {
  struct window w = {.fd = -1};
  char path[FILEIO_PATH_MAX];
  uint32_t prev, len;
  *found = false;
  int ret = join_number(path, dir, lsn.file, err);
  if (!ret)
    ret = window_open(&w, path, err);
  if (ret == ERR_NOTFOUND)
    ret = 0;
  else if (ret == 0 && lsn.offset < w.size)
    ret = is_sound(&w, lsn.offset, &prev, &len, found, err);
  window_close(&w);
  return ret;
}

/* Reads bytes of a file of the log. */
static int read_at(const char *dir, uint32_t number, uint64_t at, unsigned char *out, size_t len, struct err *err) {
  struct window w = {.fd = -1};
  char path[FILEIO_PATH_MAX];
  size_t got = 0;
  int ret = join_number(path, dir, number, err);
  if (!ret)
    ret = window_open(&w, path, err);
  if (!ret)
    ret = fileio_pread(w.fd, out, len, at, &got, err);
  if (!ret && got < len)
    ret = err_set(err, ERR_CORRUPT, "%s ends before %" PRIu64, path, at + len);
  window_close(&w);
  return ret;
}

int wal_file_end(const char *dir, uint32_t number, uint64_t *end, struct err *err) {
  unsigned char header[LOG_FILE_HEADER], record[LOG_RECORD_HEADER];
  if (read_at(dir, number + 1, 0, header, sizeof(header), err))
    return (int)err->code;
  if (bdb_u32(header + LOG_MAGIC_AT) != LOG_MAGIC)
    return err_set(err, ERR_CORRUPT, "log file %" PRIu32 " in %s does not begin as one", number + 1, dir);
  uint32_t last = bdb_u32(header);
  if (read_at(dir, number, last, record, sizeof(record), err))
    return (int)err->code;
  if (bdb_u32(record + 4) < LOG_RECORD_LEAST)
    return err_set(err, ERR_CORRUPT, "log file %" PRIu32 " in %s has no record at %" PRIu32 ", where its last one is",
                   number, dir, last);
  *end = (uint64_t)last + bdb_u32(record + 4);
  return 0;
}
