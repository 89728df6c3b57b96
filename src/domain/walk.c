#include "domain/walk.h"

#include <inttypes.h>

/* To pass over a retracted assertion costs about as much as to read so many in their order. */
enum { PASSED_COST = 4 };

enum { WALK_SCRATCH_MAX = 32 << 20 };

int walk_open(struct walk *walk, const struct reader *reader, struct settings *settings, const struct query *query,
              uint64_t snapshot, const struct start *start, struct arena *arena, struct err *err) {
  walk->reader = reader;
  walk->settings = settings;
  walk->query = query;
  walk->arena = arena;
  walk->start = *start;
  walk->scratch = arena_create(WALK_SCRATCH_MAX);
  walk->parse = arena_create(ENTRY_MAX_SIZE);
  if (!walk->scratch || !walk->parse)
    return err_set(err, ERR_NOMEM, "no memory for a query");
  int code = page_init(&walk->page, arena, (size_t)query->limit + 1, err);
  if (!code)
    code = active_open(reader, snapshot, &walk->scan, err);
  walk->scan.all = query->include_retracted || query->lens->events;
  walk->scan.passed_max = query->rows_max / PASSED_COST;
  return code;
}

void walk_close(struct walk *walk) {
  active_close(&walk->scan);
  arena_free(walk->scratch);
  arena_free(walk->parse);
}

int walk_no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "too many assertions for one answer: name a predicate or a source");
}

void *walk_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size) {
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

int walk_count(struct walk *walk, struct err *err) {
  if (walk->query->rows_max == 0 || ++walk->rows_read <= walk->query->rows_max)
    return 0;
  return err_set(err, ERR_NOMEM, "more than %" PRIu64 " assertions would have to be read: name a predicate or a source",
                 walk->query->rows_max);
}

int walk_read(struct walk *walk, const struct concept_row *row, double half_life, struct reading *out,
              struct err *err) {
  struct assertion *assertion = &out->assertion;
  if (walk_count(walk, err))
    return err->code;
  if (arena_used(walk->parse) > 0)
    arena_reset(walk->parse);
  int code = assertion_read(walk->parse, row->entry.body, assertion, err);
  if (code)
    return err_context(err, "entry %" PRIu64, row->seq);
  out->decay = 1;
  if (half_life > 0)
    out->decay = decay_factor(decay_age(assertion, row->entry.time_us, walk->decayed_at), half_life);
  out->confidence = assertion->confidence * out->decay;
  out->verdict = filter_assertion(walk->query, assertion, out->confidence);
  return 0;
}

int walk_keep_record(struct walk *walk, struct span *record, struct err *err) {
  const struct span row = walk->scan.row.entry.record;
  *record = (struct span){NULL, 0};
  if (row.len > PAGE_RECORD_MAX || walk->records >= walk->page.capacity)
    return 0;
  *record = arena_copy(walk->scratch, row);
  walk->records++;
  return record->data ? 0 : walk_no_memory(err);
}

int walk_add_topic(struct walk *walk, struct err *err) {
  struct topic *before = walk->topic_count ? walk->topics[walk->topic_count - 1] : NULL;
  struct topic *topic = arena_calloc(walk->arena, 1, sizeof(*topic));
  struct topic **topics =
      topic ? walk_grow(walk->arena, walk->topics, walk->topic_count, &walk->topic_room, sizeof(*walk->topics)) : NULL;
  if (!topics || walk->topic_count >= UINT32_MAX)
    return walk_no_memory(err);
  topic->path = before && span_equal(before->path, walk->path) ? before->path : arena_copy(walk->arena, walk->path);
  topic->predicate = arena_copy(walk->arena, walk->predicate);
  if (!topic->path.data || !topic->predicate.data)
    return walk_no_memory(err);
  topic->candidates.many = walk->many;
  topic->candidates.tolerance = walk->tolerance;
  topic->index = (uint32_t)walk->topic_count;
  walk->topics = topics;
  walk->topics[walk->topic_count++] = topic;
  walk->topic = topic;
  return 0;
}

/* A range of paths: one, or all that begin with it. */
struct range {
  struct span path;
  bool prefix;
};

static bool in_range(const struct walk *walk, const struct range *range) {
  const struct span path = walk->scan.row.path;
  if (!walk->scan.found || path.len < range->path.len)
    return false;
  return span_equal(range->prefix ? span_of(path.data, range->path.len) : path, range->path);
}

/* Nothing outside of the range has to be found. */
static void set_scope(struct walk *walk, const struct range *range) {
  const struct span any = {NULL, 0};
  active_set_scope(&walk->scan, range->path, range->prefix, range->prefix ? any : walk->query->predicate);
}

/* The topic at the current row, up to where the next one begins. */
static int gather_topic(struct walk *walk, struct err *err) {
  const struct concept_row *row = &walk->scan.row;
  int code = topic_begin(walk, row->path, row->predicate, err);
  if (code)
    return code;
  if (!walk->query->lens->events)
    return topic_gather(walk, walk->path, err);
  if (walk->query->subtree || walk->query->predicate.data)
    return timeline_gather(walk, walk->path, walk->predicate, err);
  return timeline_gather(walk, walk->path, (struct span){NULL, 0}, err);
}

/* Walks the topic at the current row and returns to the one that follows it in the range, if there is one. */
static int walk_topic(struct walk *walk, const struct range *range, struct err *err) {
  int code = gather_topic(walk, err);
  if (code || !walk->topic)
    return code;
  unsigned char next[NAME_PATH_MAX + NAME_PREDICATE_MAX];
  const bool more = in_range(walk, range);
  struct span path = {NULL, 0}, predicate = {NULL, 0}, any = {NULL, 0};
  if (more) {
    path = span_of(next, walk->scan.row.path.len);
    predicate = span_of(next + path.len, walk->scan.row.predicate.len);
    memcpy(next, walk->scan.row.path.data, path.len);
    memcpy(next + path.len, walk->scan.row.predicate.data, predicate.len);
  }
  const uint64_t seeks = walk->scan.seeks;
  code = walk->query->lens->events ? 0 : topic_rank(walk, err);
  if (code || walk->scan.seeks == seeks)
    return code;
  set_scope(walk, range);
  if (more)
    return active_seek(&walk->scan, path, predicate, any, UINT64_MAX, err);
  walk->scan.found = false;
  return 0;
}

/* Steps from the current row towards the predicate that is wanted, if it is not the one. */
static int find_predicate(struct walk *walk, const struct range *range, bool *there, struct err *err) {
  const struct span wanted = walk->query->predicate, any = {NULL, 0};
  const int order = wanted.data ? span_compare(walk->scan.row.predicate, wanted) : 0;
  *there = order == 0;
  if (order < 0)
    return active_seek(&walk->scan, walk->scan.row.path, wanted, any, UINT64_MAX, err);
  if (order > 0 && range->prefix)
    return active_next_path(&walk->scan, err);
  if (order > 0)
    walk->scan.found = false;
  return 0;
}

static int walk_range(struct walk *walk, const struct range *range, struct span path, struct span predicate,
                      struct err *err) {
  const struct query *query = walk->query;
  struct span source = {NULL, 0};
  if (query->predicate.data && !range->prefix && query->has_source)
    source = query->source;
  set_scope(walk, range);
  int code = active_seek(&walk->scan, path, predicate, source, UINT64_MAX, err);
  while (!code && in_range(walk, range)) {
    bool there = false;
    code = find_predicate(walk, range, &there, err);
    if (!code && there)
      code = walk_topic(walk, range, err);
    /* In a subtree all that follows comes later in the answer. */
    if (query->subtree && page_full(&walk->page))
      break;
  }
  return code;
}

/* The subtree of web/grid is web/grid itself and all below web/grid/; between them sort paths like web/grid-x. */
static int walk_subtree(struct walk *walk, struct err *err) {
  const struct query *query = walk->query;
  const struct start *start = &walk->start;
  const struct range self = {query->concept_path, false};
  unsigned char below_bytes[NAME_PATH_MAX + 1];
  memcpy(below_bytes, query->concept_path.data, query->concept_path.len);
  below_bytes[query->concept_path.len] = '/';
  const struct range below = {span_of(below_bytes, query->concept_path.len + 1), true};
  const bool past_self = start->after && !span_equal(start->path, query->concept_path);
  int code = 0;
  if (!past_self)
    code = walk_range(walk, &self, self.path, start->after ? start->predicate : query->predicate, err);
  if (code || page_full(&walk->page) || query->concept_path.len >= NAME_PATH_MAX)
    return code;
  if (past_self)
    return walk_range(walk, &below, start->path, start->predicate, err);
  return walk_range(walk, &below, below.path, query->predicate, err);
}

int walk_run(struct walk *walk, struct err *err) {
  const struct query *query = walk->query;
  const struct range self = {query->concept_path, false};
  int code = query->subtree ? walk_subtree(walk, err) : walk_range(walk, &self, self.path, query->predicate, err);
  if (!code)
    page_sort(&walk->page);
  return code;
}

/* The next predicate of any of the paths, at or after `predicate` (after it, if `past`), in `bytes`; data NULL: none.
 */
static int next_predicate(struct walk *walk, const struct span *paths, size_t count, struct span *predicate, bool past,
                          unsigned char bytes[NAME_PREDICATE_MAX], struct err *err) {
  struct active_scan *scan = &walk->scan;
  const struct span any = {NULL, 0}, from = *predicate;
  unsigned char least_bytes[NAME_PREDICATE_MAX];
  struct span least = {NULL, 0};
  for (size_t i = 0; i < count; i++) {
    active_set_scope(scan, paths[i], false, any);
    int code = active_seek(scan, paths[i], from, any, UINT64_MAX, err);
    if (!code && past && active_in_topic(scan, paths[i], from))
      code = active_next_predicate(scan, err);
    if (code)
      return code;
    if (!scan->found || !span_equal(scan->row.path, paths[i]) ||
        (least.data && span_compare(scan->row.predicate, least) >= 0))
      continue;
    least = span_of(least_bytes, scan->row.predicate.len);
    memcpy(least_bytes, scan->row.predicate.data, least.len);
  }
  *predicate = (struct span){NULL, 0};
  if (least.data) {
    memcpy(bytes, least.data, least.len);
    *predicate = span_of(bytes, least.len);
  }
  return 0;
}

static int walk_class_topic(struct walk *walk, const struct span *paths, size_t count, struct span predicate,
                            struct err *err) {
  const struct query *query = walk->query;
  const struct span any = {NULL, 0};
  int code = topic_begin(walk, query->concept_path, predicate, err);
  for (size_t i = 0; !code && i < count; i++) {
    active_set_scope(&walk->scan, paths[i], false, predicate);
    code = active_seek(&walk->scan, paths[i], predicate, any, UINT64_MAX, err);
    if (!code && active_in_topic(&walk->scan, paths[i], predicate))
      code = query->lens->events ? timeline_gather(walk, paths[i], predicate, err) : topic_gather(walk, paths[i], err);
  }
  if (code || !walk->topic || query->lens->events)
    return code;
  code = topic_merge(walk, err);
  return code ? code : topic_rank(walk, err);
}

int walk_class(struct walk *walk, const struct span *paths, size_t count, struct err *err) {
  const struct span asked = walk->query->predicate;
  unsigned char bytes[NAME_PREDICATE_MAX];
  struct span predicate = asked;
  int code = 0;
  for (bool past = false; !code; past = true) {
    if (!asked.data)
      code = next_predicate(walk, paths, count, &predicate, past, bytes, err);
    if (code || !predicate.data)
      break;
    code = walk_class_topic(walk, paths, count, predicate, err);
    if (asked.data)
      break;
  }
  if (!code)
    page_sort(&walk->page);
  return code;
}
