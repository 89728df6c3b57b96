#include "ops/verify.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ops/manifest.h"
#include "ops/metadata.h"
#include "store/mark.h"

static void note_manifest(void *ctx, const char *problem) {
  struct verify *v = ctx;
  struct place place = {.file = v->copy.base};
  report_finding(v->report, "manifest", &place, "%s", problem);
}

/* What cannot even be read is a finding too: the rest is still looked at. */
static int check_manifest(struct verify *v, struct err *err) {
  struct place place = {.file = v->copy.base};
  struct err fault;
  uint64_t before = v->report->findings;
  int rc = manifest_check(v->copy.base, note_manifest, v, NULL, &fault);
  if (rc == ERR_NOTFOUND) {
    report_note(v->report, "manifest", &place, "there is no " MANIFEST_FILE ": files that were added are not noticed");
    return 0;
  }
  if (rc == ERR_NOMEM) {
    *err = fault;
    return rc;
  }
  if (rc && v->report->findings == before)
    report_finding(v->report, "manifest", &place, "%s", fault.text);
  return 0;
}

int verify_open(struct verify *v, const char *path, struct report *report, struct err *err) {
  *v = (struct verify){.report = report, .copy = {.lock = -1}};
  int rc = copy_find(path, &v->copy, err);
  v->opened = !rc;
  if (!rc && v->copy.kind == COPY_BACKUP)
    rc = check_manifest(v, err);
  if (!rc)
    rc = entries_open(&v->copy, report, &v->entries, err);
  if (!rc)
    tally_begin(&v->tally, v->copy.kind == COPY_ARCHIVE ? 0 : 1, report);
  return rc;
}

void verify_close(struct verify *v) {
  entries_close(v->entries);
  v->entries = NULL;
  if (v->opened)
    copy_release(&v->copy);
}

void verify_history(const struct verify *v, char out[HISTORY_NAME_SIZE]) {
  const struct entries_info *info = entries_info(v->entries);
  out[0] = '\0';
  if (!info->has_meta)
    return;
  const struct timeline *current = history_meta_current(&info->meta);
  history_name(out, info->meta.id, current->number, current->branch);
}

/* --- what the copy says of itself --- */

/* metadata.json, if it can be read. */
static bool read_metadata(struct verify *v, struct metadata *out, const char *path) {
  struct place place = {.file = path};
  struct err fault;
  int rc = metadata_read(v->copy.base, out, &fault);
  if (rc == ERR_NOTFOUND)
    report_note(v->report, "metadata", &place, "the file is missing: count and root are compared with nothing");
  else if (rc)
    report_finding(v->report, "metadata", &place, "%s", fault.text);
  return rc == 0;
}

/* Whether what metadata names is still a beginning of the history: no later timeline branched off before it. */
static bool still_holds(const struct verify *v, const struct metadata *m) {
  const struct entries_info *info = entries_info(v->entries);
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t number = 0;
  uint64_t branch = 0;
  bool after = false;
  if (!history_name_parse(span_str(m->proof.history), id, &number, &branch))
    return false;
  for (uint32_t i = 0; i < info->meta.count; i++) {
    const struct timeline *t = &info->meta.timelines[i];
    if (after && t->branched_at_seq < m->proof.last_seq)
      return false;
    after = after || (t->number == number && t->branch == branch);
  }
  return after;
}

static void compare_metadata(struct verify *v, const struct metadata *m, size_t watch, const char *path) {
  struct place place = {.file = path, .seq = m->proof.last_seq};
  char name[HISTORY_NAME_SIZE];
  const struct tally_watch *w = &v->tally.watch[watch];
  verify_history(v, name);
  if (name[0] && strncmp(name, m->proof.history, 2 * (size_t)HISTORY_ID_SIZE) != 0) {
    report_finding(v->report, "metadata", &place, "it is of history %s, the entries are of %s", m->proof.history, name);
    return;
  }
  if (v->copy.kind == COPY_HOME && name[0] && !still_holds(v, m)) {
    report_note(v->report, "metadata", &place, "it is of %s, an older branch: nothing is compared with it",
                m->proof.history);
    return;
  }
  tally_expect(&v->tally, m->proof.last_seq, path);
  if (v->copy.kind == COPY_BACKUP && v->tally.last_seq > m->proof.last_seq)
    report_finding(v->report, "metadata", &place, "it names %" PRIu64 " entries, %" PRIu64 " are there",
                   m->proof.last_seq, v->tally.last_seq);
  if (!w->reached)
    return; /* said already what is missing */
  if (memcmp(w->root, m->proof.root, DIGEST_SIZE) != 0)
    report_finding(v->report, "root", &place, "the history_root at %" PRIu64 " is another one than it names",
                   m->proof.last_seq);
  if (w->assertion_count != m->proof.assertion_count)
    report_finding(v->report, "metadata", &place, "it names %" PRIu64 " assertions, %" PRIu64 " are there",
                   m->proof.assertion_count, w->assertion_count);
}

static void compare_mark(struct verify *v, const char *path) {
  const struct entries_info *info = entries_info(v->entries);
  struct place place = {.file = path};
  struct mark mark;
  struct err fault;
  bool found = false;
  int rc = mark_read(v->copy.base, &mark, &found, &fault);
  if (rc)
    report_finding(v->report, "mark", &place, "%s", fault.text);
  else if (!found)
    report_note(v->report, "mark", &place, "the file is missing: what was acknowledged is not known");
  if (rc || !found)
    return;
  place.seq = mark.seq;
  const struct timeline *current = info->has_meta ? history_meta_current(&info->meta) : NULL;
  if (current && (memcmp(mark.history_id, info->meta.id, HISTORY_ID_SIZE) != 0 || mark.timeline != current->number ||
                  mark.branch != current->branch))
    report_finding(v->report, "mark", &place, "it is of another history or branch");
  else
    tally_expect(&v->tally, mark.seq, path);
}

/* --- indexes --- */

struct index_scan {
  struct verify *v;
  char path[FILEIO_PATH_MAX];
};

static int note_index_page(void *ctx, uint32_t number, enum page_fault fault, struct err *err) {
  struct index_scan *scan = ctx;
  struct place place = {.file = scan->path, .has_page = true, .page = number, .offset = (uint64_t)number * 4096};
  (void)err;
  (void)fault;
  report_finding(scan->v->report, "index", &place,
                 "the page is damaged; indexes are derived: remove db/indexes, and the start rebuilds them");
  return 0;
}

static void note_progress(void *ctx, uint64_t done, uint64_t total) {
  struct index_scan *scan = ctx;
  report_progress(scan->v->report, "Checking indexes", done, total);
}

static int check_indexes(struct verify *v, struct err *err) {
  struct index_scan scan = {.v = v};
  struct page_visitor visitor = {&scan, NULL, note_progress, note_index_page};
  struct pagescan pages;
  char folder[FILEIO_PATH_MAX];
  int rc = fileio_join(folder, v->copy.db, "indexes", err);
  DIR *dir = rc ? NULL : opendir(folder);
  if (!dir)
    return rc;
  for (const struct dirent *e = readdir(dir); e && !rc; e = readdir(dir)) {
    size_t len = strlen(e->d_name);
    if (len < 4 || strcmp(e->d_name + len - 3, ".kv") != 0)
      continue;
    if ((rc = fileio_join(scan.path, folder, e->d_name, err)) == 0)
      rc = pagescan_run(scan.path, &visitor, &pages, err);
  }
  closedir(dir);
  report_progress_end(v->report);
  return rc;
}

/* --- all --- */

static int take(void *ctx, struct piece_item *item, struct err *err) {
  struct verify *v = ctx;
  int rc = tally_take(&v->tally, item, err);
  return !rc && v->also && item->verified ? v->also(v->also_ctx, item, err) : rc;
}

static int read_entries(struct verify *v, struct err *err) {
  struct pipeline *pipeline = NULL;
  int rc = pipeline_open(take, v, &pipeline, err);
  if (!rc)
    rc = entries_run(v->entries, pipeline, err);
  pipeline_close(pipeline);
  return rc;
}

int verify_run(struct verify *v, struct err *err) {
  char metadata_path[FILEIO_PATH_MAX], mark_path[FILEIO_PATH_MAX];
  struct metadata metadata;
  size_t watch = 0;
  int rc = 0;
  if (v->copy.kind == COPY_ARCHIVE)
    return read_entries(v, err);
  if ((rc = fileio_join(metadata_path, v->copy.base, METADATA_FILE, err)) ||
      (rc = fileio_join(mark_path, v->copy.db, "acked.mark", err)))
    return rc;
  bool has_metadata = read_metadata(v, &metadata, metadata_path);
  if (has_metadata)
    watch = tally_watch(&v->tally, metadata.proof.last_seq);
  if ((rc = read_entries(v, err)))
    return rc;
  tally_expect(&v->tally, entries_info(v->entries)->last_seq, v->copy.history);
  if (has_metadata)
    compare_metadata(v, &metadata, watch, metadata_path);
  if (v->copy.kind != COPY_HOME)
    return 0;
  compare_mark(v, mark_path);
  return v->also ? 0 : check_indexes(v, err);
}
