/* The log's side of a copy's entries. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ops/entries_internal.h"

enum { EXTRAS_FIRST = 1024 };

static const char *log_file(struct entries *e, uint32_t number) {
  char name[WAL_NAME_SIZE];
  struct err ignored;
  wal_file_name(name, number);
  if (fileio_join(e->log_file, e->copy->wal, name, &ignored))
    return e->copy->wal;
  return e->log_file;
}

static int note_damage(void *ctx, const struct wal_damage *damage, struct err *err) {
  struct entries *e = ctx;
  struct place place = {.file = log_file(e, damage->at.file), .has_offset = true, .offset = damage->at.offset};
  (void)err;
  switch (damage->fault) {
  case WAL_MISSING:
    place.has_offset = false;
    report_finding(e->report, "log", &place, "the file is missing, later ones are there");
    break;
  case WAL_BAD_VERSION:
    report_finding(e->report, "log", &place, "a log version that this program does not read");
    break;
  case WAL_BAD_MAGIC: report_finding(e->report, "log", &place, "it does not begin as a log file"); break;
  default: report_finding(e->report, "log", &place, "checksum mismatch, or records are missing");
  }
  return 0;
}

static void show_progress(struct entries *e) {
  uint64_t files = e->info.log.file_count ? e->info.log.file_count : 1;
  uint64_t done = e->log.at.file < e->info.log.first_file ? 0 : e->log.at.file - e->info.log.first_file;
  report_progress(e->report, "Checking the log", done * (e->log_bytes / files) + e->log.at.offset, e->log_bytes);
}

static int add_extra(struct entries *e, const struct entry *entry, struct err *err) {
  if (e->extra_count == e->extra_capacity) {
    size_t capacity = e->extra_capacity ? 2 * e->extra_capacity : EXTRAS_FIRST;
    struct extra *larger = reallocarray(e->extras, capacity, sizeof(*larger));
    if (!larger)
      return err_set(err, ERR_NOMEM, "no memory for %zu entries of the log", capacity);
    e->extras = larger;
    e->extra_capacity = capacity;
  }
  e->extras[e->extra_count++] = (struct extra){entry->seq, e->extra_bytes.len, entry->record.len, e->log.at};
  buf_add_span(&e->extra_bytes, entry->record);
  return buf_check(&e->extra_bytes, "what only the log has", err);
}

static int take_committed(void *ctx, struct span record, struct err *err) {
  struct entries *e = ctx;
  struct entry entry;
  struct span stored;
  bool found;
  show_progress(e);
  int rc = entry_peek(record, &entry, err);
  if (rc || (rc = entries_look_up(e, entry.seq, &stored, &found, err)))
    return rc;
  if (!found)
    return add_extra(e, &entry, err);
  if (!span_equal(stored, record))
    e->contradictions[e->contradiction_count++ % CONTRADICTIONS_MAX] =
        (struct contradiction){entry.seq, e->value.page, e->log.at};
  return 0;
}

static int take_undone(void *ctx, struct span record, struct err *err) {
  struct entries *e = ctx;
  struct entry entry;
  int rc = entry_peek(record, &entry, err);
  if (rc)
    return rc;
  if (e->undone_count == e->undone_capacity) {
    size_t capacity = e->undone_capacity ? 2 * e->undone_capacity : EXTRAS_FIRST;
    struct undone *larger = reallocarray(e->undone, capacity, sizeof(*larger));
    if (!larger)
      return err_set(err, ERR_NOMEM, "no memory for %zu entries of the log", capacity);
    e->undone = larger;
    e->undone_capacity = capacity;
  }
  struct undone *u = &e->undone[e->undone_count++];
  u->seq = entry.seq;
  memcpy(u->id, entry.id, ID_SIZE);
  return 0;
}

/* A table of timelines: the log has it where the page was not written. */
static int take_meta(void *ctx, struct span value, struct err *err) {
  struct entries *e = ctx;
  struct history_meta meta;
  int rc = history_meta_decode(value, &meta, err);
  if (rc)
    return rc;
  if (e->info.has_meta && meta.count < e->info.meta.count) {
    history_meta_free(&meta);
    return 0;
  }
  history_meta_free(&e->info.meta);
  e->info.meta = meta;
  e->info.has_meta = true;
  return 0;
}

/* Pages hold what transactions without an end put there: from the first such entry on. */
static int find_end(struct entries *e, struct err *err) {
  struct span stored;
  struct entry entry;
  struct err ignored;
  bool found;
  e->end = UINT64_MAX;
  for (size_t i = 0; i < e->undone_count; i++) {
    int rc = entries_look_up(e, e->undone[i].seq, &stored, &found, err);
    if (rc)
      return rc;
    if (!found || entry_peek(stored, &entry, &ignored) || memcmp(entry.id, e->undone[i].id, ID_SIZE) != 0)
      continue;
    e->info.undone++;
    if (entry.seq < e->end)
      e->end = entry.seq;
  }
  return 0;
}

static int compare_extras(const void *a, const void *b) {
  const struct extra *x = a, *y = b;
  if (x->seq != y->seq)
    return x->seq < y->seq ? -1 : 1;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

/* What lies before the last checkpoint is on the pages, or was taken away since: recovery does not look there. */
static bool is_replayed(const struct entries *e, struct lsn at) {
  return !e->info.log.has_checkpoint || lsn_compare(at, e->info.log.checkpoint_from) > 0;
}

static void report_contradictions(struct entries *e) {
  size_t count = e->contradiction_count < CONTRADICTIONS_MAX ? e->contradiction_count : CONTRADICTIONS_MAX;
  for (size_t i = 0; i < count; i++) {
    const struct contradiction *c = &e->contradictions[i];
    struct place place = {.file = log_file(e, c->at.file), .has_offset = true, .offset = c->at.offset, .seq = c->seq};
    if (is_replayed(e, c->at))
      report_finding(e->report, "contradiction", &place,
                     "entry %" PRIu64 " of the transaction that ends here is another one than on page %" PRIu32, c->seq,
                     c->page);
  }
}

/* By seq; of several that the log has for one seq, the last. */
static void sort_extras(struct entries *e) {
  size_t kept = 0;
  if (e->extra_count > 1)
    qsort(e->extras, e->extra_count, sizeof(*e->extras), compare_extras);
  for (size_t i = 0; i < e->extra_count; i++) {
    if (!is_replayed(e, e->extras[i].at))
      continue;
    if (kept > 0 && e->extras[kept - 1].seq == e->extras[i].seq)
      kept--;
    e->extras[kept++] = e->extras[i];
  }
  e->extra_count = kept;
}

/* How many bytes there are to walk, and the first file. */
static int measure(struct entries *e, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  struct stat st;
  int rc = walscan_list(e->copy->wal, &numbers, &count, err);
  for (size_t i = 0; !rc && i < count; i++)
    e->log_bytes += stat(log_file(e, numbers[i]), &st) == 0 ? (uint64_t)st.st_size : 0;
  e->info.log = (struct walscan){.file_count = (uint32_t)count, .first_file = count ? numbers[0] : 0};
  free(numbers);
  return rc;
}

/* A node that was killed, and an archive that grows, may end so; what was backed up may not. */
static void tell_torn(struct entries *e, const struct place *place) {
  if (e->copy->kind == COPY_BACKUP)
    report_finding(e->report, "log", place, "the last record is not complete");
  else
    report_note(e->report, "torn", place, "the last record was not written to its end: a start cuts it off");
}

static int run(struct entries *e, wal_entry_visitor *committed, wal_entry_visitor *undone, wal_entry_visitor *image,
               struct err *err) {
  struct wal_files files;
  struct walscan scan;
  int rc = measure(e, err);
  if (rc)
    return rc;
  e->log = (struct wal_entries){
      .ctx = e, .committed = committed, .undone = undone, .image = image, .meta = take_meta, .damage = note_damage};
  rc = wal_extract_all(e->copy->wal, "assertions.kv", e->leaves ? e->info.pages.file_id : NULL, &e->log, &scan, &files,
                       err);
  report_progress_end(e->report);
  if (rc)
    return rc;
  e->info.log = scan;
  if (scan.torn) {
    uint32_t offset = scan.torn_file == scan.end.file ? scan.end.offset : 0;
    struct place place = {.file = log_file(e, scan.torn_file), .has_offset = true, .offset = offset};
    tell_torn(e, &place);
  }
  if (files.foreign && !files.own) {
    struct place place = {.file = e->copy->wal};
    report_finding(e->report, "log", &place, "the log belongs to another database");
  }
  return 0;
}

int entries_read_log(struct entries *e, struct err *err) {
  int rc = run(e, take_committed, take_undone, take_committed, err);
  if (rc)
    return rc;
  sort_extras(e);
  report_contradictions(e);
  e->info.from_log = e->extra_count;
  return find_end(e, err);
}

static int send(void *ctx, struct span record, struct err *err) {
  struct entries *e = ctx;
  struct place place = {.file = e->copy->wal};
  show_progress(e);
  return pipeline_add(e->pipeline, record, &place, err);
}

int entries_run_log(struct entries *e, struct err *err) {
  return run(e, send, NULL, NULL, err);
}
