/* Whose entries are to be restored: the timelines that lead to the one that is wished. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/follow.h"
#include "ops/point.h"

/* The first timelines of a table, up to number `last` (0: all). ERR_INVALID if that is not one of them. */
static int take_rows(const struct history_meta *from, uint32_t last, struct history_meta *out, struct err *err) {
  uint32_t count = from->count;
  while (last && count > 0 && from->timelines[count - 1].number != last)
    count--;
  if (count == 0)
    return err_set(err, ERR_INVALID, "timeline %" PRIu32 " is not known here", last);
  int rc = history_meta_copy(from, out, err);
  if (!rc)
    out->count = count;
  return rc;
}

static bool has_row(const struct history_meta *meta, const struct archive_line *line) {
  for (uint32_t i = 0; i < meta->count; i++)
    if (meta->timelines[i].number == line->timeline && meta->timelines[i].branch == line->branch)
      return true;
  return false;
}

/* A plain folder says in its logs which timelines it is of; if it does not, it is of the backup's. */
static int of_plain(struct log_sources *sources, const struct history_meta *backup, uint32_t wanted,
                    struct history_meta *out, struct err *err) {
  struct history_meta found = {0};
  bool has = false;
  uint32_t rows = 0;
  int rc = follow_find_meta(sources->items[0].dir, &found, &has, err);
  if (rc)
    return rc;
  if (has && memcmp(found.id, backup->id, HISTORY_ID_SIZE) != 0)
    rc = err_set(err, ERR_INVALID, "%s is of another history than the backup", sources->target);
  else {
    (void)history_meta_shared(backup, has ? &found : backup, &rows);
    rc = take_rows(has && found.count > rows ? &found : backup, wanted, out, err);
  }
  history_meta_free(&found);
  return rc;
}

/* The archive's timeline of the greatest number up to `wanted`; of several of that number the backup's. NULL: none. */
static int choose_line(const struct log_sources *sources, const struct history_meta *backup, uint32_t wanted,
                       const struct archive_line **out, struct err *err) {
  const struct archive_line *chosen = NULL;
  bool several = false;
  for (size_t i = 0; i < sources->count; i++) {
    const struct archive_line *line = sources->items[i].line;
    if (memcmp(line->history_id, backup->id, HISTORY_ID_SIZE) != 0 || (wanted && line->timeline != wanted))
      continue;
    several = chosen && chosen->timeline == line->timeline;
    if (!several || !has_row(backup, chosen))
      chosen = line;
  }
  *out = chosen;
  if (several && !has_row(backup, chosen))
    return err_set(err, ERR_INVALID,
                   "%s holds several branches of timeline %" PRIu32 ", and the backup is of none of them: "
                   "copy the one that is meant, %.200s or another, elsewhere",
                   sources->target, chosen->timeline, chosen->folder);
  return 0;
}

static int of_line(struct log_sources *sources, const struct archive_line *line, struct history_meta *out,
                   struct err *err) {
  const struct log_source *source = NULL;
  bool found = false;
  int rc = log_sources_get(sources, line->timeline, line->branch, 0, &source, err);
  if (rc || (rc = follow_find_meta(source->dir, out, &found, err)))
    return rc;
  if (found && memcmp(out->id, line->history_id, HISTORY_ID_SIZE) == 0 &&
      history_meta_current(out)->number == line->timeline && history_meta_current(out)->branch == line->branch)
    return 0;
  if (found)
    history_meta_free(out);
  return err_set(err, ERR_CORRUPT, "the logs in %.400s do not tell where their timeline branched off%s%.300s",
                 line->folder, source->why[0] ? ": " : "", source->why);
}

int point_find_timelines(struct log_sources *sources, const struct history_meta *backup, uint32_t wanted,
                         struct history_meta *out, struct err *err) {
  const struct archive_line *line = NULL;
  if (!sources)
    return take_rows(backup, wanted, out, err);
  if (!sources->archived)
    return of_plain(sources, backup, wanted, out, err);
  int rc = choose_line(sources, backup, wanted, &line, err);
  if (rc)
    return rc;
  if (!line || has_row(backup, line) || (!wanted && line->timeline < history_meta_current(backup)->number))
    return take_rows(backup, wanted, out, err);
  return of_line(sources, line, out, err);
}
