#include "ops/entries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ops/entries_internal.h"

enum { EXTRA_BYTES_MAX = INT32_MAX, AT_LENGTH = 8, AT_SEQ = 12 };

const struct entries_info *entries_info(const struct entries *entries) {
  return &entries->info;
}

/* Takes the next record off *value by its length field; false if it is cut or its beginning is not one. */
static bool next_record(struct span *value, struct span *record, uint64_t *seq) {
  size_t len =
      value->len >= ENTRY_OVERHEAD && memcmp(value->data, "STMe", 4) == 0 ? get_u32(value->data + AT_LENGTH) : 0;
  if (len < ENTRY_OVERHEAD || len > value->len)
    return false;
  *record = span_of(value->data, len);
  *seq = get_u64(value->data + AT_SEQ);
  *value = span_of(value->data + len, value->len - len);
  return true;
}

int entries_look_up(struct entries *e, uint64_t seq, struct span *record, bool *found, struct err *err) {
  struct span rest, candidate;
  uint64_t at, first;
  *found = false;
  if (!e->leaves)
    return 0;
  rest = e->value.value;
  bool here = e->has_value && seq <= e->value.key && next_record(&rest, &candidate, &first) && first <= seq;
  if (!here) {
    leafscan_seek(e->leaves, seq);
    if (leafscan_next(e->leaves, &e->value, &e->has_value, err))
      return err->code;
  }
  if (!e->has_value || !e->value.value.data)
    return 0;
  for (rest = e->value.value; !*found && next_record(&rest, &candidate, &at);)
    *found = at == seq;
  *record = candidate;
  return 0;
}

/* --- pages --- */

static int note_bad_page(void *ctx, uint32_t number, enum page_fault fault, struct err *err) {
  static const char *const words[] = {
      [PAGE_SOUND] = "",
      [PAGE_BAD_META] = "the meta page is damaged",
      [PAGE_BAD_CHECKSUM] = "checksum mismatch",
      [PAGE_MISPLACED] = "a page of another place",
      [PAGE_CUT] = "the file ends inside of this page",
  };
  struct entries *e = ctx;
  struct place place = {.file = e->copy->history,
                        .has_page = true,
                        .page = number,
                        .offset = (uint64_t)number * (e->info.pages.page_size ? e->info.pages.page_size : 4096)};
  (void)err;
  report_finding(e->report, "page", &place, "%s", words[fault]);
  return 0;
}

/* The checksum of page 0 covers its first 512 bytes; what follows is never used. */
static int check_rest_of_meta(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  struct entries *e = ctx;
  struct place place = {.file = e->copy->history, .has_page = true};
  (void)err;
  if (number == 0 && !bdb_is_zero(page + META_SIZE, size - META_SIZE))
    report_finding(e->report, "page", &place, "bytes that are never used are not 0");
  return 0;
}

static void note_progress(void *ctx, uint64_t done, uint64_t total) {
  struct entries *e = ctx;
  report_progress(e->report, "Checking pages", done, total);
}

static int read_meta(struct entries *e, struct err *err) {
  struct leaf_value value;
  struct err fault;
  bool found;
  leafscan_seek(e->leaves, 0);
  if (leafscan_next(e->leaves, &value, &found, err))
    return err->code;
  e->info.has_meta =
      found && value.key == 0 && value.value.data && history_meta_decode(value.value, &e->info.meta, &fault) == 0;
  return 0;
}

static int scan_pages(struct entries *e, struct err *err) {
  struct page_visitor visitor = {e, check_rest_of_meta, note_progress, note_bad_page};
  int rc = leafscan_open(e->copy->history, &visitor, &e->leaves, &e->info.pages, err);
  report_progress_end(e->report);
  return rc ? rc : read_meta(e, err);
}

/* What is only wrong with pages that were closed. */
static int check_closed(struct entries *e, struct err *err) {
  const struct pagescan *pages = &e->info.pages;
  struct place place = {.file = e->copy->history, .has_page = true};
  const char *what = NULL;
  bool good = true;
  if (!e->info.clean || pages->bad_pages > 0)
    return 0;
  if (pages->holes > 0) {
    place.page = pages->first_hole;
    place.offset = (uint64_t)place.page * pages->page_size;
    report_finding(e->report, "page", &place, "%" PRIu64 " pages are missing from here on", pages->holes);
    return 0;
  }
  if (leafscan_check_tree(e->leaves, &good, &place.page, &what, err))
    return err->code;
  place.offset = (uint64_t)place.page * pages->page_size;
  if (!good)
    report_finding(e->report, "tree", &place, "%s", what);
  return 0;
}

static int open_all(struct entries *e, struct err *err) {
  int rc = 0;
  if (e->copy->kind == COPY_ARCHIVE)
    return 0;
  e->info.first_seq = 1;
  if (e->copy->has_history)
    rc = scan_pages(e, err);
  else {
    struct place place = {.file = e->copy->history};
    report_finding(e->report, "file", &place, "the file is missing");
  }
  if (rc || (rc = entries_read_log(e, err)))
    return rc;
  uint64_t last = e->info.pages.greatest_key < e->end ? e->info.pages.greatest_key : e->end - 1;
  if (e->extra_count > 0 && e->extras[e->extra_count - 1].seq > last)
    last = e->extras[e->extra_count - 1].seq;
  if (e->leaves && lsn_compare(e->info.pages.newest, e->info.log.end) >= 0 && e->info.pages.newest.file > 0) {
    struct place place = {.file = e->copy->wal};
    report_finding(e->report, "log", &place, "the log ends before the database's pages do");
  }
  if (!e->info.has_meta) {
    struct place place = {.file = e->copy->history};
    report_finding(e->report, "identity", &place, "the history's id and timelines (key 0) cannot be read");
  }
  e->info.last_seq = last;
  e->info.clean = e->info.log.commits == 0 && e->info.undone == 0;
  return e->leaves ? check_closed(e, err) : 0;
}

int entries_open(const struct copy *copy, struct report *report, struct entries **out, struct err *err) {
  struct entries *e = calloc(1, sizeof(*e));
  if (!e)
    return err_set(err, ERR_NOMEM, "no memory to read %s", copy->base);
  e->copy = copy;
  e->report = report;
  e->end = UINT64_MAX;
  buf_init(&e->extra_bytes, EXTRA_BYTES_MAX);
  int rc = open_all(e, err);
  if (rc)
    entries_close(e);
  else
    *out = e;
  return rc;
}

void entries_close(struct entries *e) {
  if (!e)
    return;
  leafscan_close(e->leaves);
  history_meta_free(&e->info.meta);
  free(e->extras);
  free(e->undone);
  buf_free(&e->extra_bytes);
  free(e);
}

/* --- all of them --- */

/* Where the run is. */
struct merge {
  struct entries *e;
  size_t extra;      /* the next one */
  uint64_t last_seq; /* sent */
  uint64_t done, total;
};

/* Sends what only the log has below `seq`. */
static int send_extras(struct merge *m, uint64_t seq, struct err *err) {
  struct entries *e = m->e;
  struct place place = {.file = e->copy->wal};
  for (; m->extra < e->extra_count && e->extras[m->extra].seq < seq; m->extra++) {
    const struct extra *x = &e->extras[m->extra];
    if (x->seq <= m->last_seq)
      continue;
    m->last_seq = x->seq;
    place.seq = x->seq;
    if (pipeline_add(e->pipeline, span_of(e->extra_bytes.data + x->offset, x->len), &place, err))
      return err->code;
  }
  return 0;
}

static int send_value(struct merge *m, const struct leaf_value *value, struct err *err) {
  struct entries *e = m->e;
  struct span rest = value->value, record;
  uint64_t seq = 0;
  uint32_t page = value->overflow ? value->overflow : value->page;
  struct place place = {
      .file = e->copy->history, .has_page = true, .page = page, .offset = (uint64_t)page * e->info.pages.page_size};
  while (rest.len > 0) {
    place.seq = m->last_seq + 1; /* for what is not even a record */
    if (!next_record(&rest, &record, &seq)) {
      report_finding(e->report, "entry", &place, "what should be entry %" PRIu64 " is no record", m->last_seq + 1);
      return 0;
    }
    if (seq >= e->end)
      return 0;
    if (send_extras(m, seq, err))
      return err->code;
    m->last_seq = seq > m->last_seq ? seq : m->last_seq;
    if (pipeline_add(e->pipeline, record, &place, err))
      return err->code;
  }
  if (seq != value->key)
    report_finding(e->report, "key", &place, "the value of key %" PRIu64 " ends with entry %" PRIu64, value->key, seq);
  return 0;
}

static int send_pages(struct merge *m, struct err *err) {
  struct entries *e = m->e;
  struct leaf_value value;
  bool found = true;
  leafscan_seek(e->leaves, 1);
  while (found) {
    if (leafscan_next(e->leaves, &value, &found, err))
      return err->code;
    if (!found || value.key == 0)
      continue;
    report_progress(e->report, "Checking entries", value.key * (e->info.pages.bytes / (e->info.last_seq + 1)),
                    e->info.pages.bytes);
    if (value.fault && !e->info.clean) /* a page that was not written, or a damaged one, which is told */
      continue;
    if (value.fault) {
      struct place place = {.file = e->copy->history,
                            .has_page = true,
                            .page = value.fault_page,
                            .seq = value.key,
                            .offset = (uint64_t)value.fault_page * e->info.pages.page_size};
      report_finding(e->report, "value", &place, "the value with entry %" PRIu64 ": %s", value.key, value.fault);
    } else if (send_value(m, &value, err))
      return err->code;
  }
  return 0;
}

int entries_run(struct entries *e, struct pipeline *pipeline, struct err *err) {
  struct merge m = {.e = e};
  int rc = 0;
  e->pipeline = pipeline;
  if (e->copy->kind == COPY_ARCHIVE)
    rc = entries_run_log(e, err);
  else if (e->leaves)
    rc = send_pages(&m, err);
  if (!rc)
    rc = send_extras(&m, UINT64_MAX, err);
  if (!rc)
    rc = pipeline_flush(pipeline, err);
  report_progress_end(e->report);
  return rc;
}
