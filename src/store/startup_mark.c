#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/startup_internal.h"

int startup_read_mark(struct startup *s, struct err *err) {
  int code = mark_read(s->config->data_dir, &s->mark, &s->has_mark, err);
  if (code == ERR_CORRUPT && s->accepting) {
    log_warn(s->log, "%s", err->text);
    s->has_mark = false;
    return 0;
  }
  if (code != ERR_CORRUPT)
    return code;
  err_context(err, "Damage at offset 0: what was acknowledged is not known");
  return startup_fail(s, STARTUP_RESTORE, err);
}

int startup_check_identity(struct startup *s, const struct history_meta *meta, struct err *err) {
  const struct timeline *current = history_meta_current(meta);
  const struct mark *mark = &s->mark;
  char ours[HISTORY_NAME_SIZE], theirs[HISTORY_NAME_SIZE];
  if (!s->has_mark || (memcmp(mark->history_id, meta->id, HISTORY_ID_SIZE) == 0 && mark->timeline == current->number &&
                       mark->branch == current->branch))
    return 0;
  history_name(ours, meta->id, current->number, current->branch);
  history_name(theirs, mark->history_id, mark->timeline, mark->branch);
  err_set(err, ERR_CORRUPT, "%s/%s belongs to another history or branch: it names %s, the database is %s", s->db,
          STORE_MARK_FILE, theirs, ours);
  if (s->accepting) {
    log_warn(s->log, "%s", err->text);
    s->has_mark = false;
    return 0;
  }
  return startup_fail(s, STARTUP_RESTORE, err);
}

int startup_write_mark(struct startup *s, const struct history_meta *meta, struct err *err) {
  const struct timeline *current = history_meta_current(meta);
  struct mark mark = {.timeline = current->number, .branch = current->branch, .seq = s->last_seq};
  int fd = -1;
  memcpy(mark.history_id, meta->id, sizeof mark.history_id);
  FAULT("store.startup.before_mark");
  int code = mark_open(s->config->data_dir, true, &fd, err);
  if (code)
    return code;
  if ((code = mark_write(fd, &mark, err)) == 0)
    code = mark_sync(fd, err);
  close(fd);
  return code;
}
