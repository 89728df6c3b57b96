#include "domain/walk.h"

enum { WALK_SCRATCH_MAX = 32 << 20 };

int walk_open(struct walk *walk, const struct reader *reader, struct settings *settings, const struct query *query,
              uint64_t snapshot, const struct start *start, struct arena *arena, struct err *err) {
  walk->settings = settings;
  walk->query = query;
  walk->arena = arena;
  walk->start = *start;
  walk->scratch = arena_create(WALK_SCRATCH_MAX);
  walk->parse = arena_create(ENTRY_MAX_SIZE);
  if (!walk->scratch || !walk->parse)
    return err_set(err, ERR_NOMEM, "no memory for a query");
  int code = page_init(&walk->page, arena, (size_t)query->limit + 1, err);
  return code ? code : active_open(reader, snapshot, &walk->scan, err);
}

void walk_close(struct walk *walk) {
  active_close(&walk->scan);
  arena_free(walk->scratch);
  arena_free(walk->parse);
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

/* Walks the topic at the current row and returns to the one that follows it in the range, if there is one. */
static int walk_topic(struct walk *walk, const struct range *range, struct err *err) {
  int code = topic_gather(walk, err);
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
  code = topic_rank(walk, err);
  if (code || walk->scan.seeks == seeks)
    return code;
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
