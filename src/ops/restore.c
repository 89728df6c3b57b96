#include "ops/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fileio.h"
#include "base/lock.h"
#include "ops/manifest.h"
#include "ops/tree.h"
#include "store/mark.h"

#define STAGING ".restore"

/* What a restore replaces in the data folder, in this order; the last one makes a history of it. */
static const char *const parts[] = {METADATA_FILE, "wal", "db"};
enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]), STAMP_PAUSE_MS = 50 };

/* --- checking --- */

static void tell(void *ctx, const char *problem) {
  log_error(ctx, "%s", problem);
}

static int check_layout(const char *backup, const struct metadata *metadata, struct err *err) {
  static const char *const needed[] = {"db/assertions.kv", "db/acked.mark", "wal"};
  char path[FILEIO_PATH_MAX], wal[FILEIO_PATH_MAX];
  struct tree tree;
  for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
    if (fileio_join(path, backup, needed[i], err))
      return err->code;
    if (access(path, F_OK))
      return err_set(err, ERR_CORRUPT, "%s has no %s", backup, needed[i]);
  }
  if (fileio_join(wal, backup, "wal", err) || tree_list(wal, &tree, err))
    return err->code;
  uint64_t count = tree.count;
  tree_free(&tree);
  return count == metadata->wal_segment_count
             ? 0
             : err_set(err, ERR_CORRUPT, "%s has %" PRIu64 " files, its metadata tells of %" PRIu64, wal, count,
                       metadata->wal_segment_count);
}

/* The nearest folder that is there. */
static int existing_folder(const char *path, char out[FILEIO_PATH_MAX]) {
  snprintf(out, FILEIO_PATH_MAX, "%s", path);
  while (access(out, F_OK) != 0) {
    char *slash = strrchr(out, '/');
    if (!slash || slash == out)
      return -1;
    *slash = '\0';
  }
  return 0;
}

static int check_space(const struct config *config, uint64_t bytes, struct err *err) {
  char folder[FILEIO_PATH_MAX];
  uint64_t free_bytes;
  if (existing_folder(config->data_dir, folder) != 0)
    return err_set(err, ERR_NOTFOUND, "there is no folder for %s", config->data_dir);
  if (fileio_free_bytes(folder, &free_bytes, err))
    return err->code;
  if (free_bytes >= bytes + config->min_free_bytes)
    return 0;
  return err_set(err, ERR_FULL,
                 "%s has %" PRIu64 " bytes free; the backup takes %" PRIu64 ", and %" PRIu64
                 " are to stay free (min_free_bytes)",
                 folder, free_bytes, bytes, config->min_free_bytes);
}

static int check_backup(const struct log *log, const char *backup, struct metadata *metadata, uint64_t *bytes,
                        struct err *err) {
  int rc = 0;
  if ((rc = metadata_read(backup, metadata, err)) || (rc = manifest_check(backup, tell, (void *)log, bytes, err)))
    return rc;
  return check_layout(backup, metadata, err);
}

int restore_check(const struct config *config, const struct log *log, const char *backup, struct metadata *metadata,
                  struct err *err) {
  uint64_t bytes = 0;
  int rc = check_backup(log, backup, metadata, &bytes, err);
  return rc ? rc : check_space(config, bytes, err);
}

int restore_check_moment(const struct config *config, const struct log *log, const char *backup,
                         const struct point_wish *wish, struct err *err) {
  struct restore_moment moment = {.wish = wish};
  struct metadata metadata;
  uint64_t bytes = 0;
  int rc = check_backup(log, backup, &metadata, &bytes, err);
  if (!rc && wish->kind != POINT_BACKUP)
    rc = restore_moment_find(config, log, backup, &metadata, wish, &moment, err);
  uint64_t more = rc ? 0 : restore_moment_bytes(&moment);
  restore_moment_free(&moment);
  return rc ? rc : check_space(config, bytes + more, err);
}

/* --- renaming --- */

static int exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

static int rename_durably(const char *data_dir, const char *from, const char *to, struct err *err) {
  if (rename(from, to))
    return err_sys(err, errno, "renaming %s to %s", from, to);
  return fileio_sync_dir(data_dir, err);
}

/* data/NAME.WORD.STAMP, with -2, -3 … if that exists. */
static int aside_name(const char *data_dir, const char *name, const char *word, const char *stamp,
                      char out[FILEIO_PATH_MAX], struct err *err) {
  for (int i = 1; i < 1000; i++) {
    int n = i == 1 ? snprintf(out, FILEIO_PATH_MAX, "%s/%s.%s.%s", data_dir, name, word, stamp)
                   : snprintf(out, FILEIO_PATH_MAX, "%s/%s.%s.%s-%d", data_dir, name, word, stamp, i);
    if (n < 0 || n >= FILEIO_PATH_MAX)
      return err_set(err, ERR_INVALID, "path too long: %.200s...", data_dir);
    if (!exists(out))
      return 0;
  }
  return err_set(err, ERR_IO, "there are too many %s.%s.%s in %s", name, word, stamp, data_dir);
}

/* As people at the home know it: "data". */
static const char *shown_folder(const struct config *config) {
  size_t len = strlen(config->home);
  const char *data = config->data_dir;
  return strncmp(data, config->home, len) == 0 && data[len] == '/' ? data + len + 1 : data;
}

/* What is there is renamed to NAME.backup.STAMP; if an interrupted restore has done so already, it is of that restore,
 * and is renamed too. */
static int rename_away(const struct config *config, const struct log *log, const char *name, const char *stamp,
                       FILE *out, struct err *err) {
  char path[FILEIO_PATH_MAX], kept[FILEIO_PATH_MAX], other[FILEIO_PATH_MAX];
  if (fileio_join(path, config->data_dir, name, err))
    return err->code;
  if (!exists(path))
    return 0;
  int n = snprintf(kept, sizeof(kept), "%s.backup.%s", path, stamp);
  if (n < 0 || n >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s...", path);
  if (exists(kept)) {
    if (aside_name(config->data_dir, name, "restored", stamp, other, err))
      return err->code;
    log_warn(log, "%s is of a restore that was interrupted: it is moved to %s", path, other);
    return rename_durably(config->data_dir, path, other, err);
  }
  if (strcmp(name, METADATA_FILE) != 0) {
    const char *data = shown_folder(config);
    fprintf(out, "Renaming existing %s/%s to %s/%s.backup.%s\n", data, name, data, name, stamp);
    fflush(out);
  }
  log_info(log, "%s is renamed to %s", path, kept);
  return rename_durably(config->data_dir, path, kept, err);
}

/* The reverse. */
static int rename_back(const struct config *config, const struct log *log, const char *name, const char *stamp,
                       struct err *err) {
  char path[FILEIO_PATH_MAX], kept[FILEIO_PATH_MAX], other[FILEIO_PATH_MAX];
  if (fileio_join(path, config->data_dir, name, err))
    return err->code;
  int n = snprintf(kept, sizeof(kept), "%s.backup.%s", path, stamp);
  if (n < 0 || n >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s...", path);
  if (!exists(kept))
    return 0;
  if (exists(path)) {
    if (aside_name(config->data_dir, name, "restored", stamp, other, err) ||
        rename_durably(config->data_dir, path, other, err))
      return err->code;
    log_info(log, "%s was moved to %s", path, other);
  }
  log_info(log, "%s is what it was before", path);
  return rename_durably(config->data_dir, kept, path, err);
}

static int take_lock(const struct config *config, int *fd, struct err *err) {
  int rc = fileio_mkdirs(config->data_dir, 0750, err);
  return rc ? rc : lock_take(config->data_dir, fd, err);
}

/* --- restoring --- */

/* The number of the timeline that is replaced: from its mark, else from its metadata. */
static uint32_t present_timeline(const struct config *config) {
  struct mark mark;
  struct metadata metadata;
  struct err ignored;
  bool found = false;
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t number = 0;
  uint64_t branch;
  if (mark_read(config->data_dir, &mark, &found, &ignored) == 0 && found)
    return mark.timeline;
  if (metadata_read(config->data_dir, &metadata, &ignored) == 0)
    (void)history_name_parse(span_str(metadata.proof.history), id, &number, &branch);
  return number;
}

/* One that no earlier restore has used: the next second's, if need be. */
static int choose_stamp(const struct config *config, char stamp[RESTORE_STAMP_SIZE], struct err *err) {
  char path[FILEIO_PATH_MAX];
  for (;;) {
    time_t now = (time_t)(clock_now() / 1000000);
    struct tm tm;
    bool used = false;
    gmtime_r(&now, &tm);
    strftime(stamp, RESTORE_STAMP_SIZE, "%Y%m%d-%H%M%S", &tm);
    for (size_t i = 0; i < PART_COUNT; i++) {
      int n = snprintf(path, sizeof(path), "%s/%s.backup.%s", config->data_dir, parts[i], stamp);
      if (n < 0 || n >= FILEIO_PATH_MAX)
        return err_set(err, ERR_INVALID, "path too long: %.200s...", config->data_dir);
      used = used || exists(path);
    }
    if (!used)
      return 0;
    poll(NULL, 0, STAMP_PAUSE_MS);
  }
}

/* The note of an interrupted restore, else a new one. */
static int begin(const struct config *config, const struct log *log, const char *backup,
                 struct restore_journal *journal, struct err *err) {
  char staging[FILEIO_PATH_MAX];
  bool found = false;
  if (restore_journal_read(config->data_dir, journal, &found, err) ||
      fileio_join(staging, config->data_dir, STAGING, err) || tree_remove(staging, err))
    return err->code;
  if (found) {
    log_warn(log, "An earlier restore was interrupted: what was there before it is in %s/*.backup.%s", config->data_dir,
             journal->stamp);
  } else {
    if (choose_stamp(config, journal->stamp, err))
      return err->code;
    journal->timeline = present_timeline(config) + 1;
  }
  return restore_journal_write(config->data_dir, journal, backup, err);
}

static int copy_part(const char *backup, const char *staging, const char *name, const char *line, const struct log *log,
                     FILE *out, struct err *err) {
  fprintf(out, "%s\n", line);
  fflush(out);
  log_info(log, "%s", line);
  FAULT("ops.restore.before_copy");
  return tree_copy(backup, staging, name, err);
}

static int move_in(const struct config *config, const char *staging, const char *name, struct err *err) {
  char from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX];
  FAULT("ops.restore.before_move");
  if (fileio_join(from, staging, name, err) || fileio_join(to, config->data_dir, name, err))
    return err->code;
  return rename_durably(config->data_dir, from, to, err);
}

/* What a restore puts in place. */
struct job {
  const struct config *config;
  const struct log *log;
  const char *backup;
  struct metadata metadata;
  struct restore_moment moment; /* unless it is all of the backup */
  struct restore_journal journal;
};

static int prove(struct job *job, const char *staging, struct err *err) {
  FAULT("ops.restore.before_proof");
  if (job->moment.wish->kind == POINT_BACKUP)
    return restore_prove(job->config, job->log, staging, &job->metadata, job->journal.timeline, false, err);
  return restore_prove_moment(job->config, job->log, staging, &job->metadata, &job->moment, job->journal.timeline, err);
}

static int stage_and_move(struct job *job, FILE *out, struct err *err) {
  const struct log *log = job->log;
  char staging[FILEIO_PATH_MAX];
  int rc = fileio_join(staging, job->config->data_dir, STAGING, err);
  for (size_t i = 0; !rc && i < PART_COUNT; i++) {
    FAULT("ops.restore.before_rename");
    rc = rename_away(job->config, log, parts[i], job->journal.stamp, out, err);
  }
  if (rc || (rc = fileio_mkdirs(staging, 0750, err)) ||
      (rc = copy_part(job->backup, staging, "wal", "Copying WAL from backup...", log, out, err)) ||
      (rc = copy_part(job->backup, staging, "db", "Copying DB from backup...", log, out, err)) ||
      (rc = copy_part(job->backup, staging, METADATA_FILE, "Copying metadata...", log, out, err)))
    return rc;
  rc = prove(job, staging, err);
  for (size_t i = 0; !rc && i < PART_COUNT; i++)
    rc = move_in(job->config, staging, parts[i], err);
  if (!rc)
    rc = tree_remove(staging, err);
  return rc;
}

static int undo(const struct config *config, const struct log *log, const char *stamp, struct err *err) {
  char staging[FILEIO_PATH_MAX];
  int rc = fileio_join(staging, config->data_dir, STAGING, err);
  for (size_t i = 0; !rc && i < PART_COUNT; i++) {
    FAULT("ops.restore.before_undo");
    rc = rename_back(config, log, parts[i], stamp, err);
  }
  if (!rc && !(rc = tree_remove(staging, err)))
    rc = restore_journal_remove(config->data_dir, err);
  return rc;
}

static int run(struct job *job, FILE *out, struct err *err) {
  struct err second;
  int rc = begin(job->config, job->log, job->backup, &job->journal, err);
  if (!rc && (rc = stage_and_move(job, out, err)) != 0 && undo(job->config, job->log, job->journal.stamp, &second))
    log_error(job->log, "It could not all be renamed back: %s. %s/" RESTORE_JOURNAL " tells what to do", second.text,
              job->config->data_dir);
  return rc;
}

int restore_files_moment(const struct config *config, const struct log *log, const char *backup,
                         const struct point_wish *wish, FILE *out, struct err *err) {
  struct job job = {.config = config, .log = log, .backup = backup, .moment = {.wish = wish}};
  int lock = -1, rc = metadata_read(backup, &job.metadata, err);
  if (!rc && wish->kind != POINT_BACKUP)
    rc = restore_moment_find(config, log, backup, &job.metadata, wish, &job.moment, err);
  if (!rc && !(rc = take_lock(config, &lock, err)))
    rc = run(&job, out, err);
  restore_moment_free(&job.moment);
  if (lock >= 0)
    close(lock);
  return rc;
}

int restore_files(const struct config *config, const struct log *log, const char *backup, FILE *out, struct err *err) {
  const struct point_wish wish = {.kind = POINT_BACKUP};
  return restore_files_moment(config, log, backup, &wish, out, err);
}

int restore_undo(const struct config *config, const struct log *log, struct err *err) {
  struct restore_journal journal;
  bool found = false;
  int lock = -1, rc = take_lock(config, &lock, err);
  if (rc)
    return rc;
  rc = restore_journal_read(config->data_dir, &journal, &found, err);
  if (!rc && !found)
    rc = err_set(err, ERR_NOTFOUND, "no restore of %s is under way", config->data_dir);
  if (!rc)
    rc = undo(config, log, journal.stamp, err);
  close(lock);
  return rc;
}

int restore_done(const struct config *config, struct err *err) {
  return restore_journal_remove(config->data_dir, err);
}
