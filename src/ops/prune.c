#include "ops/prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "ops/archive_target.h"
#include "ops/backup.h"
#include "ops/control_ask.h"
#include "ops/manifest.h"
#include "store/mark.h"
#include "store/walscan.h"

enum { KEEP_LEAST = 2 };

/* Looking, under way. */
struct look {
  const struct config *config;
  const struct log *log;
  char wal[FILEIO_PATH_MAX];
  struct mark mark; /* which timeline it is */
  struct archive_line line;
  bool archive;           /* `line` was listed */
  uint32_t backup_before; /* log files below it are older than the backup; 0: there is no such backup */
  struct prune_plan *plan;
};

/* --- archived? --- */

static int list_archive(struct look *l, struct err *err) {
  struct archive_target target;
  if (!l->config->archive_target[0])
    return 0;
  if (archive_target_set(&target, l->config->archive_target, l->config, err) ||
      archive_target_list(&target, l->mark.history_id, l->mark.timeline, l->mark.branch, &l->line, err))
    return err->code;
  l->archive = true; /* of a remote one, names and sizes: rclone checked what it uploaded */
  return 0;
}

/* Whether the whole file is archived: the name's digest is that of the file here, and in a folder the object's too. */
static int is_archived(const struct look *l, uint32_t number, bool *archived, struct err *err) {
  struct archive_name name = {.number = number};
  char path[FILEIO_PATH_MAX], log_name[WAL_NAME_SIZE];
  struct err why;
  *archived = false;
  const struct archive_object *object = l->archive ? archive_line_object(&l->line, number) : NULL;
  if (!object || object->live)
    return 0;
  if (wal_file_end(l->wal, number, &name.length, err))
    return err->code;
  if (object->name.length != name.length)
    return 0;
  wal_file_name(log_name, number);
  if (fileio_join(path, l->wal, log_name, err) || archive_digest(path, name.length, name.digest, err))
    return err->code;
  *archived = memcmp(name.digest, object->name.digest, DIGEST_SIZE) == 0;
  if (*archived && !config_archives_remotely(l->config) && archive_check(&l->line, object, &why)) {
    log_error(l->log, "%s", why.text);
    *archived = false;
  }
  return 0;
}

/* --- in a backup? --- */

static void note_problem(void *ctx, const char *problem) {
  const struct look *l = ctx;
  log_error(l->log, "%s", problem);
}

/* Files below the last one in the backup's wal were complete when it was made; one less, since the recovery of the copy
 * may have begun a file of its own. */
static int look_at_backup(struct look *l, struct err *err) {
  char folder[FILEIO_PATH_MAX], wal[FILEIO_PATH_MAX], wanted[HISTORY_NAME_SIZE];
  struct metadata metadata;
  struct err why;
  uint32_t *numbers = NULL;
  size_t count = 0;
  if (backup_newest(l->config->backup_dir, l->plan->backup, err) || !l->plan->backup[0])
    return (int)(l->plan->backup[0] ? err->code : 0);
  if (fileio_join(folder, l->config->backup_dir, l->plan->backup, err) || fileio_join(wal, folder, "wal", err))
    return err->code;
  history_name(wanted, l->mark.history_id, l->mark.timeline, l->mark.branch);
  if (metadata_read(folder, &metadata, &why) || strcmp(metadata.proof.history, wanted) != 0)
    return 0;
  if (manifest_check(folder, note_problem, l, NULL, &why))
    return 0;
  int rc = walscan_list(wal, &numbers, &count, err);
  if (!rc && count > 0)
    l->backup_before = numbers[count - 1] - 1;
  free(numbers);
  return rc;
}

/* --- all --- */

static uint64_t disk_bytes(const struct look *l, uint32_t number) {
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  struct err ignored;
  struct stat st;
  wal_file_name(name, number);
  return fileio_join(path, l->wal, name, &ignored) == 0 && stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* Goes on from the oldest file as long as each is saved. `needed`: the first one that recovery needs or is kept. */
static int walk_files(struct look *l, uint32_t needed, bool force, struct err *err) {
  struct prune_plan *plan = l->plan;
  for (uint32_t number = plan->first; number < needed; number++) {
    bool archived = false;
    int rc = is_archived(l, number, &archived, err);
    if (rc)
      return rc;
    if (!archived && number >= l->backup_before && !force) {
      snprintf(plan->why, PRUNE_WHY,
               "log file %" PRIu32 " is not archived, and no good backup of this timeline was made "
               "after it",
               number);
      return 0;
    }
    plan->archived += archived;
    plan->bytes += disk_bytes(l, number);
    plan->below = number + 1;
  }
  return 0;
}

static int look(struct look *l, uint32_t keep, bool force, struct err *err) {
  struct prune_plan *plan = l->plan;
  struct walscan scan;
  bool found = false;
  int rc = walscan_run(l->wal, true, NULL, &scan, err);
  if (rc || scan.file_count == 0)
    return rc;
  plan->first = plan->below = scan.first_file;
  plan->last = scan.last_file;
  if (scan.last_file - scan.first_file + 1 != scan.file_count)
    return err_set(err, ERR_CORRUPT,
                   "log files are missing between %" PRIu32 " and %" PRIu32 " in %s: see stemedb doctor",
                   scan.first_file, scan.last_file, l->wal);
  if (!scan.has_checkpoint) {
    snprintf(plan->why, PRUNE_WHY, "no checkpoint was found in the log: recovery needs all of it");
    return 0;
  }
  if ((rc = mark_read(l->config->data_dir, &l->mark, &found, err)))
    return rc;
  if (!found)
    return err_set(err, ERR_INVALID, "there is no acked.mark: which timeline it is is not known");
  keep = keep < KEEP_LEAST ? KEEP_LEAST : keep;
  uint32_t needed = scan.checkpoint_from.file,
           kept = scan.file_count > keep ? scan.last_file - keep + 1 : scan.first_file;
  if (needed <= kept)
    snprintf(plan->why, PRUNE_WHY, "recovery begins in log file %" PRIu32, needed);
  else
    snprintf(plan->why, PRUNE_WHY, "the newest %" PRIu32 " are kept", keep);
  if ((rc = list_archive(l, err)) || (rc = look_at_backup(l, err)))
    return rc;
  return walk_files(l, needed < kept ? needed : kept, force, err);
}

int prune_look(const struct config *config, const struct log *log, uint32_t keep, bool force, struct prune_plan *out,
               struct err *err) {
  struct prune_plan plan = {0};
  struct look l = {.config = config, .log = log, .plan = &plan};
  int rc = fileio_join(l.wal, config->data_dir, "wal", err);
  if (!rc)
    rc = look(&l, keep, force, err);
  free(l.line.objects);
  if (!rc)
    *out = plan;
  return rc;
}

/* --- removing --- */

static int remove_here(const struct config *config, const struct prune_plan *plan, struct err *err) {
  char wal[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  int lock = -1, rc = lock_take(config->data_dir, &lock, err);
  if (rc || (rc = fileio_join(wal, config->data_dir, "wal", err)))
    return rc;
  for (uint32_t number = plan->first; !rc && number < plan->below; number++) {
    wal_file_name(name, number);
    if ((rc = fileio_join(path, wal, name, err)) == 0 && unlink(path) != 0)
      rc = err_sys(err, errno, "removing %s", path);
  }
  if (!rc)
    rc = fileio_sync_dir(wal, err);
  close(lock);
  return rc;
}

int prune_remove(const struct config *config, const struct prune_plan *plan, struct err *err) {
  char request[64], answer[CONTROL_ANSWER_MAX];
  unsigned removed = 1;
  bool there = true;
  snprintf(request, sizeof(request), "prune %" PRIu32 "\n", plan->below);
  while (plan->below > plan->first && removed > 0) {
    int rc = control_ask(config, request, answer, &there, err);
    if (rc)
      return rc;
    if (!there)
      return remove_here(config, plan, err);
    if (sscanf(answer, "done %u", &removed) != 1)
      return err_set(err, strncmp(answer, "busy: ", 6) == 0 ? ERR_BUSY : ERR_IO, "the node removed nothing: %.500s",
                     answer);
  }
  return 0;
}
