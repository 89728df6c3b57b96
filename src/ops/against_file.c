#include "ops/against_file.h"

#include <inttypes.h>
#include <string.h>

#include "ops/metadata.h"

enum { LINE_ARENA = 64 << 20 };

static int open_dump(struct against_file *f, struct err *err) {
  int rc = dump_file_open(f->path, &f->file, &f->head, err);
  if (rc)
    return rc;
  if (f->head.partial)
    return err_set(err, ERR_INVALID, "%.400s is a partial dump: it is no beginning of a history", f->path);
  f->is_dump = true;
  f->last_seq = f->head.entries;
  return 0;
}

int against_file_open(const char *path, struct against_file *out, struct err *err) {
  struct metadata metadata;
  struct err second;
  *out = (struct against_file){.path = path};
  if (strcmp(path, "-") == 0) /* standard input */
    return open_dump(out, err);
  int rc = metadata_read_file(path, &metadata, err);
  if (rc == ERR_CORRUPT) /* no metadata: what a dump begins with is an object too, but followed by more */
    return open_dump(out, &second) ? err_set(err, second.code, "%s", second.text) : 0;
  if (rc)
    return rc;
  out->last_seq = metadata.proof.last_seq;
  out->watch =
      (struct tally_watch){.seq = out->last_seq, .reached = true, .assertion_count = metadata.proof.assertion_count};
  memcpy(out->watch.root, metadata.proof.root, DIGEST_SIZE);
  return 0;
}

void against_file_close(struct against_file *file) {
  dump_file_close(file->file);
  dump_head_free(&file->head);
}

/* --- reading a dump --- */

struct reading {
  struct against_file *file;
  struct tally tally;
  struct pipeline *pipeline;
  struct arena *arena;
  struct buf record;
  struct dump_end end;
  bool ended;
};

static int take(void *ctx, struct piece_item *item, struct err *err) {
  struct reading *r = ctx;
  report_progress(r->tally.report, "Reading the dump", r->tally.last_seq, r->file->last_seq);
  return tally_take(&r->tally, item, err);
}

static int take_line(struct reading *r, struct span line, uint64_t number, struct err *err) {
  struct place place = {.file = r->file->path, .offset = number};
  arena_reset(r->arena);
  buf_reset(&r->record);
  int rc = r->ended ? err_set(err, ERR_INVALID, "it follows the last one")
                    : dump_read_line(r->arena, line, &r->record, &r->end, &r->ended, err);
  if (rc)
    return err_context(err, "line %" PRIu64, number);
  return r->ended ? 0 : pipeline_add(r->pipeline, buf_span(&r->record), &place, err);
}

static int read_lines(struct reading *r, struct err *err) {
  struct span line;
  uint64_t number;
  bool found = true;
  int rc = pipeline_open(take, r, &r->pipeline, err);
  while (!rc && found) {
    rc = dump_file_next(r->file->file, &line, &number, &found, err);
    if (!rc && found)
      rc = take_line(r, line, number, err);
  }
  return rc ? rc : pipeline_flush(r->pipeline, err);
}

/* Whether it is what it says of itself. */
static int check_end(const struct reading *r, struct err *err) {
  unsigned char root[DIGEST_SIZE];
  const struct tally *t = &r->tally;
  tally_root(t, root);
  if (!r->ended)
    return err_set(err, ERR_INVALID, "the last line is missing: the dump was cut, or never finished");
  if (!t->whole || t->last_seq != r->file->last_seq || t->last_seq != r->end.last_seq || !r->end.has_root ||
      memcmp(root, r->end.root, DIGEST_SIZE) != 0)
    return err_set(err, ERR_INVALID, "its entries do not add up to the count and root that it names");
  return 0;
}

static int run_dump(struct against_file *file, uint64_t seq, struct report *report, struct err *err) {
  struct reading r = {.file = file};
  tally_begin(&r.tally, 1, report);
  size_t watch = tally_watch(&r.tally, seq);
  buf_init(&r.record, ENTRY_MAX_SIZE);
  r.arena = arena_create(LINE_ARENA);
  int rc = r.arena ? read_lines(&r, err) : err_set(err, ERR_NOMEM, "no memory for a dump");
  report_progress_end(report);
  if (!rc)
    rc = check_end(&r, err);
  if (rc)
    err_context(err, "%.400s", file->path);
  file->watch = r.tally.watch[watch];
  pipeline_close(r.pipeline);
  arena_free(r.arena);
  buf_free(&r.record);
  return rc;
}

int against_file_run(struct against_file *file, uint64_t seq, struct report *report, struct err *err) {
  if (file->is_dump)
    return run_dump(file, seq, report, err);
  return seq == file->last_seq
             ? 0
             : err_set(err, ERR_INVALID,
                       "%.400s names the root at entry %" PRIu64 " alone, and this ends with entry %" PRIu64
                       ": whether it is the beginning of that cannot be told",
                       file->path, file->last_seq, seq);
}
