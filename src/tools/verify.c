#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ops/archive.h"
#include "ops/verify.h"
#include "tools/archive.h"
#include "tools/tool.h"
#include "tools/verify_against.h"

enum { JSON_MAX = 20 << 20 };

/* Exit statuses of verify, which differ from those of the other subcommands. */
enum { VERIFY_WHOLE = 0, VERIFY_DAMAGED = 1, VERIFY_USAGE = 2, VERIFY_NOT_SEEN = 3 };

static void hex_root(const struct tally *tally, char out[2 * DIGEST_SIZE + 1]) {
  unsigned char root[DIGEST_SIZE];
  tally_root(tally, root);
  for (size_t i = 0; i < DIGEST_SIZE; i++)
    snprintf(out + 2 * i, 3, "%02x", root[i]);
}

static void tell_text(const struct verify *v, const char *path) {
  const struct tally *t = &v->tally;
  const struct entries_info *info = entries_info(v->entries);
  char root[2 * DIGEST_SIZE + 1], history[HISTORY_NAME_SIZE];
  verify_history(v, history);
  printf("%s: %s%s%s\n", path, copy_kind_name(v->copy.kind), history[0] ? " of history " : "", history);
  if (t->entries == 0)
    puts("entries: none");
  else
    printf("entries: %" PRIu64 " to %" PRIu64 ", %" PRIu64 " assertions among them\n", t->first_seq, t->last_seq,
           t->assertion_count);
  if (info->from_log > 0)
    printf("of them only in the log: %" PRIu64 "\n", info->from_log);
  if (info->undone > 0)
    printf("not committed, and left out: %" PRIu64 "\n", info->undone);
  if (t->whole) {
    hex_root(t, root);
    printf("history_root: %s\n", root);
  }
  if (t->missing > 0)
    printf("missing: %" PRIu64 "\n", t->missing);
  if (t->damaged > 0)
    printf("damaged: %" PRIu64 "\n", t->damaged);
  if (v->report->findings == 0)
    puts("whole");
  else
    printf("damage: %" PRIu64 " findings\n", v->report->findings);
}

static int tell_json(const struct verify *v, const struct against *against, struct err *err) {
  const struct tally *t = &v->tally;
  const struct entries_info *info = entries_info(v->entries);
  char root[2 * DIGEST_SIZE + 1], history[HISTORY_NAME_SIZE];
  struct buf out;
  buf_init(&out, JSON_MAX);
  verify_history(v, history);
  buf_addf(&out, "{\"kind\":\"%s\",\"history\":", copy_kind_name(v->copy.kind));
  buf_addf(&out, history[0] ? "\"%s\"" : "null", history);
  buf_addf(&out,
           ",\"whole\":%s,\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"entries\":%" PRIu64
           ",\"assertion_count\":%" PRIu64 ",\"only_in_log\":%" PRIu64 ",\"not_committed\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"damaged\":%" PRIu64,
           v->report->findings == 0 ? "true" : "false", t->first_seq, t->last_seq, t->entries, t->assertion_count,
           info->from_log, info->undone, t->missing, t->damaged);
  if (t->whole) {
    hex_root(t, root);
    buf_addf(&out, ",\"history_root\":\"%s\"", root);
  }
  if (against)
    buf_addf(&out, ",\"against\":{\"relation\":\"%s\",\"last_seq\":%" PRIu64 ",\"compared_seq\":%" PRIu64 "}",
             against_name(against->relation), against->other_seq, against->shared);
  buf_addf(&out, ",\"findings_count\":%" PRIu64 ",\"findings\":", v->report->findings);
  report_json(v->report, &out);
  buf_add_str(&out, "}\n");
  int rc = buf_check(&out, "the report", err);
  if (!rc)
    fwrite(out.data, 1, out.len, stdout);
  buf_free(&out);
  return rc;
}

struct verify_options {
  const char *path, *against; /* NULL: none */
  bool json;
};

static int look(struct verify *v, const struct verify_options *options, struct against *against, struct err *err) {
  struct verify_other other;
  if (!options->against)
    return verify_run(v, err);
  int rc = verify_other_open(&other, options->against, v, err);
  if (!rc)
    rc = verify_run(v, err);
  if (!rc)
    rc = verify_other_compare(&other, v, against, err);
  verify_other_close(&other);
  return rc;
}

static int tell(const struct verify *v, const struct verify_options *options, const struct against *against,
                struct err *err) {
  char text[AGAINST_TEXT_SIZE];
  if (options->json)
    return tell_json(v, options->against ? against : NULL, err);
  tell_text(v, options->path);
  if (options->against) {
    against_describe(against, text);
    printf("against %s: %s\n", options->against, text);
  }
  return 0;
}

static int run(const struct tool *tool, const struct verify_options *options) {
  struct report report;
  struct verify verify;
  struct against against = {.relation = RELATION_EQUAL};
  struct err err;
  report_open(&report, options->json);
  int rc = verify_open(&verify, options->path, &report, &err);
  if (!rc)
    rc = look(&verify, options, &against, &err);
  if (!rc)
    rc = tell(&verify, options, &against, &err);
  bool damaged = report.findings > 0 || against.relation == RELATION_DIVERGED;
  verify_close(&verify);
  report_close(&report);
  if (rc) {
    log_error(&tool->log, "%s", err.text);
    return rc == ERR_CORRUPT ? VERIFY_DAMAGED : VERIFY_NOT_SEEN;
  }
  return damaged ? VERIFY_DAMAGED : VERIFY_WHOLE;
}

int tool_verify(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {
      {"json", no_argument, NULL, 'j'}, {"against", required_argument, NULL, 'a'}, {0}};
  struct verify_options options = {.path = tool->home};
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    if (c == 'j')
      options.json = true;
    else if (c == 'a')
      options.against = optarg;
    else
      return tool_usage(argv[0]);
  if (argc - optind > 1)
    return tool_usage(argv[0]);
  if (optind < argc)
    options.path = argv[optind];
  if (archive_is(options.path) && !options.against)
    return tools_archive_verify(tool, options.path, options.json);
  return run(tool, &options);
}
