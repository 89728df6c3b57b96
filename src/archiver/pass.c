#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archiver/archiver.h"
#include "base/clock.h"
#include "ops/archive_object.h"
#include "store/walscan.h"

void pass_forget(struct archiver *a) {
  free(a->line.objects);
  a->line = (struct archive_line){0};
  a->known = false;
  a->done_below = a->head_file = 0;
}

static int open_log(const struct archiver *a, uint32_t number, int *fd, char path[FILEIO_PATH_MAX], struct err *err) {
  char name[WAL_NAME_SIZE];
  wal_file_name(name, number);
  if (fileio_join(path, a->wal_dir, name, err))
    return err->code;
  *fd = open(path, O_RDONLY | O_CLOEXEC);
  return *fd < 0 ? err_sys(err, errno, "opening %s", path) : 0;
}

/* Nobody may go on with another log below the same names: what is archived must be the beginning of what is here. */
static int check_beginning(const struct archiver *a, const struct archive_object *object, struct err *err) {
  crypto_hash_sha256_state state;
  unsigned char digest[DIGEST_SIZE];
  char path[FILEIO_PATH_MAX];
  int fd = -1;
  int rc = open_log(a, object->name.number, &fd, path, err);
  if (rc)
    return rc == ERR_NOTFOUND ? 0 : rc; /* pruned */
  crypto_hash_sha256_init(&state);
  rc = archive_object_pump(fd, -1, object->name.length, &state, path, err);
  crypto_hash_sha256_final(&state, digest);
  close(fd);
  if (rc == ERR_CORRUPT || (!rc && memcmp(digest, object->name.digest, DIGEST_SIZE) != 0))
    rc = err_set(err, ERR_CONFLICT,
                 "%s is not the log file of which the beginning is archived in %.300s: data was put there by hand, and "
                 "needs a timeline of its own (stemedb new-timeline)",
                 path, a->line.folder);
  return rc;
}

static int learn(struct archiver *a, const struct watermark *mark, struct err *err) {
  const struct archive_object *newest = NULL;
  if (a->known && a->line.timeline == mark->timeline && a->line.branch == mark->branch &&
      memcmp(a->line.history_id, mark->history_id, HISTORY_ID_SIZE) == 0)
    return 0;
  pass_forget(a);
  if (archive_target_list(&a->target, mark->history_id, mark->timeline, mark->branch, &a->line, err))
    return err->code;
  for (size_t i = 0; i < a->line.count; i++)
    newest = a->line.objects[i].live ? newest : &a->line.objects[i];
  if (newest && check_beginning(a, newest, err))
    return err->code;
  a->known = true;
  log_info(a->log, "Archiving into %s", a->line.folder);
  return 0;
}

/* Archives the first `length` bytes of a log file, unless they are. */
static int archive_file(struct archiver *a, uint32_t number, uint64_t length, bool finished, struct err *err) {
  const struct archive_object *former = archive_line_object(&a->line, number);
  struct archive_object object = {0};
  bool and_live = finished && a->config->archive_mode == ARCHIVE_SYNC;
  if (former && !former->live && former->name.length == length)
    return and_live ? archive_target_drop_live(&a->target, &a->line, number, err) : 0;
  if (former && !former->live && former->name.length > length)
    return err_set(err, ERR_CONFLICT,
                   "log file %" PRIu32 " ends at %" PRIu64 ", and %" PRIu64 " bytes of it are archived in %.300s",
                   number, length, former->name.length, a->line.folder);
  if (archive_target_put(&a->target, &a->line, a->wal_dir, number, length, and_live, &object.name, err) ||
      archive_line_add(&a->line, &object, err))
    return err->code;
  archive_line_sort(&a->line);
  metric_add(metrics_cell(segment_metrics(a->segment), METRIC_WAL_ARCHIVED_BYTES_TOTAL, ""), length);
  return 0;
}

static int archive_files(struct archiver *a, const struct watermark *mark, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  bool sync = a->config->archive_mode == ARCHIVE_SYNC;
  int rc = walscan_list(a->wal_dir, &numbers, &count, err);
  for (size_t i = 0; i < count && !rc && numbers[i] <= mark->wal_file; i++) {
    uint64_t length = mark->wal_offset;
    bool finished = numbers[i] < mark->wal_file;
    if (numbers[i] < a->done_below || (sync && !finished)) /* the committer appends to it */
      continue;
    if (finished)
      rc = wal_file_end(a->wal_dir, numbers[i], &length, err);
    if (!rc)
      rc = archive_file(a, numbers[i], length, finished, err);
    if (!rc && finished)
      a->done_below = numbers[i] + 1;
  }
  free(numbers);
  return rc;
}

static int write_head(struct archiver *a, const struct watermark *mark, struct err *err) {
  struct archive_head head = {mark->visible_seq, mark->time_us, mark->wal_file, mark->wal_offset, clock_now()};
  if (a->head_file == head.number && a->head_length == head.length)
    return 0;
  if (archive_target_put_head(&a->target, &a->line, &head, err))
    return err->code;
  a->head_file = head.number;
  a->head_length = head.length;
  return 0;
}

int pass_run(struct archiver *a, struct err *err) {
  struct watermark mark;
  segment_watermark(a->segment, &mark);
  if (mark.wal_file == 0)
    return 0;
  int rc = learn(a, &mark, err);
  if (!rc)
    rc = archive_files(a, &mark, err);
  if (!rc)
    rc = write_head(a, &mark, err);
  if (rc)
    pass_forget(a);
  else if (a->config->archive_mode == ARCHIVE_ASYNC)
    segment_set_archived_seq(a->segment, mark.visible_seq);
  return rc;
}
