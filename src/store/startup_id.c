#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "store/startup_internal.h"

/*
 * A log and a database belong together. Each bears a copy of one random name: data/wal/.id and data/db/wal.id. A log
 * that was put in from a backup has none, one that was set aside by renaming data/wal keeps its own.
 */
#define WAL_ID_IN_WAL ".id"
#define WAL_ID_IN_DB "wal.id"

enum { WAL_ID_BYTES = 16, WAL_ID_DIGITS = 2 * WAL_ID_BYTES, WAL_ID_MAX = 64 };

static int read_id(const char *dir, const char *name, struct buf *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  bool found = false;
  if (fileio_join(path, dir, name, err) || fileio_read_file(path, out, &found, err))
    return err->code;
  return 0;
}

int startup_is_own_wal(const struct startup *s, const char *dir, bool *own, struct err *err) {
  struct buf wal, db;
  buf_init(&wal, WAL_ID_MAX);
  buf_init(&db, WAL_ID_MAX);
  int code = read_id(dir, WAL_ID_IN_WAL, &wal, err);
  if (!code)
    code = read_id(s->db, WAL_ID_IN_DB, &db, err);
  *own = !code && wal.len > 0 && span_equal(buf_span(&wal), buf_span(&db));
  buf_free(&wal);
  buf_free(&db);
  return code;
}

int startup_is_first(const struct startup *s, bool *first, struct err *err) {
  struct buf ids;
  buf_init(&ids, (size_t)2 * WAL_ID_MAX);
  int code = read_id(s->wal, WAL_ID_IN_WAL, &ids, err);
  if (!code)
    code = read_id(s->db, WAL_ID_IN_DB, &ids, err);
  *first = !code && ids.len == 0;
  buf_free(&ids);
  return code;
}

static void make_id(char text[WAL_ID_DIGITS + 2]) {
  unsigned char id[WAL_ID_BYTES];
  randombytes_buf(id, sizeof id);
  sodium_bin2hex(text, WAL_ID_DIGITS + 2, id, sizeof id);
  text[WAL_ID_DIGITS] = '\n';
}

static int write_id(const char *dir, const char *name, const char text[WAL_ID_DIGITS + 2], struct err *err) {
  char path[FILEIO_PATH_MAX];
  if (fileio_join(path, dir, name, err))
    return err->code;
  return fileio_replace(path, text, WAL_ID_DIGITS + 1, 0640, err);
}

int startup_marry_wal(struct startup *s, struct err *err) {
  char text[WAL_ID_DIGITS + 2];
  bool own = false;
  int code = startup_is_own_wal(s, s->wal, &own, err);
  if (code || own)
    return code;
  make_id(text);
  code = write_id(s->wal, WAL_ID_IN_WAL, text, err);
  return code ? code : write_id(s->db, WAL_ID_IN_DB, text, err);
}

int startup_divorce_wal(struct startup *s, struct err *err) {
  char text[WAL_ID_DIGITS + 2], path[FILEIO_PATH_MAX];
  struct buf id;
  buf_init(&id, WAL_ID_MAX);
  int code = read_id(s->db, WAL_ID_IN_DB, &id, err);
  if (!code && id.len == 0) { /* else both would have none, as before the first start */
    make_id(text);
    code = write_id(s->db, WAL_ID_IN_DB, text, err);
  }
  buf_free(&id);
  if (code || (code = fileio_join(path, s->wal, WAL_ID_IN_WAL, err)))
    return code;
  if (unlink(path) && errno != ENOENT)
    return err_sys(err, errno, "removing %s", path);
  return fileio_sync_dir(s->wal, err);
}
