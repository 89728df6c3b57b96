#include "ops/archive_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/archive_object.h"
#include "ops/tree.h"
#include "ops/verify.h"
#include "store/wal_walk.h"

static void note_name(void *ctx, const char *file, const char *problem) {
  struct place place = {.file = file};
  report_finding(ctx, "name", &place, "%s", problem);
}

int archive_verify_open(const char *target, struct report *report, struct archive *out, struct err *err) {
  return archive_open(target, note_name, report, out, err);
}

/* --- objects --- */

struct object_walk {
  struct report *report;
  const char *path;
};

static int note_damage(void *ctx, const struct wal_damage *damage, struct err *err) {
  struct object_walk *walk = ctx;
  struct place place = {.file = walk->path, .has_offset = true, .offset = damage->at.offset};
  (void)err;
  report_finding(walk->report, "log", &place, "%s",
                 damage->fault == WAL_BAD_MAGIC     ? "it does not begin as a log file"
                 : damage->fault == WAL_BAD_VERSION ? "a log version that this program does not read"
                                                    : "checksum mismatch, or records are missing");
  return 0;
}

static int check_object(const struct archive_line *line, const struct archive_object *object, struct report *report,
                        struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct err fault;
  struct wal_file file;
  if (archive_object_path(line, object, path, err))
    return err->code;
  struct object_walk walk = {report, path};
  struct wal_visitor visitor = {.ctx = &walk, .damage = note_damage};
  struct place place = {.file = path};
  int rc = archive_check(line, object, &fault);
  if (rc == ERR_NOMEM || rc == ERR_NOTFOUND) {
    *err = fault;
    return rc;
  }
  if (rc)
    report_finding(report, "digest", &place, "%s", fault.text);
  if ((rc = wal_walk_path(path, object->name.number, &visitor, &file, err)))
    return rc;
  place.has_offset = true;
  place.offset = file.end;
  if (!object->live && file.end != object->name.length)
    report_finding(report, "log", &place, "its records end there, and it has %" PRIu64 " bytes", object->name.length);
  else if (object->live && file.torn)
    report_note(report, "log", &place, "an appended record was not written to its end: nothing of it was acknowledged");
  return 0;
}

/* --- files of a timeline --- */

static void note_gap(const struct archive_line *line, uint32_t last, uint32_t next, struct report *report) {
  struct place place = {.file = line->folder};
  report_finding(report, "gap", &place, "log files %" PRIu32 " to %" PRIu32 " are missing: what is older leads nowhere",
                 last + 1, next - 1);
}

/* Every run of the timeline must be the only one. */
static int check_runs(const struct archive_line *line, struct report *report, struct err *err) {
  struct archive_run run;
  struct place place = {.file = line->folder};
  struct err fault;
  (void)err;
  for (size_t i = 0; i < line->count;) {
    int rc = archive_run(line, line->objects[i].name.number, &run, &fault);
    if (rc) {
      report_finding(report, "log", &place, "%s", fault.text);
      return 0;
    }
    i += run.last - run.first + 1;
    if (i == line->count)
      break;
    if (line->objects[i].name.number != run.last + 1)
      note_gap(line, run.last, line->objects[i].name.number, report);
    else
      report_finding(report, "gap", &place,
                     "log file %" PRIu32 " is archived up to %" PRIu64 " only, and the next one goes on later",
                     run.last, run.last_length);
  }
  return 0;
}

/* --- entries --- */

int archive_link(const struct archive_run *run, const char *dir, struct err *err) {
  char from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX], real[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  for (uint32_t number = run->first; number > 0 && number <= run->last; number++) {
    wal_file_name(name, number);
    if (archive_object_path(run->line, archive_line_object(run->line, number), from, err) ||
        fileio_join(to, dir, name, err))
      return err->code;
    if (!realpath(from, real) || symlink(real, to) != 0)
      return err_sys(err, errno, "linking %s to %s", to, from);
  }
  return 0;
}

static int read_entries(const char *dir, struct report *report, struct archive_result *out, struct err *err) {
  struct verify verify;
  int rc = verify_open(&verify, dir, report, err);
  if (!rc)
    rc = verify_run(&verify, err);
  if (!rc) {
    const struct tally *tally = &verify.tally;
    out->first_seq = tally->first_seq;
    out->last_seq = tally->last_seq;
    out->entries = tally->entries;
    out->whole = tally->whole && tally->entries > 0;
    tally_root(tally, out->root);
  }
  verify_close(&verify);
  return rc;
}

static int check_entries(struct report *report, struct archive_result *out, struct err *err) {
  const char *parent = getenv("TMPDIR");
  char dir[FILEIO_PATH_MAX];
  struct err ignored;
  if (fileio_join(dir, parent && *parent ? parent : "/tmp", "stemedb-archive-XXXXXX", err))
    return err->code;
  if (!mkdtemp(dir))
    return err_sys(err, errno, "making %s", dir);
  int rc = archive_link(&out->run, dir, err);
  if (!rc)
    rc = read_entries(dir, report, out, err);
  if (tree_remove(dir, &ignored) && !rc)
    *err = ignored, rc = ignored.code;
  return rc;
}

int archive_verify_line(const struct archive_line *line, struct report *report, struct archive_result *out,
                        struct err *err) {
  uint64_t before = report->findings, total = 0, done = 0;
  struct archive_result result = {.run.line = line};
  int rc = 0;
  for (size_t i = 0; i < line->count; i++)
    total += line->objects[i].name.length;
  for (size_t i = 0; !rc && i < line->count; i++) {
    report_progress(report, "Checking the archive", done, total);
    rc = check_object(line, &line->objects[i], report, err);
    done += line->objects[i].name.length;
  }
  report_progress_end(report);
  if (!rc)
    rc = check_runs(line, report, err);
  if (!rc && report->findings == before) {
    rc = archive_run_longest(line, &result.run, err);
    if (!rc)
      rc = check_entries(report, &result, err);
  }
  if (!rc)
    *out = result;
  return rc;
}
