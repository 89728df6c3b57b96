#include "committer/archive_sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/archive_name.h"
#include "store/walscan.h"

enum { FOLDER_MODE = 0750, FILE_MODE = 0640, BLOCK = 1 << 18 };

int archive_sync_open(struct archive_sync *sync, const char *target, const char *data_dir,
                      const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline, uint64_t branch, struct err *err) {
  char name[ARCHIVE_FOLDER_SIZE];
  *sync = (struct archive_sync){.live = -1};
  archive_folder_format(name, id, timeline, branch);
  if (fileio_join(sync->target, target, "", err) || fileio_join(sync->folder, target, name, err))
    return err->code;
  return fileio_join(sync->wal_dir, data_dir, "wal", err);
}

void archive_sync_close(struct archive_sync *sync) {
  if (sync->live >= 0)
    close(sync->live);
  sync->live = -1;
}

/* The greatest number of an object that proves itself, and its length; 0: there is none. */
static int find_newest(const struct archive_sync *sync, struct archive_name *newest, struct err *err) {
  struct archive_name name;
  *newest = (struct archive_name){0};
  DIR *dir = opendir(sync->folder);
  if (!dir)
    return err_sys(err, errno, "opening %s", sync->folder);
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
    if (archive_name_parse(e->d_name, &name) &&
        (name.number > newest->number || (name.number == newest->number && name.length > newest->length)))
      *newest = name;
  closedir(dir);
  return 0;
}

/* The log file to go on with: all before it are archived to their ends. */
static int find_first(const struct archive_sync *sync, uint32_t file, uint32_t *first, struct err *err) {
  struct archive_name newest;
  uint32_t *numbers = NULL;
  size_t count = 0;
  uint64_t end = 0;
  if (find_newest(sync, &newest, err) || walscan_list(sync->wal_dir, &numbers, &count, err))
    return err->code;
  *first = count > 0 && numbers[0] < file ? numbers[0] : file;
  free(numbers);
  if (newest.number < *first)
    return 0;
  *first = newest.number;
  if (newest.number >= file)
    return newest.number == file
               ? 0
               : err_set(err, ERR_CONFLICT, "%s has log file %" PRIu32 ", and the log ends in %" PRIu32, sync->folder,
                         newest.number, file);
  if (wal_file_end(sync->wal_dir, newest.number, &end, err))
    return err->code;
  *first += newest.length == end;
  return 0;
}

/* --- one file --- */

struct copying {
  const struct archive_sync *sync;
  int from, to;
  uint64_t sound; /* bytes of `to` that must be the same as those of `from` */
  unsigned char *block, *there;
};

static int copy_block(const struct copying *c, uint64_t at, size_t len, struct err *err) {
  size_t got = 0, known = 0;
  if (fileio_pread(c->from, c->block, len, at, &got, err))
    return err->code;
  if (got < len)
    return err_set(err, ERR_IO, "a log file ends at %" PRIu64, at + got);
  if (at < c->sound) {
    known = c->sound - at < len ? (size_t)(c->sound - at) : len;
    if (fileio_pread(c->to, c->there, known, at, &got, err))
      return err->code;
    if (got < known || memcmp(c->block, c->there, known) != 0)
      return err_set(err, ERR_CONFLICT,
                     "what is archived in %.300s is of another log: data was put there by hand, and needs a timeline "
                     "of its own (stemedb new-timeline)",
                     c->sync->folder);
  }
  return fileio_pwrite(c->to, c->block, len, at, err);
}

static int copy_range(struct copying *c, uint64_t at, uint64_t end, struct err *err) {
  int rc = 0;
  c->block = malloc(2 * (size_t)BLOCK);
  if (!c->block)
    return err_set(err, ERR_NOMEM, "no memory to archive the log");
  c->there = c->block + BLOCK;
  for (; !rc && at < end; at += BLOCK)
    rc = copy_block(c, at, end - at < BLOCK ? (size_t)(end - at) : BLOCK, err);
  free(c->block);
  return rc;
}

/* Brings the open live file up to `end`. */
static int append(struct archive_sync *sync, uint64_t sound, uint64_t end, struct err *err) {
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  if (end <= sync->synced)
    return 0;
  wal_file_name(name, sync->number);
  if (fileio_join(path, sync->wal_dir, name, err))
    return err->code;
  struct copying copying = {.sync = sync, .from = open(path, O_RDONLY | O_CLOEXEC), .to = sync->live, .sound = sound};
  if (copying.from < 0)
    return err_sys(err, errno, "opening %s", path);
  FAULT("committer.archive_sync.before_write");
  int rc = copy_range(&copying, sync->synced, end, err);
  close(copying.from);
  FAULT("committer.archive_sync.before_sync");
  if (!rc && fdatasync(sync->live) != 0)
    rc = err_sys(err, errno, "syncing the archive");
  if (!rc)
    sync->synced = end;
  return rc;
}

/* Opens the live file of a number; *sound is how far its records are. */
static int open_live(struct archive_sync *sync, uint32_t number, uint64_t *sound, struct err *err) {
  char name[ARCHIVE_NAME_SIZE], path[FILEIO_PATH_MAX];
  struct wal_visitor visitor = {0};
  struct wal_file file;
  archive_sync_close(sync);
  archive_live_format(name, number);
  if (fileio_join(path, sync->folder, name, err))
    return err->code;
  sync->live = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
  if (sync->live < 0)
    return err_sys(err, errno, "opening %s", path);
  sync->number = number;
  sync->synced = 0;
  int rc = wal_walk_path(path, number, &visitor, &file, err);
  *sound = rc || !file.header_sound ? 0 : file.end;
  return rc ? rc : fileio_sync_dir(sync->folder, err);
}

static int begin(struct archive_sync *sync, uint32_t file, uint64_t *sound, struct err *err) {
  uint32_t first = 0;
  if (access(sync->target, F_OK) != 0)
    return err_sys(err, errno, "%s", sync->target);
  if (fileio_mkdirs(sync->folder, FOLDER_MODE, err) || find_first(sync, file, &first, err))
    return err->code;
  return open_live(sync, first, sound, err);
}

static int go_to(struct archive_sync *sync, uint32_t file, uint64_t offset, struct err *err) {
  uint64_t sound = sync->synced, end = 0;
  if (sync->live < 0 && begin(sync, file, &sound, err))
    return err->code;
  while (sync->number < file)
    if (wal_file_end(sync->wal_dir, sync->number, &end, err) || append(sync, sound, end, err) ||
        open_live(sync, sync->number + 1, &sound, err))
      return err->code;
  if (sound > offset && sync->synced == 0)
    return err_set(err, ERR_CONFLICT, "%s reaches beyond the end of the log, which is at %" PRIu64 " of file %" PRIu32,
                   sync->folder, offset, file);
  return append(sync, sound, offset, err);
}

int archive_sync_to(struct archive_sync *sync, uint32_t file, uint64_t offset, struct err *err) {
  int rc = go_to(sync, file, offset, err);
  if (rc)
    archive_sync_close(sync);
  return rc;
}
