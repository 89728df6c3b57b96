#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/startup_internal.h"

/*
 * A log and a database belong together. Each bears a copy of one random name: data/wal/.id and data/db/wal.id. A log
 * that was put in from a backup has none. Beyond that, a log that ends before the newest page of the database must not
 * be given to Berkeley DB: it would refuse to start, or start and panic at the first write to such a page.
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

/* Neither has a name: nobody has started here yet. */
static int is_first_start(const struct startup *s, bool *first, struct err *err) {
  struct buf ids;
  buf_init(&ids, (size_t)2 * WAL_ID_MAX);
  int code = read_id(s->wal, WAL_ID_IN_WAL, &ids, err);
  if (!code)
    code = read_id(s->db, WAL_ID_IN_DB, &ids, err);
  *first = !code && ids.len == 0;
  buf_free(&ids);
  return code;
}

int startup_marry_wal(struct startup *s, struct err *err) {
  unsigned char id[WAL_ID_BYTES];
  char text[WAL_ID_DIGITS + 2], path[FILEIO_PATH_MAX];
  bool own = false;
  int code = startup_is_own_wal(s, s->wal, &own, err);
  if (code || own)
    return code;
  randombytes_buf(id, sizeof id);
  sodium_bin2hex(text, sizeof text, id, sizeof id);
  text[WAL_ID_DIGITS] = '\n';
  if ((code = fileio_join(path, s->wal, WAL_ID_IN_WAL, err)) ||
      (code = fileio_replace(path, text, WAL_ID_DIGITS + 1, 0640, err)) ||
      (code = fileio_join(path, s->db, WAL_ID_IN_DB, err)) ||
      (code = fileio_replace(path, text, WAL_ID_DIGITS + 1, 0640, err)))
    return code;
  return 0;
}

static int divorce_wal(struct startup *s, struct err *err) {
  char path[FILEIO_PATH_MAX];
  if (fileio_join(path, s->wal, WAL_ID_IN_WAL, err))
    return err->code;
  if (unlink(path) && errno != ENOENT)
    return err_sys(err, errno, "removing %s", path);
  return fileio_sync_dir(s->wal, err);
}

/* The greatest number that any log file of this home bears, those that were set aside included, or a page names. */
static int greatest_number(struct startup *s, uint32_t *greatest, struct err *err) {
  char **folders = NULL;
  size_t count = 0;
  uint32_t *numbers = NULL;
  size_t files = 0;
  *greatest = s->scan.last_file > s->pages.newest.file ? s->scan.last_file : s->pages.newest.file;
  int code = aside_list(s->config->data_dir, &folders, &count, err);
  for (size_t i = 0; !code && i < count; i++) {
    code = walscan_list(folders[i], &numbers, &files, err);
    if (!code && files > 0 && numbers[files - 1] > *greatest)
      *greatest = numbers[files - 1];
    free(numbers);
    numbers = NULL;
  }
  aside_list_free(folders, count);
  return code;
}

static int move_log_aside(struct startup *s, struct err *err) {
  char aside[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  uint32_t *numbers = NULL;
  size_t count = 0;
  int code = walscan_list(s->wal, &numbers, &count, err);
  if (code || count == 0)
    goto out;
  if ((code = aside_make(s->config->data_dir, "wal.superseded", aside, err)))
    goto out;
  for (size_t i = count; !code && i > 0; i--) {
    wal_file_name(name, numbers[i - 1]);
    code = aside_move(s->wal, aside, name, err);
  }
  if (!code)
    log_warn(s->log, "The WAL that was found was moved to %s", aside);
out:
  free(numbers);
  return code;
}

/* A log that holds its file header alone: recovery has nothing to do, and writes go on behind every page's LSN. No byte
 * of the database is touched. */
static int write_header(struct startup *s, uint32_t number, struct err *err) {
  uint32_t prev = 0, len = LOG_FILE_HEADER, sum;
  uint32_t body[4] = {LOG_MAGIC, LOG_VERSION, (uint32_t)s->config->wal_file_bytes, 0};
  unsigned char header[LOG_FILE_HEADER];
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  sum = bdb_sum(0, body, sizeof body) ^ prev ^ len;
  memcpy(header, &prev, sizeof prev);
  memcpy(header + 4, &len, sizeof len);
  memcpy(header + 8, &sum, sizeof sum);
  memcpy(header + LOG_RECORD_HEADER, body, sizeof body);
  wal_file_name(name, number);
  if (fileio_join(path, s->wal, name, err))
    return err->code;
  FAULT("store.startup.before_header");
  return fileio_replace(path, header, sizeof header, 0640, err);
}

/* Whether the log can be the one that the newest page was written with. */
static int reaches_pages(struct startup *s, bool *reaches, struct err *err) {
  struct lsn newest = s->pages.newest;
  *reaches = s->scan.end.file != 0 && lsn_compare(newest, s->scan.end) < 0;
  if (!*reaches || newest.file < s->scan.first_file || s->scan.old.fault != WAL_SOUND)
    return 0;
  /* A log of another branch may be longer, but has no record there. */
  return wal_walk_probe(s->wal, newest, reaches, err);
}

static int begin_new_log(struct startup *s, struct err *err) {
  uint32_t number = 0;
  if (!s->has_mark && !s->accepting) {
    err_set(err, ERR_CORRUPT,
            "%s does not reach up to the database, and %s/%s is missing: what was acknowledged is not known", s->wal,
            s->db, STORE_MARK_FILE);
    return startup_fail(s, STARTUP_RESTORE, err);
  }
  log_warn(s->log, "%s: a new WAL begins",
           s->scan.end.file == 0 ? "There is no WAL" : "The WAL is older than the database");
  int code = 0;
  if ((code = greatest_number(s, &number, err)) || (code = divorce_wal(s, err)) || (code = move_log_aside(s, err)) ||
      (code = write_header(s, number + 1, err)))
    return code;
  log_warn(s->log, "Backups made before cannot be rolled forward over this: make a full backup");
  return walscan_run(s->wal, false, NULL, &s->scan, err);
}

int startup_replace_wal(struct startup *s, struct err *err) {
  bool own = false, first = false, reaches = false;
  int code = 0;
  if ((code = startup_is_own_wal(s, s->wal, &own, err)) || (code = is_first_start(s, &first, err)) ||
      (code = reaches_pages(s, &reaches, err)))
    return code;
  s->replaced = (!own && !first) || !reaches;
  s->report->wal_replaced = s->replaced;
  if (!reaches)
    return begin_new_log(s, err);
  if (s->replaced)
    log_warn(s->log, "The WAL was replaced");
  return 0;
}
