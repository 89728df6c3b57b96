#include "ops/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "ops/doctor_aside.h"
#include "ops/verify.h"
#include "store/mark.h"

#define RESTORE "docs/runbooks/restore-from-backup.md "
#define START "docs/runbooks/server-wont-start.md "
#define SECTION "\302\247"

#define ADVISE_COMPLETE "follow " RESTORE SECTION "1 Complete Restore"
#define ADVISE_WAL "follow " RESTORE SECTION "2 WAL-Only Restore"
#define ADVISE_INDEXES "nothing to do, a start rebuilds them (" RESTORE SECTION "4 Validation and Rebuild)"
#define ADVISE_NO_HISTORY "follow " START SECTION "2 No history"
#define ADVISE_CONFIGURATION "follow " START SECTION "3 Configuration, files and rights"
#define ADVISE_SPACE "follow " START SECTION "4 Disk space"
#define ADVISE_LOSS "follow " START SECTION "5 Acknowledged entries missing"
#define ADVISE_NOTHING "nothing to do: " START SECTION "6 What a start cures"

enum { FINDING_SIZE = 1200 };

struct doctor {
  doctor_teller *tell;
  void *ctx;
  enum doctor_grade worst;
  const char *home;
  struct config config;
};

static void PRINTF_LIKE(4, 5) say(struct doctor *d, enum doctor_grade grade, const char *advice, const char *fmt, ...) {
  char text[FINDING_SIZE];
  va_list list;
  va_start(list, fmt);
  vsnprintf(text, sizeof(text), fmt, list);
  va_end(list);
  if (grade > d->worst)
    d->worst = grade;
  d->tell(d->ctx, grade, text, advice);
}

/* What verify's kinds of findings mean for a start. Kinds that are told by other means are left out. */
static const struct {
  const char *kind;
  bool damage;
  enum doctor_grade grade;
  const char *advice;
} meanings[] = {
    {"page", true, DOCTOR_STOPS, ADVISE_COMPLETE},          {"tree", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"file", true, DOCTOR_STOPS, ADVISE_NO_HISTORY},        {"identity", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"missing", true, DOCTOR_STOPS, ADVISE_LOSS},           {"entry", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"order", true, DOCTOR_STOPS, ADVISE_COMPLETE},         {"time", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"key", true, DOCTOR_STOPS, ADVISE_COMPLETE},           {"value", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"root", true, DOCTOR_STOPS, ADVISE_COMPLETE},          {"mark", true, DOCTOR_STOPS, ADVISE_COMPLETE},
    {"contradiction", true, DOCTOR_STOPS, ADVISE_COMPLETE}, {"metadata", true, DOCTOR_MINDED, ADVISE_COMPLETE},
    {"index", true, DOCTOR_MINDED, ADVISE_INDEXES},         {"mark", false, DOCTOR_MINDED, ADVISE_NOTHING},
    {"torn", false, DOCTOR_MINDED, ADVISE_NOTHING},
};

static void hear(void *ctx, const char *kind, bool damage, const struct place *place, const char *text) {
  struct doctor *d = ctx;
  char where[64] = "";
  if (place->has_page)
    snprintf(where, sizeof(where), ", page %" PRIu32 " (offset %" PRIu64 ")", place->page, place->offset);
  else if (place->has_offset)
    snprintf(where, sizeof(where), ", offset %" PRIu64, place->offset);
  for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
    if (strcmp(meanings[i].kind, kind) == 0 && meanings[i].damage == damage)
      say(d, meanings[i].grade, meanings[i].advice, "%s%s: %s", place->file ? place->file : d->home, where, text);
}

/* --- what the log's state means --- */

static void judge_log(struct doctor *d, const struct verify *v) {
  const struct entries_info *info = entries_info(v->entries);
  const struct walscan *log = &info->log;
  char text[WALSCAN_TEXT_SIZE];
  struct mark mark;
  struct err ignored;
  bool has_mark = false;
  has_mark = mark_read(v->copy.base, &mark, &has_mark, &ignored) == 0 && has_mark;
  /* A file that recovery begins in must have its header, wherever in it that is. */
  bool headless = log->old.fault != WAL_SOUND && log->old.at.file >= log->checkpoint_from.file &&
                  log->old.at.offset < LOG_FILE_HEADER;
  if (log->fatal.fault != WAL_SOUND || headless) {
    walscan_describe(headless ? &log->old : &log->fatal, v->copy.wal, text);
    say(d, DOCTOR_STOPS, ADVISE_WAL, "%s", text);
  } else if (log->old.fault != WAL_SOUND) {
    walscan_describe(&log->old, v->copy.wal, text);
    say(d, DOCTOR_MINDED, ADVISE_NOTHING, "%s; it lies before the last checkpoint: a start moves it aside", text);
  }
  bool older = info->pages.newest.file > 0 && lsn_compare(info->pages.newest, log->end) >= 0;
  if (older && has_mark)
    say(d, DOCTOR_MINDED, ADVISE_NOTHING, "%s: the WAL is missing or older than the database: a start begins a new one",
        v->copy.wal);
  else if (older || (log->torn && !has_mark))
    say(d, DOCTOR_STOPS, ADVISE_COMPLETE,
        "%s/acked.mark is missing, and the WAL is not whole: what was acknowledged is not known", v->copy.db);
  if (info->undone > 0)
    say(d, DOCTOR_MINDED, ADVISE_NOTHING,
        "%" PRIu64 " entries of a transaction that was never committed are taken back by a start", info->undone);
  if (has_mark && v->tally.last_seq < mark.seq)
    doctor_look_aside(v->copy.base, v->tally.last_seq + 1, mark.seq, d->tell, d->ctx);
}

/* --- the folder --- */

static bool exists(const char *dir, const char *name) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  return fileio_join(path, dir, name, &ignored) == 0 && access(path, F_OK) == 0;
}

static bool has_prefix(const char *dir, const char *prefix) {
  bool found = false;
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && !found && (e = readdir(d));)
    found = strncmp(e->d_name, prefix, strlen(prefix)) == 0;
  if (d)
    closedir(d);
  return found;
}

/* Whose files these are: a start by the folder's owner must be able to write them. */
static void look_at_owner(struct doctor *d, const char *dir, unsigned depth) {
  struct stat folder, st;
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  if (stat(d->config.data_dir, &folder))
    return;
  DIR *list = opendir(dir);
  if (!list)
    say(d, DOCTOR_STOPS, ADVISE_CONFIGURATION, "%s cannot be read: %s", dir, strerror(errno));
  for (const struct dirent *e; list && (e = readdir(list));) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || fileio_join(path, dir, e->d_name, &ignored) ||
        lstat(path, &st))
      continue;
    if (st.st_uid != folder.st_uid)
      say(d, DOCTOR_STOPS, ADVISE_CONFIGURATION, "%s belongs to user %u, the folder to user %u: chown -R %u:%u %s",
          path, (unsigned)st.st_uid, (unsigned)folder.st_uid, (unsigned)folder.st_uid, (unsigned)folder.st_gid,
          d->config.data_dir);
    if (S_ISDIR(st.st_mode) && depth < 3)
      look_at_owner(d, path, depth + 1);
  }
  if (list)
    closedir(list);
}

static void look_for_history(struct doctor *d) {
  const char *data = d->config.data_dir;
  if (!exists(data, "."))
    say(d, DOCTOR_STOPS, ADVISE_NO_HISTORY, "No history in %s: there is no such folder. Is its disk mounted?", data);
  else if (exists(data, ".init"))
    say(d, DOCTOR_STOPS, ADVISE_NO_HISTORY, "No history in %s: an init or a load was interrupted there; do it again",
        data);
  else if (has_prefix(data, "db.") || has_prefix(data, "wal."))
    say(d, DOCTOR_STOPS, ADVISE_COMPLETE, "No history in %s, but what a restore or an operator renamed: db.* or wal.*",
        data);
  else
    say(d, DOCTOR_STOPS, ADVISE_NO_HISTORY, "No history in %s: there is no %s/db/assertions.kv. Is its disk mounted?",
        data, data);
}

static void look_at_space(struct doctor *d) {
  uint64_t bytes = 0;
  struct err ignored;
  if (fileio_free_bytes(d->config.data_dir, &bytes, &ignored) == 0 && bytes < d->config.min_free_bytes)
    say(d, DOCTOR_STOPS, ADVISE_SPACE, "%s: %" PRIu64 " MB are free, writes are refused below %" PRIu64 " MB",
        d->config.data_dir, bytes / 1000000, d->config.min_free_bytes / 1000000);
}

static void look_at_indexes(struct doctor *d) {
  char indexes[FILEIO_PATH_MAX];
  struct err ignored;
  if (fileio_join(indexes, d->config.data_dir, "db/indexes", &ignored))
    return;
  if (!exists(indexes, "meta.kv"))
    say(d, DOCTOR_MINDED, ADVISE_INDEXES, "%s: the indexes are missing", indexes);
  else if (exists(indexes, "REBUILD"))
    say(d, DOCTOR_MINDED, ADVISE_INDEXES, "%s: a damaged index was met", indexes);
}

/* --- all --- */

static int examine(struct doctor *d, struct err *err) {
  struct report report;
  struct verify v;
  report_open(&report, true);
  report.listener = hear;
  report.listener_ctx = d;
  int rc = verify_open(&v, d->home, &report, err);
  if (!rc && !v.copy.has_history)
    look_for_history(d);
  else if (!rc && !(rc = verify_run(&v, err)))
    judge_log(d, &v);
  verify_close(&v);
  report_close(&report);
  return rc;
}

int doctor_run(const char *home, doctor_teller *tell, void *ctx, enum doctor_grade *worst, struct err *err) {
  struct doctor *d = calloc(1, sizeof(*d));
  if (!d)
    return err_set(err, ERR_NOMEM, "no memory to examine a home");
  *d = (struct doctor){.tell = tell, .ctx = ctx, .home = home};
  int rc = config_load(&d->config, home, err);
  if (rc) {
    say(d, DOCTOR_STOPS, ADVISE_CONFIGURATION, "%s", err->text);
    rc = rc == ERR_NOMEM ? rc : config_defaults(&d->config, home, err);
  }
  if (!rc && (rc = examine(d, err)) != ERR_BUSY && rc != ERR_NOMEM) {
    if (rc == ERR_NOTFOUND)
      look_for_history(d);
    else if (rc)
      say(d, DOCTOR_STOPS, ADVISE_CONFIGURATION, "%s", err->text);
    rc = 0;
    if (exists(d->config.data_dir, ".")) {
      look_at_owner(d, d->config.data_dir, 0);
      look_at_space(d);
    }
    if (exists(d->config.data_dir, "db"))
      look_at_indexes(d);
  }
  *worst = d->worst;
  free(d);
  return rc;
}
