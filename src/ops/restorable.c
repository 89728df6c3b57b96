#include "ops/restorable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/manifest.h"

/* A backup that can be restored, the newest of its timeline. */
struct base {
  char name[BACKUP_NAME_SIZE], path[FILEIO_PATH_MAX];
  struct metadata metadata;
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
};

struct look {
  const struct config *config;
  const struct log *log;
  const char *backup_dir;
  struct log_sources sources; /* if has_sources */
  bool has_sources;
  char (*names)[BACKUP_NAME_SIZE]; /* oldest first; owned, as is: */
  size_t name_count;
  struct base *bases;
  size_t base_count;
  struct restorable *out;
};

/* --- backups --- */

static int note_name(void *ctx, const char *name, struct err *err) {
  struct look *look = ctx;
  void *larger = reallocarray(look->names, look->name_count + 1, sizeof(*look->names));
  if (!larger)
    return err_set(err, ERR_NOMEM, "no memory for the names of backups");
  look->names = larger;
  snprintf(look->names[look->name_count++], BACKUP_NAME_SIZE, "%s", name);
  return 0;
}

static bool is_same(const struct base *a, const struct base *b) {
  return memcmp(a->id, b->id, HISTORY_ID_SIZE) == 0 && a->timeline == b->timeline && a->branch == b->branch;
}

static int read_backup(const struct look *look, const char *name, struct base *out, struct err *err) {
  int rc = 0;
  snprintf(out->name, sizeof(out->name), "%s", name);
  if ((rc = fileio_join(out->path, look->backup_dir, name, err)) ||
      (rc = metadata_read(out->path, &out->metadata, err)))
    return rc;
  if (!history_name_parse(span_str(out->metadata.proof.history), out->id, &out->timeline, &out->branch))
    return err_set(err, ERR_CORRUPT, "it names no history");
  return 0;
}

/* The newest first: of a timeline that has one already, no other is looked at. */
static int take_backup(struct look *look, const char *name, struct err *err) {
  struct base base = {.timeline = 0};
  struct err fault;
  int rc = read_backup(look, name, &base, &fault);
  for (size_t i = 0; !rc && i < look->base_count; i++)
    if (is_same(&base, &look->bases[i]))
      return 0;
  if (!rc)
    rc = manifest_check(base.path, NULL, NULL, NULL, &fault);
  if (rc == ERR_NOMEM) {
    *err = fault;
    return rc;
  }
  if (rc) {
    log_warn(look->log, "%s cannot be restored: %s", name, fault.text);
    look->out->unusable++;
    return 0;
  }
  struct base *larger = reallocarray(look->bases, look->base_count + 1, sizeof(*larger));
  if (!larger)
    return err_set(err, ERR_NOMEM, "no memory for backups");
  look->bases = larger;
  look->bases[look->base_count++] = base;
  return 0;
}

static int list_backups(struct look *look, struct err *err) {
  int rc = backup_list(look->backup_dir, BACKUP_PREFIX, note_name, look, err);
  for (size_t i = look->name_count; !rc && i > 0; i--)
    rc = take_backup(look, look->names[i - 1], err);
  return rc;
}

/* --- windows --- */

static int read_oldest(const struct look *look, const struct base *base, uint64_t *time_us, struct err *err) {
  struct store *store = NULL;
  struct buf record;
  struct entry entry;
  struct err second;
  bool found = false;
  int rc = store_open_copy(base->path, look->log, &store, err);
  if (rc)
    return rc;
  buf_init(&record, ENTRY_MAX_SIZE);
  rc = history_get(store, 1, &record, &entry, &found, err);
  *time_us = !rc && found ? entry.time_us : 0;
  buf_free(&record);
  int closed = store_close(store, rc ? &second : err);
  return rc ? rc : closed;
}

static int add_window(struct look *look, const struct base *base, const struct point *point, struct err *err) {
  struct restorable *out = look->out;
  struct restorable_window w = {.backup_seq = point->backup_seq,
                                .newest_seq = point->newest_seq,
                                .newest_us = point->newest_time_us,
                                .broken = point->broken};
  const struct timeline *current = history_meta_current(&point->meta);
  int rc = read_oldest(look, base, &w.oldest_us, err);
  if (rc)
    return rc;
  history_name(w.history, point->meta.id, current->number, current->branch);
  w.timeline = current->number;
  if (w.oldest_us == 0 && w.newest_seq > 0)
    w.oldest_us = point->newest_time_us;
  memcpy(w.backup, base->name, sizeof(w.backup));
  memcpy(w.why, point->why, sizeof(w.why));
  struct restorable_window *larger = reallocarray(out->windows, out->count + 1, sizeof(*larger));
  if (!larger)
    return err_set(err, ERR_NOMEM, "no memory for what can be restored");
  out->windows = larger;
  out->windows[out->count++] = w;
  return 0;
}

/* The archive, if it has anything of this history; a plain folder of logs may have. */
static struct log_sources *sources_of(struct look *look, const unsigned char id[HISTORY_ID_SIZE]) {
  for (size_t i = 0; look->has_sources && i < look->sources.count; i++) {
    const struct archive_line *line = look->sources.items[i].line;
    if (!line || memcmp(line->history_id, id, HISTORY_ID_SIZE) == 0)
      return &look->sources;
  }
  return NULL;
}

/* How far a timeline goes from this backup on. *found is false if the backup does not lead to it. */
static int try_base(struct look *look, const struct base *base, uint32_t timeline, uint64_t branch, bool *found,
                    struct err *err) {
  struct point point = {.backup_seq = 0};
  struct err fault;
  int rc = point_survey(look->log, base->path, sources_of(look, base->id), timeline, &point, &fault);
  *found = !rc && history_meta_current(&point.meta)->branch == branch;
  if (*found)
    rc = add_window(look, base, &point, &fault);
  point_free(&point);
  if (rc == ERR_CORRUPT || rc == ERR_INVALID) {
    log_warn(look->log, "Timeline %" PRIu32 " from %s: %s", timeline, base->name, fault.text);
    return *found = false;
  }
  if (rc)
    *err = fault;
  return rc;
}

/* From the backup that is nearest: of this timeline, else of the newest one before it. */
static int look_at_timeline(struct look *look, const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                            uint64_t branch, struct err *err) {
  bool found = false;
  uint32_t below = timeline;
  while (!found && below > 0) {
    const struct base *best = NULL;
    for (size_t i = 0; i < look->base_count; i++) {
      const struct base *b = &look->bases[i];
      if (memcmp(b->id, id, HISTORY_ID_SIZE) == 0 && b->timeline <= below && (!best || b->timeline > best->timeline) &&
          (b->timeline < timeline || b->branch == branch))
        best = b;
    }
    if (!best)
      break;
    if (try_base(look, best, timeline, branch, &found, err))
      return err->code;
    below = best->timeline - 1;
  }
  if (found)
    return 0;
  log_warn(look->log, "Timeline %" PRIu32 " of the archive: no backup leads to it", timeline);
  look->out->unusable++;
  return 0;
}

static int look_at_bases(struct look *look, struct err *err) {
  int rc = 0;
  for (size_t i = 0; !rc && i < look->base_count; i++)
    rc = look_at_timeline(look, look->bases[i].id, look->bases[i].timeline, look->bases[i].branch, err);
  return rc;
}

/* Those that no backup is of. */
static int look_at_lines(struct look *look, struct err *err) {
  int rc = 0;
  for (size_t i = 0; look->has_sources && !rc && i < look->sources.count; i++) {
    const struct archive_line *line = look->sources.items[i].line;
    bool known = line == NULL;
    for (size_t k = 0; !known && k < look->base_count; k++)
      known = memcmp(look->bases[k].id, line->history_id, HISTORY_ID_SIZE) == 0 &&
              look->bases[k].timeline == line->timeline && look->bases[k].branch == line->branch;
    if (!known)
      rc = look_at_timeline(look, line->history_id, line->timeline, line->branch, err);
  }
  return rc;
}

static int open_sources(struct look *look, const char *archive, struct err *err) {
  struct err fault;
  int rc = log_sources_open(look->config, look->log, archive, NULL, &look->sources, &fault);
  look->has_sources = !rc;
  if (!rc)
    return 0;
  log_sources_close(&look->sources);
  if (rc != ERR_NOTFOUND) {
    *err = fault;
    return rc;
  }
  log_warn(look->log, "%s", fault.text);
  look->out->unusable++;
  return 0;
}

static int compare(const void *a, const void *b) {
  const struct restorable_window *x = a, *y = b;
  int order = memcmp(x->history, y->history, 2 * (size_t)HISTORY_ID_SIZE);
  return order ? order : (x->timeline > y->timeline) - (x->timeline < y->timeline);
}

int restorable_find(const struct config *config, const struct log *log, const char *backup_dir, const char *archive,
                    struct restorable *out, struct err *err) {
  struct look look = {.config = config, .log = log, .backup_dir = backup_dir, .out = out};
  *out = (struct restorable){.windows = NULL};
  int rc = archive ? open_sources(&look, archive, err) : 0;
  if (!rc)
    rc = list_backups(&look, err);
  if (!rc && !(rc = look_at_bases(&look, err)))
    rc = look_at_lines(&look, err);
  if (!rc && out->count > 1)
    qsort(out->windows, out->count, sizeof(*out->windows), compare);
  log_sources_close(&look.sources);
  free(look.names);
  free(look.bases);
  return rc;
}

void restorable_free(struct restorable *restorable) {
  free(restorable->windows);
  *restorable = (struct restorable){.windows = NULL};
}
