/* What befell the assertions of a timeline: the retractions that cover one of them, and their reinstatements. */
#include <stdlib.h>

#include "domain/timeline.h"

enum { MARKS_AT_ONCE = 64 };

/* The entries of a window that are no assertions, and which of them are about the topic. */
struct events {
  uint64_t *seqs; /* ascending */
  bool *hit;
  size_t count, hits;
  uint64_t topic_seq; /* of an assertion that one of them covers */
};

static int compare_seqs(const void *left, const void *right) {
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static void hit(struct events *events, uint64_t seq, uint64_t covered) {
  const uint64_t *found = bsearch(&seq, events->seqs, events->count, sizeof(seq), compare_seqs);
  if (!found || events->hit[found - events->seqs])
    return;
  events->hit[found - events->seqs] = true;
  events->hits++;
  events->topic_seq = covered;
}

static int note_marks(struct walk *walk, struct events *events, uint64_t seq, struct err *err) {
  struct retraction_mark marks[MARKS_AT_ONCE];
  size_t count = MARKS_AT_ONCE;
  uint64_t after = 0;
  while (count == MARKS_AT_ONCE) {
    int code = retracted_marks(walk->reader, seq, walk->scan.snapshot, after, marks, MARKS_AT_ONCE, &count, err);
    if (code)
      return code;
    for (size_t i = 0; i < count; i++) {
      hit(events, marks[i].seq, seq);
      hit(events, marks[i].reinstated_seq, seq);
    }
    after = count ? marks[count - 1].seq : 0;
  }
  return 0;
}

/* Goes through the assertions before the window's end, until every event was found to be about one of them. */
static int find_covered(struct walk *walk, const struct window *w, struct events *events, struct err *err) {
  struct active_scan *scan = &walk->scan;
  const struct span any = {NULL, 0};
  int code = active_seek(scan, w->path, w->predicate, any, w->until, err);
  while (!code && timeline_in_scope(walk, w) && events->hits < events->count) {
    bool passes = false;
    const uint64_t seq = scan->row.seq;
    if (filter_source(walk->query, scan->row.source) != VERDICT_PASSES) {
      code = timeline_skip_source(walk, w, err);
      continue;
    }
    code = timeline_read_row(walk, &passes, err);
    if (!code && passes)
      code = note_marks(walk, events, seq, err);
    if (!code)
      code = active_next(scan, err);
  }
  return code;
}

int timeline_find_events(struct walk *walk, struct window *w, struct err *err) {
  static const struct span no_assertions = {(const unsigned char *)"", 0};
  bool hits[TIMELINE_EVENTS_MAX] = {false};
  uint64_t seqs[TIMELINE_EVENTS_MAX + 1];
  struct events events = {.seqs = seqs, .hit = hits};
  w->event_count = 0;
  int code = posting_read(walk->reader, POSTING_PREDICATE, no_assertions, w->after, w->until, seqs,
                          TIMELINE_EVENTS_MAX + 1, &events.count, err);
  if (code || events.count == 0)
    return code;
  if (events.count > TIMELINE_EVENTS_MAX) {
    w->whole = false;
    return 0;
  }
  code = find_covered(walk, w, &events, err);
  for (size_t i = 0; !code && i < events.count; i++)
    if (hits[i])
      w->events[w->event_count++] = seqs[i];
  w->topic_seq = events.topic_seq;
  return code;
}
