#include <inttypes.h>

#include "base/clock.h"
#include "store/startup_internal.h"

enum { PROGRESS_PERIOD_US = 5000000, WALK_BYTES = 1 << 20, WALK_BATCH_MAX = 4 << 20 };

struct progress {
  const struct startup *startup;
  uint64_t told_us;
};

static void tell_progress(void *ctx, uint64_t done, uint64_t total) {
  struct progress *progress = ctx;
  uint64_t now = clock_monotonic();
  if (now - progress->told_us < PROGRESS_PERIOD_US)
    return;
  progress->told_us = now;
  log_info(progress->startup->log, "Checking pages: %" PRIu64 " of %" PRIu64 " MB", done / 1000000, total / 1000000);
}

/* The record of key 0, which tells the format of the history, is on the first leaf, unless it has grown too long for
 * one: seen here, before recovery writes anything. */
static int look_at_format(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  const struct progress *progress = ctx;
  struct history_meta meta = {0};
  (void)number;
  if (page[PAGE_TYPE_AT] != PAGE_LEAF || bdb_u16(page + PAGE_ENTRIES_AT) < 2 || progress->startup->accepting)
    return 0;
  uint32_t key = bdb_u16(page + PAGE_HEADER), value = bdb_u16(page + PAGE_HEADER + 2);
  if (key + ITEM_DATA_AT + STORE_KEY_SIZE > size || bdb_u16(page + key) != STORE_KEY_SIZE ||
      !bdb_is_zero(page + key + ITEM_DATA_AT, STORE_KEY_SIZE) || value + ITEM_DATA_AT > size ||
      page[value + ITEM_TYPE_AT] != ITEM_DATA || value + ITEM_DATA_AT + bdb_u16(page + value) > size)
    return 0;
  int code = history_meta_decode(span_of(page + value + ITEM_DATA_AT, bdb_u16(page + value)), &meta, err);
  history_meta_free(&meta);
  return code == ERR_NEWER ? code : 0;
}

int startup_scan_pages(struct startup *s, struct err *err) {
  char text[PAGESCAN_TEXT_SIZE];
  struct progress progress = {s, clock_monotonic()};
  struct page_visitor visitor = {.ctx = &progress, .page = look_at_format, .progress = tell_progress};
  int code = pagescan_run(s->history, &visitor, &s->pages, err);
  if (code || s->pages.fault == PAGE_SOUND)
    return code;
  pagescan_describe(&s->pages, s->history, text);
  err_set(err, ERR_CORRUPT, "%s; %" PRIu64 " bad pages in all", text, s->pages.bad_pages);
  return startup_fail(s, STARTUP_RESTORE, err);
}

int startup_check_holes(struct startup *s, struct err *err) {
  struct pagescan after;
  if (s->pages.page_size == 0 || (s->pages.holes == 0 && !s->replaced))
    return 0;
  int code = pagescan_run(s->history, NULL, &after, err);
  if (code || after.holes == 0)
    return code;
  err_set(err, ERR_CORRUPT,
          "Pages are missing in %s: %" PRIu64 " of them, the first is page %" PRIu32 " (offset %" PRIu64 ")",
          s->history, after.holes, after.first_hole, (uint64_t)after.first_hole * after.page_size);
  return startup_fail(s, STARTUP_RESTORE, err);
}

/* Reads entries from..last along the leaves. */
static int walk_leaves(struct startup *s, struct buf *out, struct err *err) {
  size_t count = 0;
  struct entry entry;
  for (uint64_t next = 1; next <= s->last_seq; next += count) {
    int code = history_read(s->store, next, s->last_seq, WALK_BYTES, out, &count, err);
    if (!code && count == 0)
      code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing", next);
    struct span rest = buf_span(out);
    for (size_t i = 0; !code && i < count; i++)
      code = history_next(&rest, &entry, err);
    if (code)
      return code;
  }
  return 0;
}

/* Finds each one from the root. */
static int walk_from_root(struct startup *s, struct buf *out, struct err *err) {
  struct entry entry;
  bool found = false;
  for (uint64_t seq = 1; seq <= s->last_seq; seq++) {
    int code = history_get(s->store, seq, out, &entry, &found, err);
    if (!code && !found)
      code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing", seq);
    if (code)
      return code;
  }
  return 0;
}

int startup_walk_entries(struct startup *s, struct err *err) {
  struct buf out;
  int code;
  buf_init(&out, WALK_BATCH_MAX);
  log_info(s->log, "Checking all of %" PRIu64 " entries...", s->last_seq);
  code = walk_leaves(s, &out, err);
  if (!code)
    code = walk_from_root(s, &out, err);
  buf_free(&out);
  if (!code && s->pages.greatest_key > s->last_seq)
    code = err_set(err, ERR_CORRUPT,
                   "entry %" PRIu64 " is on a page that is not reached any more, the last one reached is %" PRIu64,
                   s->pages.greatest_key, s->last_seq);
  if (code != ERR_CORRUPT)
    return code;
  err_context(err, "%s was not closed when its WAL was replaced", s->history);
  return startup_fail(s, STARTUP_RESTORE, err);
}
