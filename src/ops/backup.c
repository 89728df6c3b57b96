#include "ops/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/backup_status.h"
#include "base/clock.h"
#include "base/fault.h"
#include "ops/restore.h"
#include "ops/tree.h"

enum { SECOND_US = 1000 * 1000, STAMP_PAUSE_MS = 50, REMOVE_TRIES = 100 };
#define DAY_US UINT64_C(86400000000)

static int take_lock(const struct config *config, int *fd, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_mkdirs(config->backup_dir, 0750, err);
  if (rc || (rc = fileio_join(path, config->backup_dir, ".lock", err)))
    return rc;
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (*fd < 0)
    return err_sys(err, errno, "cannot open %s", path);
  if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
    return 0;
  return errno == EWOULDBLOCK ? err_set(err, ERR_BUSY, "another backup is being made (%s is locked)", path)
                              : err_sys(err, errno, "cannot lock %s", path);
}

/* The node may still be copying into the remains of a backup whose maker was killed: then a file more comes into a
 * folder that was just emptied. */
static int remove_one(void *ctx, const char *name, struct err *err) {
  char path[FILEIO_PATH_MAX];
  const struct config *config = ctx;
  int rc = fileio_join(path, config->backup_dir, name, err);
  for (int tries = 0; !rc; tries++) {
    rc = tree_remove(path, err);
    if (!rc || err->sys != ENOTEMPTY || tries == REMOVE_TRIES)
      break;
    poll(NULL, 0, STAMP_PAUSE_MS);
    rc = 0;
  }
  return rc;
}

/* What backups before this one left: nobody works on it, since the lock is ours, but for the node, which says so. */
static int remove_remains(const struct config *config, struct err *err) {
  static const char *const prefixes[] = {BACKUP_PARTIAL, BACKUP_FAILED, BACKUP_VERIFY};
  for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
    if (backup_list(config->backup_dir, prefixes[i], remove_one, (void *)config, err))
      return err->code;
  return 0;
}

/* A stamp that no backup has: the next second's, if need be. */
static int choose_names(struct backup_work *work, struct err *err) {
  char name[BACKUP_NAME_SIZE];
  for (;;) {
    work->begun_us = clock_now() / SECOND_US * SECOND_US;
    time_t now = (time_t)(work->begun_us / SECOND_US);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(work->stamp, sizeof(work->stamp), "%Y%m%d-%H%M%S", &tm);
    snprintf(name, sizeof(name), BACKUP_PREFIX "%s", work->stamp);
    if (fileio_join(work->complete, work->config->backup_dir, name, err))
      return err->code;
    if (access(work->complete, F_OK) != 0)
      break;
    poll(NULL, 0, STAMP_PAUSE_MS);
  }
  snprintf(name, sizeof(name), BACKUP_PARTIAL "%s", work->stamp);
  return fileio_join(work->partial, work->config->backup_dir, name, err);
}

/* What a copy takes while it is being made: db_hotbackup writes log files out in their full length, which on the disk
 * of the home they seldom have. */
static int home_bytes(const struct config *config, uint64_t *bytes, struct err *err) {
  static const char *const parts[] = {"wal", "db"};
  char dir[FILEIO_PATH_MAX];
  *bytes = 0;
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    struct tree tree;
    if (fileio_join(dir, config->data_dir, parts[i], err))
      return err->code;
    if (tree_list(dir, &tree, err))
      return err->code == ERR_NOTFOUND ? err_set(err, ERR_NOTFOUND, "No history in %s", config->data_dir)
                                       : (int)err->code;
    for (size_t j = 0; j < tree.count; j++)
      *bytes += strstr(tree.files[j].name, "__db.") ? 0 : tree.files[j].size;
    tree_free(&tree);
  }
  return 0;
}

/* A backup must not be what fills the disk that the node writes to. */
static int check_space(const struct config *config, struct err *err) {
  uint64_t need, free_bytes;
  if (home_bytes(config, &need, err) || fileio_free_bytes(config->backup_dir, &free_bytes, err))
    return err->code;
  if (free_bytes >= need + config->min_free_bytes)
    return 0;
  return err_set(err, ERR_FULL,
                 "%s has %" PRIu64 " bytes free; a backup may take %" PRIu64 ", and %" PRIu64
                 " are to stay free (min_free_bytes)",
                 config->backup_dir, free_bytes, need, config->min_free_bytes);
}

/* `latest` -> the backup, replaced at once. */
static int point_latest(const struct backup_work *work, struct err *err) {
  char latest[FILEIO_PATH_MAX], temporary[FILEIO_PATH_MAX];
  const char *name = strrchr(work->complete, '/') + 1;
  if (fileio_join(latest, work->config->backup_dir, "latest", err) ||
      fileio_join(temporary, work->config->backup_dir, ".latest.new", err))
    return err->code;
  unlink(temporary);
  if (symlink(name, temporary) || rename(temporary, latest))
    return err_sys(err, errno, "making the link %s", latest);
  return 0;
}

static int publish(const struct backup_work *work, struct err *err) {
  FAULT("ops.backup.before_rename");
  if (rename(work->partial, work->complete))
    return err_sys(err, errno, "renaming %s to %s", work->partial, work->complete);
  FAULT("ops.backup.after_rename");
  int rc = point_latest(work, err);
  return rc ? rc : fileio_sync_dir(work->config->backup_dir, err);
}

/* What is left of it stays for a look, unless the disk is full. */
static void put_failed_aside(const struct backup_work *work) {
  char failed[FILEIO_PATH_MAX], name[BACKUP_NAME_SIZE];
  uint64_t free_bytes = 0;
  struct err ignored;
  snprintf(name, sizeof(name), BACKUP_FAILED "%s", work->stamp);
  bool scarce = fileio_free_bytes(work->config->backup_dir, &free_bytes, &ignored) != 0 ||
                free_bytes < 2 * work->config->min_free_bytes;
  if (scarce && tree_remove(work->partial, &ignored) != 0)
    log_warn(work->log, "%s", ignored.text);
  if (fileio_join(failed, work->config->backup_dir, name, &ignored) == 0 && rename(work->partial, failed) != 0 &&
      errno != ENOENT)
    log_warn(work->log, "cannot rename %s", work->partial);
}

struct retention {
  const struct backup_work *work;
  char oldest[BACKUP_NAME_SIZE]; /* that is kept */
};

static int remove_old(void *ctx, const char *name, struct err *err) {
  const struct retention *r = ctx;
  if (strcmp(name, r->oldest) >= 0)
    return 0;
  log_info(r->work->log, "Removing %s: it is older than %u days", name, r->work->options.retain_days);
  return remove_one((void *)r->work->config, name, err);
}

/* By the stamps in the names; the one just made is never older. */
static int retain(const struct backup_work *work, struct err *err) {
  struct retention r = {.work = work};
  uint64_t from = work->begun_us - work->options.retain_days * DAY_US;
  time_t then = (time_t)(from / SECOND_US);
  struct tm tm;
  if (work->options.retain_days == 0)
    return 0;
  gmtime_r(&then, &tm);
  strftime(r.oldest, sizeof(r.oldest), BACKUP_PREFIX "%Y%m%d-%H%M%S", &tm);
  return backup_list(work->config->backup_dir, BACKUP_PREFIX, remove_old, &r, err);
}

static int make(struct backup_work *work, struct err *err) {
  int rc = 0;
  if ((rc = check_space(work->config, err)) || (rc = fileio_mkdirs(work->partial, 0750, err)))
    return rc;
  if ((rc = backup_copy(work, err)) || (rc = backup_seal(work, err)) ||
      (work->options.verify && (rc = restore_rehearse(work->config, work->log, work->partial, work->stamp, err))) ||
      (rc = publish(work, err)))
    put_failed_aside(work);
  return rc;
}

static int begin_status(const struct config *config, struct backup_status *status, struct err *err) {
  backup_status_read(config->data_dir, status);
  status->failures = backup_status_failures(status);
  if (status->running > 0 && kill(status->running, 0) == 0 && status->running != getpid())
    status->failures++; /* the lock is free: that is another process by now */
  status->running = getpid();
  return backup_status_write(config->data_dir, status, err);
}

static int run(struct backup_work *work, struct err *err) {
  struct backup_status status;
  struct err second;
  int rc = begin_status(work->config, &status, err);
  if (!rc && !(rc = remove_remains(work->config, err)) && !(rc = choose_names(work, err)))
    rc = make(work, err);
  status.running = 0;
  status.failures = rc ? status.failures + 1 : 0;
  status.last_us = rc ? status.last_us : work->begun_us;
  if (backup_status_write(work->config->data_dir, &status, &second))
    log_warn(work->log, "%s", second.text);
  return rc ? rc : retain(work, err);
}

int backup_make(const struct config *config, const struct log *log, const struct backup_options *options,
                struct backup_work *work, struct err *err) {
  *work = (struct backup_work){.config = config, .log = log, .options = *options};
  int lock = -1, rc = take_lock(config, &lock, err);
  if (!rc)
    rc = run(work, err);
  if (lock >= 0)
    close(lock);
  return rc;
}
