#include "ops/log_sources.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/archive_target.h"
#include "ops/tree.h"
#include "store/wal_walk.h"
#include "store/walscan.h"

#define SCRATCH "restore-logs."
#define REMOTE "rclone:"

static int open_plain(struct log_sources *s, uint32_t files, struct err *err) {
  struct tree tree;
  s->items = calloc(1, sizeof(*s->items));
  if (!s->items)
    return err_set(err, ERR_NOMEM, "no memory for the logs of %s", s->target);
  s->count = 1;
  s->items[0].ready = files > 0;
  memcpy(s->items[0].dir, s->target, sizeof(s->items[0].dir));
  int rc = tree_list(s->target, &tree, err);
  if (rc)
    return rc;
  s->items[0].bytes = tree.bytes;
  tree_free(&tree);
  return 0;
}

static void note_problem(void *ctx, const char *file, const char *problem) {
  struct log_sources *s = ctx;
  log_warn(s->log, "%s/%s: %s", s->target, file, problem);
  if (!s->problem[0])
    snprintf(s->problem, LOG_SOURCE_WHY, "%.600s: %.200s", file, problem);
}

/* Those of processes that were killed. */
static void remove_left(const char *run_dir) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  DIR *dir = opendir(run_dir);
  for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
    long pid = 0;
    if (sscanf(e->d_name, SCRATCH "%ld", &pid) == 1 && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
        fileio_join(path, run_dir, e->d_name, &ignored) == 0 && tree_remove(path, &ignored) != 0)
      err_context(&ignored, "what a restore left"); /* the next one tries again */
  }
  if (dir)
    closedir(dir);
}

static int make_scratch(struct log_sources *s, struct err *err) {
  char name[64], path[FILEIO_PATH_MAX];
  if (s->scratch[0])
    return 0;
  remove_left(s->config->run_dir);
  snprintf(name, sizeof(name), SCRATCH "%ld.XXXXXX", (long)getpid());
  if (fileio_mkdirs(s->config->run_dir, 0750, err) || fileio_join(path, s->config->run_dir, name, err))
    return err->code;
  if (!mkdtemp(path))
    return err_sys(err, errno, "making %s", path);
  memcpy(s->scratch, path, sizeof(s->scratch));
  return 0;
}

static int list_archive(struct log_sources *s, const unsigned char *id, struct err *err) {
  struct archive_target target;
  char brought[FILEIO_PATH_MAX];
  const char *folder = NULL;
  int rc = archive_target_set(&target, s->target, s->config, err);
  if (rc || (target.remote && ((rc = make_scratch(s, err)) || (rc = fileio_join(brought, s->scratch, "remote", err)) ||
                               (rc = fileio_mkdirs(brought, 0750, err)))))
    return rc;
  if ((rc = archive_target_fetch(&target, id, brought, &folder, err)))
    return rc;
  return archive_open(folder, note_problem, s, &s->archive, err);
}

static int open_archive(struct log_sources *s, const unsigned char *id, struct err *err) {
  s->archived = true;
  int rc = list_archive(s, id, err);
  if (rc)
    return rc;
  s->items = calloc(s->archive.count, sizeof(*s->items));
  if (!s->items)
    return err_set(err, ERR_NOMEM, "no memory for the logs of %s", s->target);
  for (size_t i = 0; i < s->archive.count; i++)
    if (!id || memcmp(s->archive.lines[i].history_id, id, HISTORY_ID_SIZE) == 0)
      s->items[s->count++].line = &s->archive.lines[i];
  return s->count > 0 ? 0 : err_set(err, ERR_INVALID, "%s holds nothing of the backup's history", s->target);
}

int log_sources_open(const struct config *config, const struct log *log, const char *target,
                     const unsigned char history_id[HISTORY_ID_SIZE], struct log_sources *out, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  *out = (struct log_sources){.config = config, .log = log};
  if (strlen(target) >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s...", target);
  memcpy(out->target, target, strlen(target) + 1);
  int rc = strncmp(target, REMOTE, strlen(REMOTE)) == 0 ? 0 : walscan_list(target, &numbers, &count, err);
  free(numbers);
  if (rc)
    return rc;
  return count > 0 ? open_plain(out, (uint32_t)count, err) : open_archive(out, history_id, err);
}

void log_sources_close(struct log_sources *sources) {
  struct err ignored;
  int rc = sources->scratch[0] ? tree_remove(sources->scratch, &ignored) : 0;
  (void)rc; /* copies that nobody needs any more */
  free(sources->items);
  archive_close(&sources->archive);
  *sources = (struct log_sources){.items = NULL};
}

/* --- copies --- */

static int make_folder(struct log_sources *s, struct log_source *item, struct err *err) {
  char name[64];
  int rc = make_scratch(s, err);
  snprintf(name, sizeof(name), "%" PRIu32 "-%016" PRIx64, item->line->timeline, item->line->branch);
  if (rc || (rc = fileio_join(item->dir, s->scratch, name, err)) || (rc = tree_remove(item->dir, err)))
    return rc;
  return fileio_mkdirs(item->dir, 0750, err);
}

static int check_room(const struct log_sources *s, uint64_t bytes, struct err *err) {
  uint64_t room = 0;
  if (fileio_free_bytes(s->scratch, &room, err))
    return err->code;
  if (room >= bytes + s->config->min_free_bytes)
    return 0;
  return err_set(err, ERR_FULL, "%s has %" PRIu64 " bytes free; the logs of %s take %" PRIu64, s->config->run_dir, room,
                 s->target, bytes);
}

/* What the listing said of files in this timeline's folder. */
static bool is_told(const struct log_sources *s, const struct archive_line *line) {
  char folder[ARCHIVE_FOLDER_SIZE];
  archive_folder_format(folder, line->history_id, line->timeline, line->branch);
  return strncmp(s->problem, folder, strlen(folder)) == 0;
}

/* Where to begin for a backup whose first log file is `wanted`: one before it, since where the log was about to change
 * files that one was begun by the recovery of the copy. */
static uint32_t first_number(const struct archive_line *line, uint32_t wanted) {
  if (wanted > 1 && archive_line_object(line, wanted - 1))
    return wanted - 1;
  return archive_line_object(line, wanted) ? wanted : line->objects[0].name.number;
}

static void judge_run(const struct log_sources *s, struct log_source *item, const struct archive_line *line,
                      const struct archive_run *run) {
  char name[WAL_NAME_SIZE];
  item->bytes = run->bytes;
  if (run->last < line->objects[line->count - 1].name.number) {
    wal_file_name(name, run->last + 1);
    snprintf(item->why, LOG_SOURCE_WHY,
             "%.600s: %s is missing, or the file before it was not archived to its end; later ones are there",
             line->folder, name);
  } else if (is_told(s, line))
    snprintf(item->why, LOG_SOURCE_WHY, "%s", s->problem);
}

/* As it is listed now. ERR_NOTFOUND: a file that was listed is gone. */
static int copy_now(const struct log_sources *s, struct log_source *item, uint32_t first, struct err *err) {
  struct archive archive = {.lines = NULL};
  struct archive_run run;
  int rc = archive_open(s->archive.target, NULL, NULL, &archive, err);
  const struct archive_line *line =
      rc ? NULL : archive_find(&archive, item->line->history_id, item->line->timeline, item->line->branch);
  if (!rc && !line)
    rc = err_set(err, ERR_NOTFOUND, "%s is gone", item->line->folder);
  if (!rc) {
    item->first = first_number(line, first);
    rc = archive_run(line, item->first, &run, err);
    if (!rc && run.last < first && archive_line_object(line, first)) { /* a gap between the two */
      item->first = first;
      rc = archive_run(line, first, &run, err);
    }
    if (!rc && !(rc = check_room(s, run.bytes, err)) && !(rc = archive_copy(&run, run.first, item->dir, err)))
      judge_run(s, item, line, &run);
  }
  archive_close(&archive);
  return rc;
}

/* A node that goes on writing replaces its newest object by a longer one while it is copied: the next look finds that.
 */
static int copy_line(struct log_sources *s, struct log_source *item, uint32_t first, struct err *err) {
  enum { ATTEMPTS = 10 };
  int rc = ERR_NOTFOUND;
  item->why[0] = '\0';
  for (int i = 0; rc == ERR_NOTFOUND && i < ATTEMPTS; i++)
    if (!(rc = make_folder(s, item, err)))
      rc = copy_now(s, item, first, err);
  if (rc != ERR_CORRUPT)
    return rc;
  snprintf(item->why, LOG_SOURCE_WHY, "%.800s", err->text); /* what lies before it is of use */
  return 0;
}

/* What the archiver says comes first, since it goes on meanwhile. */
static int prepare(struct log_sources *s, struct log_source *item, uint32_t first, struct err *err) {
  struct archive_head head;
  bool found = false;
  int rc = archive_head_read(item->line->folder, &head, &found, err);
  if (rc || (rc = copy_line(s, item, first, err)))
    return rc;
  if (found)
    item->head_seq = head.last_seq;
  else
    log_warn(s->log,
             "%s/" ARCHIVE_HEAD_FILE " is missing or not what an archiver writes: how far the archive should go is "
             "not known",
             item->line->folder);
  item->ready = true;
  return 0;
}

int log_sources_get(struct log_sources *sources, uint32_t timeline, uint64_t branch, uint32_t first,
                    const struct log_source **out, struct err *err) {
  struct log_source *item = NULL;
  for (size_t i = 0; i < sources->count; i++) {
    const struct archive_line *line = sources->items[i].line;
    if (!line || (line->timeline == timeline && line->branch == branch))
      item = &sources->items[i];
  }
  *out = NULL;
  if (!item)
    return 0;
  bool good = item->ready && (!item->line || item->first <= first_number(item->line, first));
  int rc = good ? 0 : prepare(sources, item, first, err);
  if (!rc)
    *out = item;
  return rc;
}

uint32_t log_sources_greatest(const struct log_sources *sources) {
  return sources->archived && sources->count > 0 ? sources->items[sources->count - 1].line->timeline : 0;
}
