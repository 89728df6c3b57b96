#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/startup_internal.h"

/*
 * An operator set the log aside while the database still needed it (runbook section 2, after a crash). Pages may have
 * been written in any order since the last checkpoint, and only that log makes them consistent: what is sound of it is
 * better than any other.
 */
#define REUSE_DIR "wal.incoming"

/* The part of a log that recovery needs and that is sound. */
struct part {
  uint32_t first;
  struct lsn end;
  uint32_t bad_header; /* a file of it whose first record is damaged, and nothing else before `end`; 0: none */
};

static int examine(struct startup *s, const char *dir, struct part *part, bool *usable, struct err *err) {
  struct walscan scan;
  bool own = false;
  int code = startup_is_own_wal(s, dir, &own, err);
  *usable = false;
  if (code || !own || (code = walscan_run(dir, false, NULL, &scan, err)))
    return code;
  part->first = scan.checkpoint_from.file;
  part->bad_header =
      scan.old.fault != WAL_SOUND && scan.old.at.offset < LOG_FILE_HEADER && scan.old.at.file >= part->first
          ? scan.old.at.file
          : 0;
  part->end = scan.fatal.fault == WAL_SOUND ? scan.end : scan.fatal.at;
  *usable =
      scan.has_checkpoint && lsn_compare(scan.checkpoint, part->end) < 0 && lsn_compare(s->pages.newest, part->end) < 0;
  return 0;
}

/* The staging folder, empty. What an earlier start left in it are copies. */
static int make_staging(struct startup *s, char staging[FILEIO_PATH_MAX], struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  int code = 0;
  if ((code = fileio_join(staging, s->config->data_dir, REUSE_DIR, err)) ||
      (code = fileio_mkdirs(staging, 0750, err)) || (code = walscan_list(staging, &numbers, &count, err)))
    return code;
  for (size_t i = 0; !code && i < count; i++) {
    wal_file_name(name, numbers[i]);
    if (!(code = fileio_join(path, staging, name, err)) && unlink(path))
      code = err_sys(err, errno, "removing %s", path);
  }
  free(numbers);
  return code;
}

/* Berkeley DB refuses a file without its first record, which holds nothing that is not known. */
static int mend_header(struct startup *s, const char *path, struct err *err) {
  unsigned char header[LOG_FILE_HEADER];
  uint32_t prev = 0;
  size_t got = 0;
  int code = 0, fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  if ((code = fileio_pread(fd, &prev, sizeof prev, 0, &got, err)) == 0) {
    bdb_file_header(header, prev, (uint32_t)s->config->wal_file_bytes);
    code = fileio_pwrite(fd, header, sizeof header, 0, err);
  }
  if (!code && fsync(fd))
    code = err_sys(err, errno, "syncing %s", path);
  close(fd);
  return code;
}

static int stage_file(struct startup *s, const char *dir, const char *staging, uint32_t number, const struct part *part,
                      struct err *err) {
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  wal_file_name(name, number);
  if (number == part->end.file && part->end.offset < LOG_FILE_HEADER) /* nothing of it is sound */
    return 0;
  int code = aside_copy(dir, staging, name, 0, err);
  if (code || (code = fileio_join(path, staging, name, err)))
    return code;
  if (number == part->bad_header && (code = mend_header(s, path, err)))
    return code;
  if (number < part->end.file)
    return 0;
  return truncate(path, part->end.offset) ? err_sys(err, errno, "cutting %s", path) : 0;
}

static int stage(struct startup *s, const char *dir, const struct part *part, struct err *err) {
  char staging[FILEIO_PATH_MAX];
  int code = make_staging(s, staging, err);
  for (uint32_t number = part->first; !code && number <= part->end.file; number++)
    code = stage_file(s, dir, staging, number, part, err);
  if (!code)
    log_warn(s->log,
             "%s is the WAL that the database was used with: it is used again, up to segment %" PRIu32
             ", offset %" PRIu32,
             dir, part->end.file, part->end.offset);
  return code;
}

int reuse_stage(struct startup *s, bool *found, struct err *err) {
  char **folders = NULL;
  size_t count = 0;
  struct part part;
  *found = false;
  int code = aside_list(s->config->data_dir, &folders, &count, err);
  for (size_t i = 0; !code && !*found && i < count; i++)
    if (!(code = examine(s, folders[i], &part, found, err)) && *found)
      code = stage(s, folders[i], &part, err);
  aside_list_free(folders, count);
  return code;
}

int reuse_put_in(struct startup *s, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  char name[WAL_NAME_SIZE], staging[FILEIO_PATH_MAX];
  int code = 0;
  if ((code = fileio_join(staging, s->config->data_dir, REUSE_DIR, err)) ||
      (code = walscan_list(staging, &numbers, &count, err)))
    return code;
  /* The first one first: half of it is a log that ends early, and the next start looks again. */
  for (size_t i = 0; !code && i < count; i++) {
    wal_file_name(name, numbers[i]);
    code = aside_move(staging, s->wal, name, err);
  }
  free(numbers);
  return !code && rmdir(staging) ? err_sys(err, errno, "removing %s", staging) : code;
}
