#include "ops/salvage.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/lock.h"
#include "domain/render.h"
#include "ops/dump.h"
#include "ops/salvage_shelf.h"
#include "projection/merkle.h"
#include "store/mark.h"
#include "store/walscan.h"

enum { OUT_PIECE = 256 << 10, OUT_MAX = OUT_PIECE + 2 * DUMP_LINE_MAX, GAPS_MAX = 1 << 20 };

struct salvage {
  struct shelf shelf;
  struct report *report;
  int fd;
  uint64_t mark_seq; /* the greatest that any acked.mark names */
  uint64_t (*gaps)[2];
  size_t gap_count, gap_capacity;
  struct dump_end end;
  struct merkle tree;
  struct buf out, record;
  struct salvage_result result;
};

/* --- looking --- */

static void read_mark(struct salvage *s, const char *path) {
  char data_dir[FILEIO_PATH_MAX];
  struct mark mark;
  struct err ignored;
  bool found = false;
  size_t len = strlen(path) - strlen("/db/acked.mark");
  if (strlen(path) <= strlen("/db/acked.mark") || len >= sizeof(data_dir))
    return;
  memcpy(data_dir, path, len);
  data_dir[len] = '\0';
  if (mark_read(data_dir, &mark, &found, &ignored) == 0 && found && mark.seq > s->mark_seq)
    s->mark_seq = mark.seq;
}

static int look_at(struct salvage *s, const FTSENT *e, struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  struct err fault;
  int rc = 0;
  if (e->fts_info == FTS_F && strcmp(e->fts_name, "assertions.kv") == 0)
    rc = salvage_pages(&s->shelf, e->fts_path, s->report, &fault);
  else if (e->fts_info == FTS_F && strcmp(e->fts_name, "acked.mark") == 0)
    read_mark(s, e->fts_path);
  else if (e->fts_info == FTS_D) {
    rc = walscan_list(e->fts_path, &numbers, &count, &fault);
    if (!rc && count > 0)
      rc = salvage_log(&s->shelf, e->fts_path, &fault);
    free(numbers);
  }
  s->shelf.source++;
  report_progress_end(s->report);
  if (rc == ERR_NOMEM || rc == ERR_FULL) {
    *err = fault;
    return rc;
  }
  if (rc) { /* what cannot be read here may be elsewhere */
    struct place place = {.file = e->fts_path};
    report_note(s->report, "source", &place, "%s", fault.text);
  }
  return 0;
}

/* Homes are left alone while their node runs. */
static int check_lock(const char *path, struct err *err) {
  char data[FILEIO_PATH_MAX];
  const char *const folders[] = {path, data};
  int rc = fileio_join(data, path, "data", err);
  for (size_t i = 0; !rc && i < 2; i++) {
    int fd = -1;
    rc = lock_share(folders[i], &fd, err);
    if (fd >= 0)
      close(fd);
    if (rc && rc != ERR_BUSY)
      rc = 0;
  }
  return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int look_through(struct salvage *s, const char *path, struct err *err) {
  char copy[FILEIO_PATH_MAX];
  char *roots[] = {copy, NULL};
  int rc = check_lock(path, err);
  if (rc)
    return rc;
  if (strlen(path) >= sizeof(copy) || access(path, R_OK))
    return err_sys(err, errno ? errno : ENAMETOOLONG, "%.400s", path);
  memcpy(copy, path, strlen(path) + 1);
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
  if (!walk)
    return err_sys(err, errno, "opening %s", path);
  for (FTSENT *e; !rc && (e = fts_read(walk));)
    if (e->fts_info == FTS_D && strcmp(e->fts_name, "indexes") == 0)
      fts_set(walk, e, FTS_SKIP);
    else
      rc = look_at(s, e, err);
  fts_close(walk);
  return rc;
}

/* --- writing --- */

static int write_out(struct salvage *s, size_t least, struct err *err) {
  int rc = buf_check(&s->out, "a dump", err);
  if (rc || s->out.len < least || s->out.len == 0)
    return rc;
  rc = fileio_write(s->fd, s->out.data, s->out.len, err);
  buf_reset(&s->out);
  return rc;
}

static int add_gap(struct salvage *s, uint64_t from, uint64_t to, struct err *err) {
  struct place place = {.seq = from, .to_seq = to};
  if (from == to)
    report_finding(s->report, "missing", &place, "entry %" PRIu64 " is missing", from);
  else
    report_finding(s->report, "missing", &place, "entries %" PRIu64 " to %" PRIu64 " are missing", from, to);
  s->result.missing += to - from + 1;
  if (s->gap_count == GAPS_MAX)
    return err_set(err, ERR_NOMEM, "more than %d gaps", GAPS_MAX);
  if (s->gap_count == s->gap_capacity) {
    size_t capacity = s->gap_capacity ? 2 * s->gap_capacity : 64;
    uint64_t(*larger)[2] = reallocarray(s->gaps, capacity, sizeof(*larger));
    if (!larger)
      return err_set(err, ERR_NOMEM, "no memory for gaps");
    s->gaps = larger;
    s->gap_capacity = capacity;
  }
  s->gaps[s->gap_count][0] = from;
  s->gaps[s->gap_count++][1] = to;
  return 0;
}

static int put_entry(struct salvage *s, const struct shelf_find *find, struct err *err) {
  unsigned char leaf[DIGEST_SIZE];
  struct merkle_block block;
  struct entry entry;
  int rc = 0;
  if ((rc = shelf_read(&s->shelf, find, &s->record, err)) || (rc = entry_decode(buf_span(&s->record), &entry, err)) ||
      (rc = entry_verify(&entry, leaf, err)) || (rc = render_feed_entry(&s->out, &entry, err)))
    return rc;
  buf_add_byte(&s->out, '\n');
  merkle_push(&s->tree, leaf, &block);
  s->end.entries++;
  s->end.assertion_count += entry.kind == ENTRY_ASSERTION;
  s->end.last_seq = find->seq;
  return write_out(s, OUT_PIECE, err);
}

/* The finds of one seq begin at `i`; the best is written. *next is where the next seq begins. */
static int put_seq(struct salvage *s, size_t i, size_t *next, struct err *err) {
  const struct shelf_find *find = &s->shelf.finds[i];
  size_t k = i + 1;
  while (k < s->shelf.count && s->shelf.finds[k].seq == find->seq)
    k++;
  *next = k;
  if (k > i + 1) {
    struct place place = {.seq = find->seq};
    report_note(s->report, "conflict", &place,
                "%zu different entries %" PRIu64 " were found; that of the first source is taken", k - i, find->seq);
    s->result.conflicts++;
  }
  if (find->seq > s->end.last_seq + 1 && add_gap(s, s->end.last_seq + 1, find->seq - 1, err))
    return err->code;
  return put_entry(s, find, err);
}

static uint64_t count_seqs(const struct shelf *shelf) {
  uint64_t n = 0;
  for (size_t i = 0; i < shelf->count; i++)
    n += i == 0 || shelf->finds[i].seq != shelf->finds[i - 1].seq;
  return n;
}

static int write_dump(struct salvage *s, struct err *err) {
  struct shelf *shelf = &s->shelf;
  struct place nowhere = {0};
  shelf_sort(shelf);
  if (shelf->count == 0)
    return err_set(err, ERR_NOTFOUND, "no entry was found");
  if (!shelf->has_meta) {
    report_note(s->report, "identity", &nowhere, "the history's id was not found: the dump has a new one");
    if (history_meta_create(&shelf->meta, err))
      return err->code;
  }
  dump_put_head(&s->out, &(struct dump_head){.meta = shelf->meta, .entries = count_seqs(shelf), .partial = true});
  for (size_t i = 0; i < shelf->count;)
    if (put_seq(s, i, &i, err))
      return err->code;
  s->end.has_root = s->gap_count == 0;
  if (s->end.has_root)
    merkle_root(&s->tree, s->end.root);
  s->result.entries = s->end.entries;
  s->result.last_seq = s->mark_seq > s->end.last_seq ? s->mark_seq : s->end.last_seq;
  if (s->mark_seq > s->end.last_seq && add_gap(s, s->end.last_seq + 1, s->mark_seq, err))
    return err->code;
  dump_put_end(&s->out, &s->end, (const uint64_t(*)[2])s->gaps, s->gap_count);
  return write_out(s, 0, err);
}

int salvage_run(const char *const *sources, size_t count, const char *work_dir, int fd, struct report *report,
                struct salvage_result *out, struct err *err) {
  struct salvage *s = calloc(1, sizeof(*s));
  if (!s)
    return err_set(err, ERR_NOMEM, "no memory to salvage");
  s->report = report;
  s->fd = fd;
  buf_init(&s->out, OUT_MAX);
  buf_init(&s->record, ENTRY_MAX_SIZE);
  int rc = shelf_open(&s->shelf, work_dir, err);
  for (size_t i = 0; !rc && i < count; i++)
    rc = look_through(s, sources[i], err);
  if (!rc)
    rc = write_dump(s, err);
  *out = s->result;
  shelf_close(&s->shelf);
  buf_free(&s->out);
  buf_free(&s->record);
  free(s->gaps);
  free(s);
  return rc;
}
