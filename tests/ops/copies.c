#include "tests/ops/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/corrupt/start.h"

enum { RECORD_ROOM = 1 << 20 };

static void root_of(unsigned char (*leaves)[DIGEST_SIZE], uint64_t count, unsigned char out[DIGEST_SIZE]) {
  unsigned char right[DIGEST_SIZE];
  uint64_t k = 1;
  if (count == 1) {
    memcpy(out, leaves[0], DIGEST_SIZE);
    return;
  }
  while (2 * k < count)
    k *= 2;
  root_of(leaves, k, out);
  root_of(leaves + k, count - k, right);
  digest_node(out, out, right);
}

void copies_root(uint64_t count, unsigned char root[DIGEST_SIZE]) {
  unsigned char(*leaves)[DIGEST_SIZE] = calloc(count + 1, DIGEST_SIZE);
  struct buf record;
  struct entry entry;
  struct err err;
  buf_init(&record, RECORD_ROOM);
  for (uint64_t seq = 1; seq <= count; seq++) {
    buf_reset(&record);
    crashed_record(&record, seq);
    if (!leaves || entry_decode(buf_span(&record), &entry, &err) || entry_verify(&entry, leaves[seq - 1], &err))
      abort();
  }
  if (count == 0)
    digest_sha256(root, span_of("", 0));
  else
    root_of(leaves, count, root);
  buf_free(&record);
  free(leaves);
}

void copies_verify(const char *path, struct found *out) {
  struct report report;
  struct verify v;
  struct err err;
  *out = (struct found){0};
  report_open(&report, true);
  out->code = verify_open(&v, path, &report, &err);
  if (!out->code)
    out->code = verify_run(&v, &err);
  if (out->code)
    snprintf(out->json, sizeof(out->json), "%s", err.text);
  else {
    const struct entries_info *info = entries_info(v.entries);
    out->last_seq = v.tally.last_seq;
    out->missing = v.tally.missing;
    out->damaged = v.tally.damaged;
    out->whole = v.tally.whole;
    out->from_log = info->from_log;
    out->undone = info->undone;
    tally_root(&v.tally, out->root);
    snprintf(out->json, sizeof(out->json), "%.*s", (int)report.json.len, (const char *)report.json.data);
  }
  out->findings = report.findings;
  out->notes = report.notes;
  verify_close(&v);
  report_close(&report);
}

void copies_settle(const char *good, const char *settled) {
  struct start_wish wish = {.way = START_COLD};
  static struct start_result result;
  crashed_copy(good, settled);
  start_run(settled, &wish, &result);
  if (result.end == END_ALL_THERE)
    return;
  fprintf(stderr, "%s", result.log);
  abort();
}
