#include "ops/tally.h"

#include <inttypes.h>
#include <string.h>

void tally_begin(struct tally *tally, uint64_t first_seq, struct report *report) {
  *tally = (struct tally){.report = report, .first_seq = first_seq, .whole = first_seq == 1};
  if (first_seq > 0)
    tally->last_seq = first_seq - 1;
}

static void reach(struct tally *tally) {
  for (size_t i = 0; i < tally->watches; i++) {
    struct tally_watch *watch = &tally->watch[i];
    if (watch->seq != tally->last_seq)
      continue;
    watch->reached = tally->whole;
    watch->assertion_count = tally->assertion_count;
    if (tally->whole)
      merkle_root(&tally->tree, watch->root);
  }
}

size_t tally_watch(struct tally *tally, uint64_t seq) {
  size_t number = tally->watches++;
  tally->watch[number] = (struct tally_watch){.seq = seq};
  reach(tally);
  return number;
}

void tally_root(const struct tally *tally, unsigned char root[DIGEST_SIZE]) {
  merkle_root(&tally->tree, root);
}

static void report_gap(struct tally *tally, uint64_t to_seq, const char *file) {
  struct place place = {.file = file, .seq = tally->last_seq + 1, .to_seq = to_seq};
  uint64_t count = to_seq - tally->last_seq;
  if (count == 1)
    report_finding(tally->report, "missing", &place, "entry %" PRIu64 " is missing", to_seq);
  else
    report_finding(tally->report, "missing", &place, "entries %" PRIu64 " to %" PRIu64 " are missing", place.seq,
                   to_seq);
  tally->missing += count;
  tally->whole = false;
}

void tally_expect(struct tally *tally, uint64_t last_seq, const char *file) {
  if (last_seq > tally->last_seq)
    report_gap(tally, last_seq, file);
}

/* Damaged ones stand where their seq would be, as far as that is known. */
static int take_damaged(struct tally *tally, struct piece_item *item) {
  uint64_t seq = item->decoded ? item->entry.seq : item->place.seq;
  struct place place = item->place;
  place.seq = seq;
  report_finding(tally->report, "entry", &place, "entry %" PRIu64 ": %s", seq, item->why);
  tally->damaged++;
  tally->whole = false;
  if (seq > tally->last_seq + 1)
    report_gap(tally, seq - 1, place.file);
  if (seq > tally->last_seq)
    tally->last_seq = seq;
  return 0;
}

int tally_take(void *ctx, struct piece_item *item, struct err *err) {
  struct tally *tally = ctx;
  struct merkle_block block;
  (void)err;
  if (!item->verified)
    return take_damaged(tally, item);
  const struct entry *entry = &item->entry;
  item->place.seq = entry->seq;
  if (tally->first_seq == 0) {
    tally->first_seq = entry->seq;
    tally->last_seq = entry->seq - 1;
    tally->whole = entry->seq == 1;
  }
  if (entry->seq <= tally->last_seq) {
    report_finding(tally->report, "order", &item->place, "entry %" PRIu64 " follows entry %" PRIu64, entry->seq,
                   tally->last_seq);
    tally->whole = false;
    return 0;
  }
  if (entry->seq > tally->last_seq + 1)
    report_gap(tally, entry->seq - 1, item->place.file);
  if (entry->time_us <= tally->last_time_us) {
    report_finding(tally->report, "time", &item->place, "entry %" PRIu64 " is not later than the one before it",
                   entry->seq);
    tally->damaged++;
  }
  tally->last_time_us = entry->time_us;
  tally->last_seq = entry->seq;
  tally->entries++;
  tally->assertion_count += entry->kind == ENTRY_ASSERTION;
  if (tally->whole)
    merkle_push(&tally->tree, item->leaf, &block);
  reach(tally);
  return 0;
}
