#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fileio.h"
#include "model/json.h"
#include "ops/drill.h"

enum { REPORT_MAX = 64 << 10 };
#define SECONDS(us) ((double)(us) / 1e6)

static const char *const names[DRILL_PHASE_COUNT] = {"check", "restore", "start", "prove", "use"};
static const char *const deeds[DRILL_PHASE_COUNT] = {
    "every file against the manifest", "copied, recovered, count and root computed from the entries",
    "the node of the copy started", "count and root that it serves", "entries read, found and queried; one asserted"};

static void add_text(struct buf *out, const char *name, const char *value) {
  buf_addf(out, ",\n  \"%s\": ", name);
  if (*value)
    json_quote(out, span_str(value));
  else
    buf_add_str(out, "null");
}

static void add_seconds(struct buf *out, const char *name, bool known, uint64_t us) {
  buf_addf(out, ",\n  \"%s\": ", name);
  if (known)
    buf_addf(out, "%.3f", SECONDS(us));
  else
    buf_add_str(out, "null");
}

static void make_json(const struct drill *drill, const char *begun, struct buf *out) {
  const struct drill_result *r = drill->result;
  const struct proof *proof = &r->metadata.proof;
  buf_addf(out, "{\n  \"passed\": %s,\n  \"begun\": \"%s\"", r->code == 0 ? "true" : "false", begun);
  add_text(out, "failure", r->failure);
  add_text(out, "failed_in", r->code && r->phase < DRILL_PHASE_COUNT ? names[r->phase] : "");
  add_text(out, "backup", r->backup);
  add_text(out, "archive", drill->options.archive ? drill->options.archive : "");
  add_text(out, "backup_timestamp", r->metadata.timestamp);
  buf_addf(out, ",\n  \"assertion_count\": %" PRIu64 ",\n  \"last_seq\": %" PRIu64, proof->assertion_count,
           proof->last_seq);
  add_text(out, "history", proof->history);
  buf_add_str(out, ",\n  \"history_root\": \"");
  buf_add_hex(out, proof->root, DIGEST_SIZE);
  buf_add_byte(out, '"');
  add_text(out, "newest_restored", r->newest);
  add_text(out, "newest_of_node", r->live_newest);
  add_seconds(out, "rto_seconds", r->rto_us > 0, r->rto_us);
  add_seconds(out, "rpo_seconds", r->rpo_known, r->rpo_us);
  buf_add_str(out, ",\n  \"phases\": {");
  for (unsigned i = 0; i < DRILL_PHASE_COUNT && i < (unsigned)r->phase; i++)
    buf_addf(out, "%s\"%s_seconds\": %.3f", i ? ", " : "", names[i], SECONDS(r->phase_us[i]));
  buf_add_str(out, "}\n}\n");
}

static void make_text(const struct drill *drill, const char *begun, struct buf *out) {
  const struct drill_result *r = drill->result;
  buf_addf(out, "Drill of %s, begun %s: %s\n", drill->config->home, begun, r->code ? "FAILED" : "passed");
  if (r->code)
    buf_addf(out, "failure: %s\n", r->failure);
  if (r->backup[0])
    buf_addf(out, "backup: %s%s%s\n", r->backup, r->metadata.timestamp[0] ? " of " : "", r->metadata.timestamp);
  if (drill->options.archive)
    buf_addf(out, "archive: %s\n", drill->options.archive);
  if (r->rto_us > 0) {
    buf_addf(out, "proven: %" PRIu64 " assertions, seq %" PRIu64 ", root ", r->metadata.proof.assertion_count,
             r->metadata.proof.last_seq);
    buf_add_hex(out, r->metadata.proof.root, DIGEST_SIZE);
    buf_addf(out, "\nRTO: %.3f s, from the start of the check to the proven answer\n", SECONDS(r->rto_us));
  }
  if (r->rpo_known && r->live)
    buf_addf(out, "RPO: %.3f s: the node's newest entry is of %s, the newest restored of %s\n", SECONDS(r->rpo_us),
             r->live_newest[0] ? r->live_newest : "never", r->newest[0] ? r->newest : "never");
  else if (r->rpo_known)
    buf_addf(out, "RPO: at most %.3f s: no node runs, and the newest restored entry is of %s\n", SECONDS(r->rpo_us),
             r->newest);
  for (unsigned i = 0; i < DRILL_PHASE_COUNT && i < (unsigned)r->phase; i++)
    buf_addf(out, "%9.3f s  %-8s %s\n", SECONDS(r->phase_us[i]), names[i], deeds[i]);
  if (r->code && r->phase < DRILL_PHASE_COUNT)
    buf_addf(out, "   failed in  %s\n", names[r->phase]);
  if (drill->options.keep)
    buf_addf(out, "kept: %s\n", drill->kept);
}

static int write_one(const char *path, void (*make)(const struct drill *, const char *, struct buf *),
                     const struct drill *drill, struct err *err) {
  char begun[TIMESTAMP_SIZE];
  struct buf text;
  timestamp_format_short((int64_t)(drill->now_us / 1000000 * 1000000), begun);
  buf_init(&text, REPORT_MAX);
  make(drill, begun, &text);
  int rc = buf_check(&text, "the report", err);
  if (!rc)
    rc = fileio_replace(path, text.data, text.len, 0640, err);
  buf_free(&text);
  return rc;
}

int drill_write_report(struct drill *drill, struct err *err) {
  char json[FILEIO_PATH_MAX], name[64];
  snprintf(name, sizeof(name), "drill-%s.json", drill->stamp);
  int rc = fileio_join(json, drill->folder, name, err);
  if (!rc && !(rc = write_one(json, make_json, drill, err)))
    rc = write_one(drill->report, make_text, drill, err);
  return rc;
}
