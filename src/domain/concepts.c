#include "domain/concepts.h"

#include "model/canonical.h"
#include "model/name.h"
#include "projection/counts.h"

/*
 * A child is known by what was said about itself, or about something below it. The latter are in the index of counts.
 * The former are found by a scan that visits each child once: it skips the rest of its assertions, and all that is
 * below it. Both give the children in order, and are merged.
 */
struct level {
  const struct reader *reader;
  uint64_t snapshot;
  struct span parent;
  struct concept_scan *scan;
  bool found; /* whether the scan stands at a child that something was said about */
  struct span segment;
  unsigned char path[NAME_PATH_MAX + 2], bytes[NAME_PATH_MAX]; /* PARENT/ and more; the segment */
  size_t start;                                                /* of segments in `path` */
};

/* Whether the row's path is below the parent; then its next segment, and whether that is its last. */
static bool is_below(const struct level *level, struct span path, struct span *segment, bool *own) {
  if (path.len <= level->start || memcmp(path.data, level->path, level->start) != 0)
    return false;
  const unsigned char *p = path.data + level->start, *slash = memchr(p, '/', path.len - level->start);
  *segment = span_of(p, slash ? (size_t)(slash - p) : path.len - level->start);
  *own = slash == NULL;
  return true;
}

/* From the first row at or after `path` (of `len` bytes in level->path) to the first child that has its own, visible
 * assertion. */
static int find_own(struct level *level, size_t len, struct err *err) {
  const struct span any = {NULL, 0};
  struct concept_row row;
  level->found = false;
  for (;;) {
    bool found = false, own = false;
    struct span segment;
    int code = concept_scan_seek(level->scan, span_of(level->path, len), any, any, UINT64_MAX, &row, &found, err);
    if (code || !found || !is_below(level, row.path, &segment, &own))
      return code;
    if (level->start + segment.len + 1 > NAME_PATH_MAX + 1)
      return err_set(err, ERR_CORRUPT, "a path is too long");
    memcpy(level->bytes, segment.data, segment.len);
    level->segment = span_of(level->bytes, segment.len);
    memcpy(level->path + level->start, segment.data, segment.len);
    len = level->start + segment.len;
    while (own && row.seq > level->snapshot) { /* newer than the snapshot: is anything else said about it? */
      code = concept_scan_next(level->scan, &row, &found, err);
      if (code)
        return code;
      if (!found || !span_equal(row.path, span_of(level->path, len)))
        break;
      own = true;
    }
    if (own && found && row.seq <= level->snapshot && span_equal(row.path, span_of(level->path, len))) {
      level->found = true;
      return 0;
    }
    level->path[len++] = own ? 1 : '0'; /* after all of its own, or after all below it: '0' follows '/' */
  }
}

/* To the child after the current one. Own assertions of PARENT/x end before PARENT/x 1. */
static int next_own(struct level *level, struct err *err) {
  memcpy(level->path + level->start, level->bytes, level->segment.len);
  level->path[level->start + level->segment.len] = 1;
  return find_own(level, level->start + level->segment.len + 1, err);
}

static int level_open(struct level *level, const struct reader *reader, uint64_t snapshot, struct span parent,
                      struct span after, struct err *err) {
  *level = (struct level){.reader = reader, .snapshot = snapshot, .parent = parent};
  if (parent.len) {
    memcpy(level->path, parent.data, parent.len);
    level->path[parent.len] = '/';
    level->start = parent.len + 1;
  }
  if (level->start + after.len > NAME_PATH_MAX)
    return 0; /* nothing can be there */
  int code = concept_scan_open(reader, &level->scan, err);
  if (code)
    return code;
  size_t len = level->start;
  if (after.len) {
    memcpy(level->path + len, after.data, after.len);
    len += after.len;
    level->path[len++] = 1;
  }
  return find_own(level, len, err);
}

/* How many assertions about exactly this path there are, up to CONCEPTS_OWN_MAX; *more if there are more. */
static int count_own(const struct reader *reader, struct concept_scan *scan, struct span path, uint64_t snapshot,
                     unsigned *own, bool *more, struct err *err) {
  const struct span any = {NULL, 0};
  struct concept_row row;
  bool found = false;
  (void)reader;
  *own = 0;
  *more = false;
  int code = concept_scan_seek(scan, path, any, any, UINT64_MAX, &row, &found, err);
  while (!code && found && span_equal(row.path, path) && !*more) {
    if (row.seq <= snapshot) {
      *more = *own == CONCEPTS_OWN_MAX;
      *own += !*more;
    }
    code = concept_scan_next(scan, &row, &found, err);
  }
  return code;
}

struct page {
  const struct reader *reader;
  uint64_t snapshot;
  struct span parent;
  struct concept_scan *scan; /* for counting */
  struct buf *out;
  unsigned char path[NAME_PATH_MAX];
};

static int add_counts(struct page *page, struct span path, bool has_own, uint64_t below, struct err *err) {
  unsigned own = 0;
  bool more = false;
  int code = has_own ? count_own(page->reader, page->scan, path, page->snapshot, &own, &more, err) : 0;
  buf_addf(page->out, ",\"own\":%u,\"own_more\":%s,\"below\":%llu", own, more ? "true" : "false",
           (unsigned long long)below);
  return code;
}

static int add_child(struct page *page, struct span segment, bool has_own, uint64_t below, bool first,
                     struct err *err) {
  size_t len = 0;
  if (page->parent.len) {
    memcpy(page->path, page->parent.data, page->parent.len);
    page->path[page->parent.len] = '/';
    len = page->parent.len + 1;
  }
  if (len + segment.len > sizeof(page->path))
    return err_set(err, ERR_CORRUPT, "a path is too long");
  memcpy(page->path + len, segment.data, segment.len);
  const struct span path = span_of(page->path, len + segment.len);
  buf_add_str(page->out, first ? "{\"concept_path\":" : ",{\"concept_path\":");
  json_quote(page->out, path);
  int code = add_counts(page, path, has_own, below, err);
  buf_add_byte(page->out, '}');
  return code;
}

/* Merges both kinds of children. */
static int add_children(struct page *page, struct level *level, const struct concept_count *counts, size_t count,
                        struct arena *arena, uint32_t limit, struct concepts_end *end, struct err *err) {
  size_t at = 0;
  uint32_t added = 0;
  int code = 0;
  while (!code && (level->found || at < count)) {
    const int order = !level->found ? 1 : at == count ? -1 : span_compare(level->segment, counts[at].segment);
    if (added == limit) {
      end->more = true;
      return 0;
    }
    const struct span segment = order <= 0 ? level->segment : counts[at].segment;
    end->segment = arena_copy(arena, segment);
    if (!end->segment.data)
      return err_set(err, ERR_NOMEM, "no memory for concepts");
    code = add_child(page, end->segment, order <= 0, order >= 0 ? counts[at].below : 0, added == 0, err);
    added++;
    at += order >= 0;
    if (!code && order <= 0)
      code = next_own(level, err);
  }
  return code;
}

static int add_parent(struct page *page, struct err *err) {
  uint64_t below = 0;
  if (page->parent.len == 0)
    return 0;
  int code = counts_below(page->reader, page->parent, &below, err);
  return code ? code : add_counts(page, page->parent, true, below, err);
}

int concepts_render(const struct reader *reader, const struct watermark *mark, const struct concepts_request *request,
                    struct arena *arena, struct buf *out, struct concepts_end *end, bool *exact, struct err *err) {
  struct page page = {.reader = reader, .snapshot = mark->visible_seq, .parent = request->prefix, .out = out};
  struct level level = {.scan = NULL};
  const size_t cap = (size_t)request->limit + 1;
  struct concept_count *counts = arena_calloc(arena, cap, sizeof(*counts));
  size_t count = 0;
  uint64_t applied = 0;
  *end = (struct concepts_end){.more = false};
  if (!counts)
    return err_set(err, ERR_NOMEM, "no memory for concepts");
  int code = concept_scan_open(reader, &page.scan, err);
  if (!code)
    code = add_parent(&page, err);
  if (!code)
    code = counts_children(reader, arena, request->prefix, request->after, counts, cap, &count, err);
  if (!code)
    code = level_open(&level, reader, page.snapshot, request->prefix, request->after, err);
  buf_add_str(out, ",\"children\":[");
  if (!code)
    code = add_children(&page, &level, counts, count, arena, request->limit, end, err);
  buf_add_byte(out, ']');
  if (!code)
    code = counts_applied(reader, &applied, err);
  *exact = applied == mark->visible_seq;
  concept_scan_close(level.scan);
  concept_scan_close(page.scan);
  return code;
}
