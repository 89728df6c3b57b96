#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/startup_internal.h"

/*
 * A log that ends before the newest page of the database must not be given to Berkeley DB: it would refuse to start, or
 * start and panic at the first write to such a page.
 */

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
  unsigned char header[LOG_FILE_HEADER];
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  bdb_file_header(header, 0, (uint32_t)s->config->wal_file_bytes);
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

int startup_renew_wal(struct startup *s, struct err *err) {
  uint32_t number = 0;
  int code = 0;
  if ((code = greatest_number(s, &number, err)) || (code = move_log_aside(s, err)) ||
      (code = write_header(s, number + 1, err)))
    return code;
  log_warn(s->log, "A new WAL begins. Backups made before cannot be rolled forward over this: make a full backup");
  return 0;
}

static int put_other_log_in(struct startup *s, struct err *err) {
  bool found = false;
  int code = 0;
  if (!s->has_mark && !s->accepting) {
    err_set(err, ERR_CORRUPT,
            "%s does not reach up to the database, and %s/%s is missing: what was acknowledged is not known", s->wal,
            s->db, STORE_MARK_FILE);
    return startup_fail(s, STARTUP_RESTORE, err);
  }
  log_warn(s->log, "%s", s->scan.end.file == 0 ? "There is no WAL" : "The WAL is older than the database");
  if ((code = startup_divorce_wal(s, err)) || (code = reuse_stage(s, &found, err)))
    return code;
  if (!found)
    code = startup_renew_wal(s, err);
  else if ((code = move_log_aside(s, err)) == 0)
    code = reuse_put_in(s, err);
  return code ? code : walscan_run(s->wal, false, NULL, &s->scan, err);
}

int startup_replace_wal(struct startup *s, struct err *err) {
  bool own = false, first = false, reaches = false;
  int code = 0;
  if ((code = startup_is_own_wal(s, s->wal, &own, err)) || (code = startup_is_first(s, &first, err)) ||
      (code = reaches_pages(s, &reaches, err)))
    return code;
  s->replaced = (!own && !first) || !reaches;
  s->report->wal_replaced = s->replaced;
  if (!reaches)
    return put_other_log_in(s, err);
  if (s->replaced)
    log_warn(s->log, "The WAL was replaced");
  return 0;
}

static int remove_log(struct startup *s, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  char path[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  int code = walscan_list(s->wal, &numbers, &count, err);
  for (size_t i = 0; !code && i < count; i++) {
    wal_file_name(name, numbers[i]);
    if (!(code = fileio_join(path, s->wal, name, err)) && unlink(path))
      code = err_sys(err, errno, "removing %s", path);
  }
  free(numbers);
  return code;
}

int startup_begin_log(const struct config *config, const struct log *log, struct err *err) {
  struct startup s = {0};
  struct startup_report report;
  int code = startup_prepare(&s, config, log, NULL, &report, err);
  if (code || (code = walscan_run(s.wal, false, NULL, &s.scan, err)))
    return code;
  if (s.scan.commits > 0 || s.scan.fatal.fault != WAL_SOUND)
    return err_set(err, ERR_CONFLICT, "%s was not closed clean: it needs its log", s.history);
  if ((code = startup_divorce_wal(&s, err)) || (code = remove_log(&s, err)) ||
      (code = write_header(&s, s.scan.last_file + 1, err)))
    return code;
  return startup_marry_wal(&s, err);
}
