/* One topic: its heads, its groups, and what of it gets onto the page. */
#include <inttypes.h>

#include "domain/walk.h"

/* So many assertions of a source are read one by one before the scan skips to the next source: a skip costs as much. */
enum { RUN_EAGER = 8 };

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "too many assertions for one answer: name a predicate or a source");
}

/* Makes room for one more element in an array of the arena; what is new is not cleared. */
static void *grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size) {
  if (count < *room)
    return array;
  size_t more = *room ? *room * 2 : 8;
  void *larger = more > SIZE_MAX / size ? NULL : arena_alloc(arena, more * size);
  if (!larger)
    return NULL;
  if (count)
    memcpy(larger, array, count * size);
  *room = more;
  return larger;
}

/* Reads the current row and puts it to the filters; where it stands has been filtered by the walk. */
static int read_row(struct walk *walk, struct assertion *assertion, bool *passes, struct err *err) {
  if (arena_used(walk->parse) > 0)
    arena_reset(walk->parse);
  int code = assertion_read(walk->parse, walk->scan.row.entry.body, assertion, err);
  if (code)
    return err_context(err, "entry %" PRIu64, walk->scan.row.seq);
  *passes = assertion->confidence >= walk->query->min_confidence;
  return 0;
}

/* A copy of the current row's record for the page, if it is short and others are few. */
static int keep_record(struct walk *walk, struct span *record, struct err *err) {
  const struct span row = walk->scan.row.entry.record;
  *record = (struct span){NULL, 0};
  if (row.len > PAGE_RECORD_MAX || walk->records >= walk->page.capacity)
    return 0;
  *record = arena_copy(walk->scratch, row);
  walk->records++;
  return record->data ? 0 : no_memory(err);
}

/* The topic begins to exist with the first assertion that passes. Topics of one concept share its path. */
static int begin_topic(struct walk *walk, struct err *err) {
  struct topic *before = walk->topic_count ? walk->topics[walk->topic_count - 1] : NULL;
  struct topic *topic = arena_calloc(walk->arena, 1, sizeof(*topic));
  struct topic **topics =
      topic ? grow(walk->arena, walk->topics, walk->topic_count, &walk->topic_room, sizeof(*walk->topics)) : NULL;
  if (!topics || walk->topic_count >= UINT32_MAX)
    return no_memory(err);
  topic->path = before && span_equal(before->path, walk->path) ? before->path : arena_copy(walk->arena, walk->path);
  topic->predicate = arena_copy(walk->arena, walk->predicate);
  if (!topic->path.data || !topic->predicate.data)
    return no_memory(err);
  topic->index = (uint32_t)walk->topic_count;
  walk->topics = topics;
  walk->topics[walk->topic_count++] = topic;
  walk->topic = topic;
  return 0;
}

/* Adds the current row as the head of its source. What lenses need of it is copied in one piece: id, source, value. */
static int add_head(struct walk *walk, const struct assertion *assertion, struct err *err) {
  int code = walk->topic ? 0 : begin_topic(walk, err);
  if (code)
    return code;
  struct candidates *c = &walk->topic->candidates;
  size_t room = walk->topic->head_room;
  struct head *heads = grow(walk->arena, c->heads, c->head_count, &room, sizeof(*heads));
  struct run *runs = grow(walk->scratch, walk->runs, c->head_count, &walk->run_room, sizeof(*runs));
  unsigned char *bytes = arena_alloc(walk->arena, ID_SIZE + walk->source.len + assertion->value.len);
  if (!heads || !runs || !bytes || room >= HEAD_NONE)
    return no_memory(err);
  c->heads = heads;
  walk->topic->head_room = (uint32_t)room;
  walk->runs = runs;
  memcpy(bytes, walk->scan.row.entry.id, ID_SIZE);
  memcpy(bytes + ID_SIZE, walk->source_bytes, walk->source.len);
  memcpy(bytes + ID_SIZE + walk->source.len, assertion->value.data, assertion->value.len);
  heads[c->head_count] = (struct head){.id = bytes,
                                       .source = span_of(bytes + ID_SIZE, walk->source.len),
                                       .value = span_of(bytes + ID_SIZE + walk->source.len, assertion->value.len),
                                       .confidence = assertion->confidence,
                                       .seq = walk->scan.row.seq};
  runs[c->head_count] = (struct run){.unread = walk->scan.row.seq - 1};
  return keep_record(walk, &runs[c->head_count++].record, err);
}

static int add_older(struct walk *walk, const struct assertion *assertion, struct err *err) {
  struct older *older = grow(walk->scratch, walk->older, walk->older_count, &walk->older_room, sizeof(*older));
  if (!older)
    return no_memory(err);
  walk->older = older;
  older += walk->older_count++;
  *older = (struct older){
      .head = walk->topic->candidates.head_count - 1, .confidence = assertion->confidence, .seq = walk->scan.row.seq};
  return keep_record(walk, &older->record, err);
}

/* The greatest seq that can be on the page and is not a head. */
static uint64_t ceiling(const struct walk *walk) {
  return walk->starts_here ? walk->query->lens->ceiling(&walk->start.last) : UINT64_MAX;
}

static bool in_run(const struct walk *walk) {
  return active_in_run(&walk->scan, walk->path, walk->predicate, walk->source);
}

/* Walks the current row's source: to its head, a little further, and on to the next source. */
static int gather_run(struct walk *walk, struct err *err) {
  struct assertion assertion;
  bool passes = false;
  walk->source = span_of(walk->source_bytes, walk->scan.row.source.len);
  memcpy(walk->source_bytes, walk->scan.row.source.data, walk->source.len);
  int code = read_row(walk, &assertion, &passes, err);
  while (!code && !passes) {
    code = active_next(&walk->scan, err);
    if (code || !in_run(walk))
      return code;
    code = read_row(walk, &assertion, &passes, err);
  }
  code = code ? code : add_head(walk, &assertion, err);
  if (code)
    return code;
  struct run *run = &walk->runs[walk->topic->candidates.head_count - 1];
  const uint64_t limit = ceiling(walk);
  for (int n = 0; n < RUN_EAGER && run->unread <= limit && walk->older_count < walk->page.capacity; n++) {
    if ((code = active_next(&walk->scan, err)))
      return code;
    if (!in_run(walk)) {
      run->unread = 0;
      return 0;
    }
    run->unread = walk->scan.row.seq - 1;
    code = read_row(walk, &assertion, &passes, err);
    if (!code && passes)
      code = add_older(walk, &assertion, err);
    if (code)
      return code;
  }
  run->unread = run->unread < limit ? run->unread : limit;
  return active_next_source(&walk->scan, err);
}

/* Steps over what the `source` filter excludes; *in tells whether the scan then stands at the source that is wanted. */
static int find_source(struct walk *walk, bool *in, struct err *err) {
  int code = 0;
  const struct span wanted = walk->query->source;
  if (span_compare(walk->scan.row.source, wanted) < 0)
    code = active_seek(&walk->scan, walk->path, walk->predicate, wanted, UINT64_MAX, err);
  *in = !code && active_in_run(&walk->scan, walk->path, walk->predicate, wanted);
  return code;
}

int topic_gather(struct walk *walk, struct err *err) {
  struct active_scan *scan = &walk->scan;
  arena_reset(walk->scratch);
  walk->topic = NULL;
  walk->runs = NULL;
  walk->older = NULL;
  walk->run_room = walk->older_room = walk->older_count = walk->records = 0;
  walk->path = span_of(walk->path_bytes, scan->row.path.len);
  memcpy(walk->path_bytes, scan->row.path.data, walk->path.len);
  walk->predicate = span_of(walk->predicate_bytes, scan->row.predicate.len);
  memcpy(walk->predicate_bytes, scan->row.predicate.data, walk->predicate.len);
  const struct start *start = &walk->start;
  walk->starts_here =
      start->after &&
      (!walk->query->subtree || (span_equal(walk->path, start->path) && span_equal(walk->predicate, start->predicate)));
  int code = 0;
  if (!walk->query->has_source) {
    while (!code && active_in_topic(scan, walk->path, walk->predicate))
      code = gather_run(walk, err);
    return code;
  }
  bool in = false;
  code = find_source(walk, &in, err);
  if (!code && in)
    code = gather_run(walk, err);
  if (!code && active_in_topic(scan, walk->path, walk->predicate))
    code = active_next_predicate(scan, err);
  return code;
}

int topic_weigh(struct walk *walk, struct topic *topic, struct err *err) {
  if (topic->weighed)
    return 0;
  struct candidates *c = &topic->candidates;
  for (uint32_t i = 0; i < c->head_count; i++) {
    int code = settings_trust(walk->settings, c->heads[i].source, &c->heads[i].trust, err);
    if (code)
      return code;
  }
  topic->weighed = true;
  return groups_form(walk->arena, c, err);
}

/* Gives an assertion its rank, and its place on the page if it has one. `head`: its index if it is one, else HEAD_NONE.
 */
static int offer(struct walk *walk, const struct ranked *item, uint32_t head, struct span record, struct err *err) {
  struct topic *topic = walk->topic;
  const struct rank rank = walk->query->lens->rank(item);
  if (topic->first.seq == 0 || rank_compare(&rank, &topic->first) < 0) {
    topic->first = rank;
    topic->first_head = head;
  }
  if (walk->starts_here && rank_compare(&walk->start.last, &rank) >= 0)
    return 0;
  const uint32_t order = walk->query->subtree ? topic->index : 0;
  if (!page_admits(&walk->page, order, &rank))
    return 0;
  return page_add(&walk->page, order, topic->index, &rank, record, err);
}

/* Reads on in a source from where gathering left it, as long as an assertion of it could get onto the page. */
static int read_on(struct walk *walk, const struct head *head, uint64_t from, struct err *err) {
  struct active_scan *scan = &walk->scan;
  const uint32_t order = walk->query->subtree ? walk->topic->index : 0;
  struct ranked item = {.trust = head->trust, .seq = from + 1};
  struct rank bound = walk->query->lens->bound(&item);
  if (from == 0 || !page_admits(&walk->page, order, &bound))
    return 0;
  int code = active_seek(scan, walk->path, walk->predicate, head->source, from, err);
  while (!code && active_in_run(scan, walk->path, walk->predicate, head->source)) {
    struct assertion assertion;
    bool passes = false;
    if ((code = read_row(walk, &assertion, &passes, err)))
      break;
    item.seq = scan->row.seq;
    item.confidence = assertion.confidence;
    if (passes && (code = offer(walk, &item, HEAD_NONE, scan->row.entry.record, err)))
      break;
    bound = walk->query->lens->bound(&item);
    if (!page_admits(&walk->page, order, &bound))
      break;
    code = active_next(scan, err);
  }
  return code;
}

int topic_rank(struct walk *walk, struct err *err) {
  struct topic *topic = walk->topic;
  struct candidates *c = &topic->candidates;
  int code = walk->query->lens->weighs ? topic_weigh(walk, topic, err) : 0;
  for (uint32_t i = 0; !code && i < c->head_count; i++) {
    const struct head *h = &c->heads[i];
    const double level = c->groups ? c->groups[h->group].level : 0;
    const struct ranked item = {.confidence = h->confidence, .trust = h->trust, .seq = h->seq, .level = level};
    code = offer(walk, &item, i, walk->runs[i].record, err);
  }
  for (size_t i = 0; !code && i < walk->older_count; i++) {
    const struct older *o = &walk->older[i];
    const struct ranked item = {.confidence = o->confidence, .trust = c->heads[o->head].trust, .seq = o->seq};
    code = offer(walk, &item, HEAD_NONE, o->record, err);
  }
  for (uint32_t i = 0; !code && i < c->head_count; i++)
    code = read_on(walk, &c->heads[i], walk->runs[i].unread, err);
  return code;
}
