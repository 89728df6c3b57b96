#include "ops/dump_make.h"

#include "domain/render.h"
#include "ops/dump.h"
#include "ops/verify.h"

enum { PIECE = 256 << 10, OUT_MAX = PIECE + 2 * DUMP_LINE_MAX };

struct dumping {
  struct verify verify;
  int fd;
  struct buf out;
};

static int not_whole(const char *path, struct err *err) {
  return err_set(err, ERR_CORRUPT, "%.400s is not whole: no dump is made of it (stemedb salvage takes what is left)",
                 path);
}

static int write_out(struct dumping *d, size_t least, struct err *err) {
  if (d->out.len < least || d->out.len == 0)
    return buf_check(&d->out, "a dump", err);
  int rc = buf_check(&d->out, "a dump", err);
  if (!rc)
    rc = fileio_write(d->fd, d->out.data, d->out.len, err);
  buf_reset(&d->out);
  return rc;
}

static int put_entry(void *ctx, struct piece_item *item, struct err *err) {
  struct dumping *d = ctx;
  if (d->verify.report->findings > 0)
    return not_whole(d->verify.copy.base, err);
  if (render_feed_entry(&d->out, &item->entry, err))
    return err->code;
  buf_add_byte(&d->out, '\n');
  return write_out(d, PIECE, err);
}

static int put_all(struct dumping *d, const char *path, struct err *err) {
  struct verify *v = &d->verify;
  const struct entries_info *info = entries_info(v->entries);
  int rc = 0;
  if (v->copy.kind == COPY_ARCHIVE)
    return err_set(err, ERR_INVALID, "%.400s is an archive of log files: a dump is made of a home or a backup", path);
  if (v->report->findings > 0 || !info->has_meta)
    return not_whole(path, err);
  dump_put_head(&d->out, &(struct dump_head){.meta = info->meta, .entries = info->last_seq});
  v->also = put_entry;
  v->also_ctx = d;
  if ((rc = verify_run(v, err)))
    return rc;
  if (v->report->findings > 0 || !v->tally.whole)
    return not_whole(path, err);
  struct dump_end end = {.entries = v->tally.entries,
                         .assertion_count = v->tally.assertion_count,
                         .last_seq = v->tally.last_seq,
                         .has_root = true};
  tally_root(&v->tally, end.root);
  dump_put_end(&d->out, &end, NULL, 0);
  return write_out(d, 0, err);
}

int dump_make(const char *path, int fd, struct report *report, uint64_t *entries, struct err *err) {
  struct dumping d = {.fd = fd};
  buf_init(&d.out, OUT_MAX);
  int rc = verify_open(&d.verify, path, report, err);
  if (!rc)
    rc = put_all(&d, path, err);
  *entries = d.verify.tally.entries;
  verify_close(&d.verify);
  buf_free(&d.out);
  return rc;
}
