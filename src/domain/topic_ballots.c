/* One topic of many sources: what ballots.kv says of them side by side need not be looked up source by source. */
#include "domain/walk.h"
#include "projection/ballots.h"

/* So many heads are gathered from rows first: most topics have no more, and to open the ballots costs as much. */
enum { HEADS_FROM_ROWS = 8 };

bool topic_wants_ballots(const struct walk *walk) {
  const struct query *query = walk->query;
  const uint32_t heads = walk->topic ? walk->topic->candidates.head_count : 0;
  /* A page that the heads do not fill wants older rows as well, which lie beside them. What ballots do not tell: time
   * and validity; and of each source one value only. */
  return heads >= HEADS_FROM_ROWS && heads >= walk->page.capacity && !walk->many && !walk->scan.all &&
         !query->explain && !query->decay && !query->has_valid_at;
}

/* Whether the ballot is what the source says as of the snapshot; *nothing: the source says nothing. */
static int judge(struct walk *walk, const struct ballot *ballot, bool *good, bool *nothing, struct err *err) {
  bool counts = ballot->seq <= walk->scan.snapshot;
  int code = counts ? active_is(&walk->scan, ballot->seq, &counts, err) : 0;
  *nothing = !counts && !(ballot->flags & BALLOT_OLDER);
  *good = counts && !(ballot->flags & BALLOT_UNKNOWN) && ballot->value.len > 0 && ballot->value.data[0] != '#' &&
          ballot->confidence >= walk->query->min_confidence;
  return code;
}

static int add(struct walk *walk, struct span path, const struct ballot *ballot, struct err *err) {
  const struct reading reading = {.assertion = {.value = ballot->value, .confidence = ballot->confidence},
                                  .decay = 1,
                                  .confidence = ballot->confidence,
                                  .verdict = VERDICT_PASSES};
  if (walk_count(walk, err))
    return err->code;
  return topic_add_known(walk, path, ballot->source, ballot->seq, &reading, ballot->flags & BALLOT_OLDER, err);
}

/* The scan stands at the first active row that is not before some source: the ballot's, or one that was asked for
 * before. So where it is past the ballot's source, that has none. */
static int take(struct walk *walk, struct span path, const struct ballot *ballot, struct err *err) {
  struct active_scan *scan = &walk->scan;
  const int order = active_in_topic(scan, path, walk->predicate) ? span_compare(scan->row.source, ballot->source) : 1;
  if (order > 0 || filter_source(walk->query, ballot->source) != VERDICT_PASSES)
    return 0;
  if (order < 0) {
    bool good = false, nothing = false;
    int code = judge(walk, ballot, &good, &nothing, err);
    if (code || nothing)
      return code;
    if (good)
      return add(walk, path, ballot, err);
    code = active_seek(scan, path, walk->predicate, ballot->source, UINT64_MAX, err);
    if (code || !active_in_run(scan, path, walk->predicate, ballot->source))
      return code;
  }
  return topic_gather_source(walk, path, err);
}

int topic_gather_ballots(struct walk *walk, struct span path, bool *done, struct err *err) {
  unsigned char topic[NAME_PATH_MAX + 1 + NAME_PREDICATE_MAX + 1];
  const size_t len = path.len + 1 + walk->predicate.len + 1;
  struct ballot_scan *ballots = NULL;
  struct ballot ballot;
  bool found = false;
  memcpy(topic, path.data, path.len);
  topic[path.len] = 0;
  memcpy(topic + path.len + 1, walk->predicate.data, walk->predicate.len);
  topic[len - 1] = 0;
  int code = ballot_scan_open_from(walk->reader, span_of(topic, len), walk->scan.row.source, &ballots, err);
  if (!code)
    code = ballot_scan_next(ballots, &ballot, &found, err);
  *done = found;
  while (!code && found) {
    code = take(walk, path, &ballot, err);
    if (!code)
      code = ballot_scan_next(ballots, &ballot, &found, err);
  }
  ballot_scan_close(ballots);
  if (!code && *done && active_in_topic(&walk->scan, path, walk->predicate))
    code = active_next_predicate(&walk->scan, err);
  return code;
}
