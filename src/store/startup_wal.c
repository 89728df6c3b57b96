#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/startup_internal.h"

static int rescan(struct startup *s, struct err *err) {
  return walscan_run(s->wal, s->quick, NULL, &s->scan, err);
}

/* Moves the log files numbered from..to into `aside`. */
static int move_files(struct startup *s, const char *aside, uint32_t from, uint32_t to, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  char name[WAL_NAME_SIZE];
  int code = walscan_list(s->wal, &numbers, &count, err);
  /* The last one first: what is left in between is a log that ends early, never one with a gap. */
  for (size_t i = count; !code && i > 0; i--) {
    if (numbers[i - 1] < from || numbers[i - 1] > to)
      continue;
    wal_file_name(name, numbers[i - 1]);
    code = aside_move(s->wal, aside, name, err);
  }
  free(numbers);
  return code;
}

/* Damage that only catastrophic recovery and backups would meet. They must not: everything up to it goes aside. If it
 * is in the file that recovery begins in, that has to wait until recovery is done. */
static int set_old_damage_aside(struct startup *s, struct err *err) {
  char text[WALSCAN_TEXT_SIZE], aside[FILEIO_PATH_MAX];
  uint32_t number = s->scan.old.at.file;
  walscan_describe(&s->scan.old, s->wal, text);
  log_warn(s->log, "%s", text);
  log_warn(s->log, "The damage lies before the last checkpoint: the database does not need it. Older backups cannot be "
                   "rolled forward over it: make a full backup now");
  if (number >= s->scan.checkpoint_from.file)
    return 0;
  int code = aside_make(s->config->data_dir, "wal.superseded", aside, err);
  if (code || (code = move_files(s, aside, 0, number, err)))
    return code;
  log_warn(s->log, "WAL segments up to %" PRIu32 " were moved to %s", number, aside);
  return rescan(s, err);
}

/* The torn record itself is of no use, but it is evidence, and recovery will write zeros over it. */
static int set_torn_tail_aside(struct startup *s, struct err *err) {
  char name[WAL_NAME_SIZE], aside[FILEIO_PATH_MAX];
  wal_file_name(name, s->scan.torn_file);
  int code = aside_make(s->config->data_dir, "wal.torn", aside, err);
  if (code)
    return code;
  code = s->scan.torn_header ? aside_move(s->wal, aside, name, err)
                             : aside_copy(s->wal, aside, name, s->scan.end.offset, err);
  if (code)
    return code;
  log_warn(s->log,
           "The last record of WAL segment %s/%s, at offset %" PRIu32
           ", was not written to its end; it is cut off, and %s to %s",
           s->wal, name, s->scan.torn_header ? 0 : s->scan.end.offset, s->scan.torn_header ? "moved" : "copied", aside);
  s->report->tail_cut = true;
  return 0;
}

/* Accepted loss: the log ends where the damage begins. All that is cut is kept. */
static int cut_at_damage(struct startup *s, struct err *err) {
  char name[WAL_NAME_SIZE], aside[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX];
  struct lsn at = s->scan.fatal.at;
  bool whole = at.offset < LOG_FILE_HEADER; /* nothing of the file is sound */
  wal_file_name(name, at.file);
  int code = aside_make(s->config->data_dir, "wal.superseded", aside, err);
  if (!code && !whole)
    code = aside_copy(s->wal, aside, name, 0, err);
  if (!code)
    code = move_files(s, aside, whole ? at.file : at.file + 1, UINT32_MAX, err);
  if (code || (code = fileio_join(path, s->wal, name, err)))
    return code;
  if (!whole && truncate(path, at.offset))
    return err_sys(err, errno, "cutting %s", path);
  s->cut = true;
  log_warn(s->log, "The WAL was cut in segment %s/%s at offset %" PRIu32 "; what was cut is in %s", s->wal, name,
           at.offset, aside);
  return rescan(s, err);
}

int startup_scan_wal(struct startup *s, struct err *err) {
  char text[WALSCAN_TEXT_SIZE];
  int code = rescan(s, err);
  while (!code && s->accepting && s->scan.fatal.fault != WAL_SOUND && s->scan.fatal.fault != WAL_BAD_VERSION) {
    walscan_describe(&s->scan.fatal, s->wal, text);
    log_warn(s->log, "%s", text);
    code = cut_at_damage(s, err);
  }
  if (code)
    return code;
  s->report->wal_bytes_scanned = s->scan.bytes;
  if (s->scan.fatal.fault != WAL_SOUND) {
    walscan_describe(&s->scan.fatal, s->wal, text);
    err_set(err, ERR_CORRUPT, "%s", text);
    return startup_fail(s, STARTUP_REPLACE_WAL, err);
  }
  if (s->scan.torn && !s->has_mark && !s->accepting) {
    err_set(err, ERR_CORRUPT,
            "The WAL ends with a record that was not written to its end, and %s/%s is missing: what was acknowledged "
            "is not known",
            s->db, STORE_MARK_FILE);
    return startup_fail(s, STARTUP_RESTORE, err);
  }
  if (s->scan.torn && (code = set_torn_tail_aside(s, err)))
    return code;
  return s->scan.old.fault != WAL_SOUND ? set_old_damage_aside(s, err) : 0;
}
