/*
 * The timeline of a topic: its assertions in the order of seq, and what befell them. The index has them by source, the
 * newest first, so the page is filled from windows of seqs: what lies in one is gathered from all sources, and a window
 * is halved if it holds too much, and doubled after one that did not.
 */
#include "domain/timeline.h"

enum { WINDOW_ROWS_MIN = 1024 };

bool timeline_in_scope(const struct walk *walk, const struct window *w) {
  const struct active_scan *scan = &walk->scan;
  return scan->found && span_equal(scan->row.path, w->path) &&
         (!w->predicate.data || span_equal(scan->row.predicate, w->predicate));
}

int timeline_skip_source(struct walk *walk, const struct window *w, struct err *err) {
  const struct concept_row *row = &walk->scan.row;
  const struct span wanted = walk->query->source;
  if (walk->query->has_source && span_compare(row->source, wanted) < 0)
    return active_seek(&walk->scan, row->path, row->predicate, wanted, w->until, err);
  if (walk->query->has_source && !span_equal(row->source, wanted))
    return active_next_predicate(&walk->scan, err);
  return active_next_source(&walk->scan, err);
}

int timeline_read_row(struct walk *walk, bool *passes, struct err *err) {
  struct setting_value half_life = {.number = 0};
  struct reading reading;
  int code = 0;
  if (walk->query->decay)
    code = settings_find(walk->settings, SETTING_HALF_LIFE, walk->scan.row.source, &half_life, err);
  if (!code)
    code = walk_read(walk, &walk->scan.row, half_life.number, &reading, err);
  *passes = !code && reading.verdict == VERDICT_PASSES;
  return code;
}

static int take_row(struct walk *walk, struct window *w, struct err *err) {
  bool passes = false;
  int code = timeline_read_row(walk, &passes, err);
  if (passes)
    w->seqs[w->count++] = walk->scan.row.seq;
  return code ? code : active_next(&walk->scan, err);
}

static int read_window(struct walk *walk, struct window *w, struct err *err) {
  struct active_scan *scan = &walk->scan;
  const struct span any = {NULL, 0};
  w->rows = w->count = 0;
  int code = active_seek(scan, w->path, w->predicate, any, w->until, err);
  while (!code && timeline_in_scope(walk, w)) {
    const struct concept_row *row = &scan->row;
    if (filter_source(walk->query, row->source) != VERDICT_PASSES)
      code = timeline_skip_source(walk, w, err);
    else if (row->seq > w->until)
      code = active_seek(scan, row->path, row->predicate, row->source, w->until, err);
    else if (row->seq <= w->after)
      code = active_next_source(scan, err);
    else if (!(w->whole = w->rows++ < w->capacity))
      return 0;
    else
      code = take_row(walk, w, err);
  }
  w->whole = true;
  return code ? code : timeline_find_events(walk, w, err);
}

static int offer(struct walk *walk, uint64_t seq, bool event, struct err *err) {
  const struct ranked ranked = {.seq = seq};
  const struct rank rank = walk->query->lens->rank(&ranked);
  const uint32_t order = walk->query->subtree ? walk->topic->index : 0;
  if (!page_admits(&walk->page, order, &rank))
    return 0;
  /* What befell several predicates, or paths of a class of aliases, comes once in their common order. */
  if (event && page_holds(&walk->page, order, &rank))
    return 0;
  return page_add(&walk->page, order, walk->topic->index, &rank, (struct span){NULL, 0}, err);
}

static int offer_window(struct walk *walk, const struct window *w, struct err *err) {
  const bool any = w->count + w->event_count > 0;
  int code = any && !walk->topic ? walk_add_topic(walk, err) : 0;
  if (!code && any)
    walk->topic->anchor = w->count > 0 ? w->seqs[0] : w->topic_seq;
  for (size_t i = 0; !code && i < w->count; i++)
    code = offer(walk, w->seqs[i], false, err);
  for (size_t i = 0; !code && i < w->event_count; i++)
    code = offer(walk, w->events[i], true, err);
  return code;
}

/* Whether something behind `after` could still get onto the page. */
static bool open_after(const struct walk *walk, uint64_t after) {
  const struct ranked ranked = {.seq = after + 1};
  const struct rank rank = walk->query->lens->rank(&ranked);
  return page_admits(&walk->page, walk->query->subtree && walk->topic ? walk->topic->index : 0, &rank);
}

/* Behind the topic, or the path. */
static int leave(struct walk *walk, const struct window *w, struct err *err) {
  int code = active_seek(&walk->scan, w->path, w->predicate, (struct span){NULL, 0}, UINT64_MAX, err);
  if (code || !timeline_in_scope(walk, w))
    return code;
  return w->predicate.data ? active_next_predicate(&walk->scan, err) : active_next_path(&walk->scan, err);
}

int timeline_gather(struct walk *walk, struct span path, struct span predicate, struct err *err) {
  const uint64_t snapshot = walk->scan.snapshot;
  const size_t capacity = 4 * walk->page.capacity;
  struct window *w = arena_calloc(walk->scratch, 1, sizeof(*w));
  if (!w)
    return walk_no_memory(err);
  w->path = path;
  w->predicate = predicate;
  w->after = walk->starts_here ? walk->start.last.seq : 0;
  w->until = snapshot;
  w->capacity = capacity < WINDOW_ROWS_MIN ? WINDOW_ROWS_MIN : capacity;
  w->seqs = arena_calloc(walk->scratch, w->capacity, sizeof(*w->seqs));
  int code = w->seqs ? 0 : walk_no_memory(err);
  while (!code && w->after < snapshot && open_after(walk, w->after)) {
    const uint64_t width = w->until - w->after;
    code = read_window(walk, w, err);
    if (!code && !w->whole) { /* no window of 1,000 seqs or fewer */
      w->until = w->after + width / 2;
      continue;
    }
    if (!code)
      code = offer_window(walk, w, err);
    w->after = w->until;
    w->until = snapshot - w->after < 2 * width ? snapshot : w->after + 2 * width;
  }
  return code ? code : leave(walk, w, err);
}
