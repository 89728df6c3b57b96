#include "ops/archive_object.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/wal_walk.h"

enum { BLOCK = 1 << 18 };

int archive_object_path(const struct archive_line *line, const struct archive_object *object, char out[FILEIO_PATH_MAX],
                        struct err *err) {
  char name[ARCHIVE_NAME_SIZE];
  if (object->live)
    archive_live_format(name, object->name.number);
  else
    archive_name_format(name, &object->name);
  return fileio_join(out, line->folder, name, err);
}

int archive_object_pump(int in, int out, uint64_t length, crypto_hash_sha256_state *state, const char *path,
                        struct err *err) {
  uint64_t at = 0;
  int rc = 0;
  unsigned char *block = malloc(BLOCK);
  if (!block)
    return err_set(err, ERR_NOMEM, "no memory to read %s", path);
  while (!rc && at < length) {
    size_t want = length - at < BLOCK ? (size_t)(length - at) : BLOCK, got = 0;
    rc = fileio_pread(in, block, want, at, &got, err);
    if (!rc && got < want)
      rc = err_set(err, ERR_CORRUPT, "%s has %" PRIu64 " bytes, %" PRIu64 " are expected", path, at + got, length);
    if (!rc && out >= 0)
      rc = fileio_pwrite(out, block, want, at, err);
    crypto_hash_sha256_update(state, block, want);
    at += want;
  }
  free(block);
  return rc;
}

/* Its bytes, written to `out` (-1: nowhere) and proven. */
static int take(const struct archive_line *line, const struct archive_object *object, int out, struct err *err) {
  crypto_hash_sha256_state state;
  unsigned char digest[DIGEST_SIZE];
  char path[FILEIO_PATH_MAX];
  if (archive_object_path(line, object, path, err))
    return err->code;
  int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (in < 0)
    return err_sys(err, errno, "opening %s", path);
  crypto_hash_sha256_init(&state);
  int rc = archive_object_pump(in, out, object->name.length, &state, path, err);
  close(in);
  crypto_hash_sha256_final(&state, digest);
  if (!rc && !object->live && memcmp(digest, object->name.digest, DIGEST_SIZE) != 0)
    rc = err_set(err, ERR_CORRUPT, "%s is not what its name says: its SHA-256 is another one", path);
  return rc;
}

/* That a live object's copy, or it itself, is sound up to the length that was found when it was listed. */
static int check_records(const char *path, const struct archive_object *object, struct err *err) {
  struct wal_visitor visitor = {0};
  struct wal_file file;
  int rc = wal_walk_path(path, object->name.number, &visitor, &file, err);
  if (!rc && (!file.header_sound || file.end < object->name.length))
    rc = err_set(err, ERR_CORRUPT, "%s is sound up to offset %" PRIu32 " only, not %" PRIu64, path, file.end,
                 object->name.length);
  return rc;
}

int archive_check(const struct archive_line *line, const struct archive_object *object, struct err *err) {
  char path[FILEIO_PATH_MAX];
  if (!object->live)
    return take(line, object, -1, err);
  return archive_object_path(line, object, path, err) ? (int)err->code : check_records(path, object, err);
}

/* --- runs --- */

/* Reads `len` bytes at `offset` of an object. */
static int read_at(const struct archive_line *line, const struct archive_object *object, uint64_t offset,
                   unsigned char *out, size_t len, struct err *err) {
  char path[FILEIO_PATH_MAX];
  size_t got = 0;
  if (archive_object_path(line, object, path, err))
    return err->code;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  int rc = fileio_pread(fd, out, len, offset, &got, err);
  close(fd);
  if (!rc && got < len)
    rc = err_set(err, ERR_CORRUPT, "%s ends at %" PRIu64, path, offset + got);
  return rc;
}

/* Whether `before` is archived up to where `next` goes on. */
static int is_followed(const struct archive_line *line, const struct archive_object *before,
                       const struct archive_object *next, bool *followed, struct err *err) {
  unsigned char header[LOG_FILE_HEADER], record[LOG_RECORD_HEADER];
  *followed = false;
  if (next->name.length < LOG_FILE_HEADER)
    return err_set(err, ERR_CORRUPT, "%s: log file %" PRIu32 " has no whole header", line->folder, next->name.number);
  if (read_at(line, next, 0, header, sizeof(header), err))
    return err->code;
  if (bdb_u32(header + LOG_MAGIC_AT) != LOG_MAGIC)
    return err_set(err, ERR_CORRUPT, "%s: log file %" PRIu32 " does not begin as one", line->folder, next->name.number);
  uint64_t last = bdb_u32(header);
  if (last + LOG_RECORD_HEADER > before->name.length)
    return 0;
  if (read_at(line, before, last, record, sizeof(record), err))
    return err->code;
  *followed = last + bdb_u32(record + 4) == before->name.length;
  return 0;
}

static void extend(struct archive_run *run, const struct archive_object *object) {
  run->last = object->name.number;
  run->last_length = object->name.length;
  run->bytes += object->name.length;
}

int archive_run(const struct archive_line *line, uint32_t first, struct archive_run *out, struct err *err) {
  const struct archive_object *at = archive_line_object(line, first), *end = line->objects + line->count;
  struct archive_run run = {.line = line};
  bool followed = at != NULL;
  if (at) {
    run.first = first;
    extend(&run, at);
  }
  while (followed && ++at < end && at->name.number == run.last + 1) {
    if (is_followed(line, at - 1, at, &followed, err))
      return err->code;
    if (followed)
      extend(&run, at);
  }
  *out = run;
  return 0;
}

int archive_run_longest(const struct archive_line *line, struct archive_run *out, struct err *err) {
  struct archive_run best = {.line = line}, run;
  for (size_t i = 0; i < line->count; i++) {
    uint32_t number = line->objects[i].name.number;
    if (best.last && number <= best.last)
      continue; /* in the middle of one */
    if (archive_run(line, number, &run, err))
      return err->code;
    if (best.first == 0 || run.last - run.first >= best.last - best.first)
      best = run;
  }
  *out = best;
  return 0;
}

/* --- copies --- */

static int copy_one(const struct archive_line *line, const struct archive_object *object, const char *dir,
                    struct err *err) {
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX], part[FILEIO_PATH_MAX], hidden[WAL_NAME_SIZE + 8];
  wal_file_name(name, object->name.number);
  snprintf(hidden, sizeof(hidden), ARCHIVE_TEMPORARY "%s", name);
  int rc = 0;
  if ((rc = fileio_join(path, dir, name, err)) || (rc = fileio_join(part, dir, hidden, err)))
    return rc;
  int out = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (out < 0)
    return err_sys(err, errno, "making %s", part);
  rc = take(line, object, out, err);
  if (!rc && object->live)
    rc = check_records(part, object, err);
  if (!rc && fsync(out) != 0)
    rc = err_sys(err, errno, "syncing %s", part);
  close(out);
  if (!rc && rename(part, path) != 0)
    rc = err_sys(err, errno, "making %s", path);
  if (rc)
    unlink(part);
  return rc;
}

int archive_copy(const struct archive_run *run, uint32_t from, const char *dir, struct err *err) {
  uint32_t number = from > run->first ? from : run->first;
  int rc = 0;
  if (run->first == 0)
    return 0;
  for (; !rc && number <= run->last; number++)
    rc = copy_one(run->line, archive_line_object(run->line, number), dir, err);
  return rc ? rc : fileio_sync_dir(dir, err);
}
