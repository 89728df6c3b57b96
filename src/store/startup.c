#include "store/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/startup_internal.h"

int startup_fail(struct startup *s, const char *section, struct err *err) {
  s->section = section;
  return err->code;
}

int startup_tell(const struct startup *s, int code, const struct err *err) {
  if (code == ERR_CORRUPT || code == ERR_NOTFOUND || code == ERR_NEWER)
    log_error(s->log, "%s", err->text);
  if (code == ERR_CORRUPT)
    log_error(s->log, "Failed to recover WAL: follow %s of " STARTUP_RUNBOOK,
              s->section ? s->section : STARTUP_RESTORE);
  return code;
}

static int find_history(struct startup *s, struct err *err) {
  if (access(s->history, F_OK) == 0)
    return 0;
  if (errno != ENOENT && errno != ENOTDIR)
    return err_sys(err, errno, "%s", s->history);
  char note[FILEIO_PATH_MAX];
  if (fileio_join(note, s->config->data_dir, STORE_RESTORE_FILE, err) == 0 && access(note, F_OK) == 0)
    return err_set(err, ERR_NOTFOUND, "No history in %s: a restore was interrupted, %s tells what to do",
                   s->config->data_dir, note);
  return err_set(err, ERR_NOTFOUND, "No history in %s: there is no %s", s->config->data_dir, s->history);
}

/* A recovery that an earlier start left behind dies with that start, but not at once: its descriptor holds this lock.
 */
static int lock_database(struct startup *s, int *fd, struct err *err) {
  *fd = open(s->db, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd < 0)
    return err_sys(err, errno, "opening %s", s->db);
  while (flock(*fd, LOCK_EX))
    if (errno != EINTR)
      return err_sys(err, errno, "locking %s", s->db);
  return 0;
}

int startup_prepare(struct startup *s, const struct config *config, const struct log *log, struct metrics *metrics,
                    struct startup_report *report, struct err *err) {
  int code = 0;
  *report = (struct startup_report){0};
  s->config = config;
  s->log = log;
  s->metrics = metrics;
  s->report = report;
  if ((code = fileio_join(s->wal, config->data_dir, STORE_WAL_DIR, err)) ||
      (code = fileio_join(s->db, config->data_dir, STORE_DB_DIR, err)) ||
      (code = fileio_join(s->history, s->db, STORE_HISTORY_FILE, err)) || (code = find_history(s, err)))
    return code;
  return store_make_folders(config->data_dir, err);
}

/* After what is looked at first, so that its warnings do not stand between the lines that the runbook expects. */
static void announce(struct startup *s) {
  if (!s->announced)
    log_info(s->log, "Starting WAL recovery...");
  s->announced = true;
}

/* Everything up to an open store, whose entries are not compared with the mark yet. */
static int recover(struct startup *s, struct err *err) {
  int code = 0;
  if ((code = startup_read_mark(s, err)) || (code = startup_scan_wal(s, err)))
    return code;
  if (s->quick && (s->scan.page_alarm || s->scan.end.file == 0))
    return err_set(err, ERR_CORRUPT, "There is no WAL, or a bad page was met");
  if (!s->quick && ((code = startup_scan_pages(s, err)) || (code = startup_replace_wal(s, err))))
    return code;
  announce(s);
  return startup_recover(s, err);
}

int startup_open(struct startup *s, struct history_meta *meta, struct err *err) {
  int lock = -1;
  int code = lock_database(s, &lock, err);
  if (!code)
    code = recover(s, err);
  if (lock >= 0)
    close(lock);
  if (code || (code = history_meta_read(s->store, meta, err)) || (code = startup_check_identity(s, meta, err)) ||
      (code = history_last(s->store, &s->last_seq, err)))
    return code;
  if (s->replaced && (code = startup_walk_entries(s, err)))
    return code;
  if (!s->quick && (s->replaced || (s->has_mark && s->last_seq < s->mark.seq)))
    return superseded_take(s, meta, err);
  return 0;
}

static int check_acknowledged(struct startup *s, struct err *err) {
  if (!s->has_mark) {
    log_warn(s->log, "%s/%s is missing: it is made anew for entry %" PRIu64, s->db, STORE_MARK_FILE, s->last_seq);
    return 0;
  }
  if (s->last_seq >= s->mark.seq)
    return 0;
  err_set(err, ERR_CORRUPT, "Acknowledged entries missing: %" PRIu64 " to %" PRIu64, s->last_seq + 1, s->mark.seq);
  return startup_fail(s, STARTUP_RESTORE, err);
}

/* The store is complete: this is noted, so that the next start compares with it. */
static int settle(struct startup *s, const struct history_meta *meta, struct err *err) {
  int code = 0;
  if (s->replaced || s->report->from_superseded > 0)
    code = store_checkpoint(s->store, 0, NULL, err);
  if (code || (code = startup_write_mark(s, meta, err)))
    return code;
  FAULT("store.startup.before_marry");
  return startup_marry_wal(s, err);
}

static int run(struct startup *s, struct err *err) {
  struct history_meta meta = {0};
  int code = startup_open(s, &meta, err);
  if (!code)
    code = check_acknowledged(s, err);
  if (!code)
    code = settle(s, &meta, err);
  history_meta_free(&meta);
  if (code) {
    store_abandon(s->store);
    s->store = NULL;
  }
  return code;
}

static int start(struct startup *s, const struct config *config, const struct log *log, struct metrics *metrics,
                 struct startup_report *report, struct err *err) {
  int code = startup_prepare(s, config, log, metrics, report, err);
  return code ? code : run(s, err);
}

int startup_run(const struct config *config, const struct log *log, struct metrics *metrics, bool quick,
                struct store **out, struct startup_report *report, struct err *err) {
  struct startup s = {.quick = quick};
  uint64_t begun = clock_monotonic();
  int code = start(&s, config, log, metrics, report, err);
  if (quick && code == ERR_CORRUPT) {
    /* It looked at less than all. Now it finds file and place, or a cure. */
    log_warn(log, "%s: everything is checked", err->text);
    s = (struct startup){.quick = false, .announced = s.announced};
    code = start(&s, config, log, metrics, report, err);
  }
  report->last_seq = s.last_seq;
  report->replayed = s.scan.commits;
  report->recovery_us = clock_monotonic() - begun;
  if (code) {
    s.log = log;
    if (code != ERR_NEWER)
      announce(&s);
    return startup_tell(&s, code, err);
  }
  log_info(log, "Replayed %" PRIu64 " entries from WAL", report->replayed);
  if (metrics)
    metric_set(metrics_cell(metrics, METRIC_WAL_RECOVERY_DURATION, ""), report->recovery_us);
  *out = s.store;
  return 0;
}
