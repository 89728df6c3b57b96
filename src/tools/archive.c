#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/timestamp.h"
#include "ops/archive_target.h"
#include "ops/archive_verify.h"
#include "ops/tree.h"
#include "tools/archive.h"

enum { JSON_MAX = 20 << 20 };

/* As of verify. */
enum { ARCHIVE_WHOLE = 0, ARCHIVE_DAMAGED = 1, ARCHIVE_NOT_SEEN = 3 };

static void line_name(const struct archive_line *line, char out[HISTORY_NAME_SIZE]) {
  history_name(out, line->history_id, line->timeline, line->branch);
}

static void hex_root(const struct archive_result *r, char out[2 * DIGEST_SIZE + 1]) {
  for (size_t i = 0; i < DIGEST_SIZE; i++)
    snprintf(out + 2 * i, 3, "%02x", r->root[i]);
}

static void tell_line(const struct archive_line *line, const struct archive_result *r) {
  char name[HISTORY_NAME_SIZE], root[2 * DIGEST_SIZE + 1];
  line_name(line, name);
  printf("%s: %zu log files, %" PRIu32 " to %" PRIu32 "\n", name, line->count, line->objects[0].name.number,
         line->objects[line->count - 1].name.number);
  if (r->entries > 0)
    printf("  entries: %" PRIu64 " to %" PRIu64 "\n", r->first_seq, r->last_seq);
  if (r->whole) {
    hex_root(r, root);
    printf("  history_root: %s\n", root);
  }
}

static void add_line(struct buf *out, const struct archive_line *line, const struct archive_result *r) {
  char name[HISTORY_NAME_SIZE], root[2 * DIGEST_SIZE + 1];
  line_name(line, name);
  buf_addf(out,
           "%s{\"history\":\"%s\",\"log_files\":%zu,\"first_log_file\":%" PRIu32 ",\"last_log_file\":%" PRIu32
           ",\"entries\":%" PRIu64 ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64,
           out->len > 0 ? "," : "", name, line->count, line->objects[0].name.number,
           line->objects[line->count - 1].name.number, r->entries, r->first_seq, r->last_seq);
  if (r->whole) {
    hex_root(r, root);
    buf_addf(out, ",\"history_root\":\"%s\"", root);
  }
  buf_add_byte(out, '}');
}

static int tell_json(const struct report *report, const struct buf *lines, struct err *err) {
  struct buf out;
  buf_init(&out, JSON_MAX);
  buf_addf(&out, "{\"kind\":\"archive\",\"whole\":%s,\"timelines\":[", report->findings == 0 ? "true" : "false");
  buf_add_span(&out, buf_span(lines));
  buf_addf(&out, "],\"findings_count\":%" PRIu64 ",\"findings\":", report->findings);
  report_json(report, &out);
  buf_add_str(&out, "}\n");
  int rc = buf_check(&out, "the report", err);
  if (!rc)
    fwrite(out.data, 1, out.len, stdout);
  buf_free(&out);
  return rc;
}

static int verify_folder(const char *folder, bool json, struct report *report, struct err *err) {
  struct archive archive;
  struct archive_result result;
  struct buf lines;
  int rc = archive_verify_open(folder, report, &archive, err);
  if (rc)
    return rc;
  buf_init(&lines, JSON_MAX);
  for (size_t i = 0; !rc && i < archive.count; i++) {
    rc = archive_verify_line(&archive.lines[i], report, &result, err);
    if (!rc && !json)
      tell_line(&archive.lines[i], &result);
    else if (!rc)
      add_line(&lines, &archive.lines[i], &result);
  }
  if (!rc && json)
    rc = tell_json(report, &lines, err);
  else if (!rc && report->findings == 0)
    puts("whole");
  else if (!rc)
    printf("damage: %" PRIu64 " findings\n", report->findings);
  buf_free(&lines);
  archive_close(&archive);
  return rc;
}

/* A target as a folder: itself, or brought into a scratch folder. */
struct near {
  const char *folder;
  char scratch[FILEIO_PATH_MAX]; /* "": none */
};

static int bring_near(const struct archive_target *target, struct near *near, struct err *err) {
  const char *parent = getenv("TMPDIR");
  near->scratch[0] = '\0';
  near->folder = target->path;
  if (!target->remote)
    return 0;
  if (fileio_join(near->scratch, parent && *parent ? parent : "/var/tmp", "stemedb-archive-XXXXXX", err))
    return err->code;
  if (!mkdtemp(near->scratch))
    return err_set(err, ERR_IO, "cannot make a folder in %s", parent && *parent ? parent : "/var/tmp");
  return archive_target_fetch(target, NULL, near->scratch, &near->folder, err);
}

static void leave(const struct tool *tool, const struct near *near) {
  struct err err;
  if (near->scratch[0] && tree_remove(near->scratch, &err))
    log_error(&tool->log, "%s", err.text);
}

int tools_archive_verify(const struct tool *tool, const char *where, bool json) {
  struct archive_target target;
  struct config config;
  struct near near = {.scratch = ""};
  struct report report;
  struct err err;
  report_open(&report, json);
  int rc = config_load(&config, tool->home, &err);
  if (!rc)
    rc = archive_target_set(&target, where ? where : config.archive_target, &config, &err);
  if (!rc)
    rc = bring_near(&target, &near, &err);
  if (!rc)
    rc = verify_folder(near.folder, json, &report, &err);
  bool damaged = report.findings > 0;
  leave(tool, &near);
  report_close(&report);
  if (rc)
    log_error(&tool->log, "%s", err.text);
  return rc == ERR_CORRUPT ? ARCHIVE_DAMAGED : rc ? ARCHIVE_NOT_SEEN : damaged ? ARCHIVE_DAMAGED : ARCHIVE_WHOLE;
}

/* --- status --- */

static void tell_head(const struct archive_line *line) {
  struct archive_head head;
  struct err err;
  bool found = false;
  char time[TIMESTAMP_SIZE], archived[TIMESTAMP_SIZE];
  if (archive_head_read(line->folder, &head, &found, &err) || !found)
    return;
  timestamp_format((int64_t)head.time_us, time);
  timestamp_format((int64_t)head.archived_us, archived);
  printf("  up to seq %" PRIu64 " of %s, archived at %s (as head.json says)\n", head.last_seq, time, archived);
}

static int tell_status(const char *folder, struct err *err) {
  struct archive archive;
  struct archive_run run;
  char name[HISTORY_NAME_SIZE];
  int rc = archive_open(folder, NULL, NULL, &archive, err);
  for (size_t i = 0; !rc && i < archive.count; i++) {
    const struct archive_line *line = &archive.lines[i];
    if ((rc = archive_run_longest(line, &run, err)))
      break;
    line_name(line, name);
    printf("%s: log files %" PRIu32 " to %" PRIu32 " without a gap, %" PRIu64 " bytes\n", name, run.first, run.last,
           run.bytes);
    tell_head(line);
  }
  archive_close(&archive);
  return rc;
}

static int status(const struct tool *tool) {
  struct archive_target target;
  struct config config;
  struct near near = {.scratch = ""};
  struct err err;
  int rc = config_load(&config, tool->home, &err);
  if (!rc && !config.archive_target[0]) {
    puts("no archive: archive_target is not set in stemedb.conf");
    return TOOL_DONE;
  }
  if (!rc) {
    printf("archive_target: %s\narchive_mode: %s\narchive_interval: %" PRIu64 " s\n", config.archive_target,
           config.archive_mode == ARCHIVE_SYNC ? "sync" : "async", config.archive_interval);
    fflush(stdout);
    rc = archive_target_set(&target, config.archive_target, &config, &err);
  }
  if (!rc)
    rc = bring_near(&target, &near, &err);
  if (!rc)
    rc = tell_status(near.folder, &err);
  leave(tool, &near);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}

int tool_archive(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {{"json", no_argument, NULL, 'j'}, {0}};
  bool json = false;
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    if (c == 'j')
      json = true;
    else
      return tool_usage(argv[0]);
  const char *what = optind < argc ? argv[optind++] : "";
  if (strcmp(what, "verify") == 0 && argc - optind <= 1)
    return tools_archive_verify(tool, optind < argc ? argv[optind] : NULL, json);
  if (strcmp(what, "status") == 0 && optind == argc && !json)
    return status(tool);
  return tool_usage(argv[0]);
}
