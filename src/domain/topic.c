/* One topic: gathering its heads, and what is read along with them. */
#include "domain/value_set.h"
#include "domain/walk.h"

/* So many assertions of a source are read one by one before the scan skips to the next source: a skip costs as much. */
enum { RUN_EAGER = 8 };

/* Whether the values of the topic's predicate add up, and which of them are equal. */
static int read_settings(struct walk *walk, struct err *err) {
  struct setting_value cardinality, tolerance;
  int code = settings_find_predicate(walk->settings, SETTING_CARDINALITY, walk->predicate, &cardinality, err);
  if (!code)
    code = settings_find_predicate(walk->settings, SETTING_TOLERANCE, walk->predicate, &tolerance, err);
  if (code)
    return code;
  walk->many = cardinality.number > 0;
  walk->tolerance = (struct span){NULL, 0};
  if (tolerance.number > 0)
    walk->tolerance = arena_copy(walk->arena, span_of(tolerance.text, tolerance.len));
  return tolerance.number > 0 && !walk->tolerance.data ? walk_no_memory(err) : 0;
}

int topic_begin(struct walk *walk, struct span path, struct span predicate, struct err *err) {
  arena_reset(walk->scratch);
  walk->topic = NULL;
  walk->runs = NULL;
  walk->marks = NULL;
  walk->older = NULL;
  walk->run_count = walk->run_room = walk->mark_count = walk->mark_room = 0;
  walk->older_count = walk->older_room = walk->records = 0;
  memmove(walk->path_bytes, path.data, path.len);
  memmove(walk->predicate_bytes, predicate.data, predicate.len);
  walk->path = span_of(walk->path_bytes, path.len);
  walk->predicate = span_of(walk->predicate_bytes, predicate.len);
  const struct start *start = &walk->start;
  walk->starts_here =
      start->after &&
      (!walk->query->subtree || (span_equal(walk->path, start->path) && span_equal(walk->predicate, start->predicate)));
  return walk->query->lens->events ? 0 : read_settings(walk, err);
}

static int read_row(struct walk *walk, const struct run *run, struct reading *out, struct err *err) {
  return walk_read(walk, &walk->scan.row, run->half_life, out, err);
}

/* Whether the current row takes part in what is resolved. */
static bool counts(const struct walk *walk, const struct reading *reading) {
  return reading->verdict == VERDICT_PASSES && !walk->scan.retracted;
}

/* Adds a head of the current source. What lenses need of it is copied in one piece: id, source, value. Without an id
 * that, and its record, are read when they are needed. */
static int add_head_of(struct walk *walk, uint64_t seq, const unsigned char *id, const struct reading *reading,
                       struct err *err) {
  int code = walk->topic ? 0 : walk_add_topic(walk, err);
  if (code)
    return code;
  struct candidates *c = &walk->topic->candidates;
  const struct span value = reading->assertion.value;
  size_t room = walk->topic->head_room;
  struct head *heads = walk_grow(walk->arena, c->heads, c->head_count, &room, sizeof(*heads));
  struct mark *marks = walk_grow(walk->scratch, walk->marks, walk->mark_count, &walk->mark_room, sizeof(*marks));
  unsigned char *bytes = arena_alloc(walk->arena, ID_SIZE + walk->source.len + value.len);
  if (!heads || !marks || !bytes || room >= HEAD_NONE)
    return walk_no_memory(err);
  c->heads = heads;
  walk->topic->head_room = (uint32_t)room;
  walk->marks = marks;
  if (id)
    memcpy(bytes, id, ID_SIZE);
  memcpy(bytes + ID_SIZE, walk->source_bytes, walk->source.len);
  memcpy(bytes + ID_SIZE + walk->source.len, value.data, value.len);
  heads[c->head_count++] = (struct head){.id = id ? bytes : NULL,
                                         .source = span_of(bytes + ID_SIZE, walk->source.len),
                                         .value = span_of(bytes + ID_SIZE + walk->source.len, value.len),
                                         .confidence = reading->confidence,
                                         .asserted = reading->assertion.confidence,
                                         .decay = reading->decay,
                                         .seq = seq,
                                         .mark = (uint32_t)walk->mark_count};
  marks[walk->mark_count++] = (struct mark){.run = (uint32_t)walk->run_count - 1};
  return 0;
}

/* Adds the current row as a head. */
static int add_head(struct walk *walk, const struct reading *reading, struct err *err) {
  int code = add_head_of(walk, walk->scan.row.seq, walk->scan.row.entry.id, reading, err);
  return code ? code : walk_keep_record(walk, &walk->marks[walk->mark_count - 1].record, err);
}

static int add_older(struct walk *walk, const struct reading *reading, struct err *err) {
  int code = walk->topic ? 0 : walk_add_topic(walk, err);
  struct older *older =
      code ? NULL : walk_grow(walk->scratch, walk->older, walk->older_count, &walk->older_room, sizeof(*older));
  if (!older)
    return code ? code : walk_no_memory(err);
  walk->older = older;
  older += walk->older_count++;
  *older = (struct older){.run = (uint32_t)walk->run_count - 1,
                          .retracted = walk->scan.retracted,
                          .confidence = reading->confidence,
                          .seq = walk->scan.row.seq};
  return walk_keep_record(walk, &older->record, err);
}

/* The greatest seq that can be on the page and is not a head. */
static uint64_t ceiling(const struct walk *walk) {
  return walk->starts_here ? walk->query->lens->ceiling(&walk->start.last) : UINT64_MAX;
}

static bool in_run(const struct walk *walk) {
  return active_in_run(&walk->scan, walk->runs[walk->run_count - 1].path, walk->predicate, walk->source);
}

/* To the first row of the run that passes; *in is false behind its end. */
static int find_passing(struct walk *walk, const struct run *run, struct reading *reading, bool *in, struct err *err) {
  int code = read_row(walk, run, reading, err);
  while (!code && reading->verdict != VERDICT_PASSES) {
    code = active_next(&walk->scan, err);
    if (code || !(*in = in_run(walk)))
      return code;
    code = read_row(walk, run, reading, err);
  }
  *in = true;
  return code;
}

/* Reads a little further behind a head, in one go. */
static int gather_older(struct walk *walk, struct run *run, bool *ended, struct err *err) {
  const uint64_t limit = ceiling(walk);
  struct reading reading;
  *ended = false;
  for (int n = 0; n < RUN_EAGER && run->unread <= limit && walk->older_count < walk->page.capacity; n++) {
    int code = active_next(&walk->scan, err);
    if (code)
      return code;
    if (!in_run(walk)) {
      *ended = true;
      run->unread = 0;
      return 0;
    }
    run->unread = walk->scan.row.seq - 1;
    code = read_row(walk, run, &reading, err);
    if (!code && reading.verdict == VERDICT_PASSES)
      code = add_older(walk, &reading, err);
    if (code)
      return code;
  }
  return 0;
}

/* The heads of a run that are not its first row: of each value the newest, or, behind retracted ones, one. */
static int gather_more(struct walk *walk, struct run *run, bool found, struct err *err) {
  struct value_set values = {NULL, 0, 0};
  const uint32_t before = walk->topic->candidates.head_count - found;
  struct reading reading;
  int code = 0;
  if (found)
    code = value_set_add(walk->scratch, &values, walk->topic->candidates.heads[before].value, err);
  while (!code && (walk->many || !found)) {
    code = active_next(&walk->scan, err);
    if (code || !in_run(walk))
      break;
    code = read_row(walk, run, &reading, err);
    if (code || !counts(walk, &reading) || value_set_has(&values, reading.assertion.value))
      continue;
    found = true;
    code = add_head(walk, &reading, err);
    const struct candidates *c = &walk->topic->candidates;
    if (!code)
      code = value_set_add(walk->scratch, &values, c->heads[c->head_count - 1].value, err);
  }
  const struct candidates *c = &walk->topic->candidates;
  uint64_t *known = code ? NULL : arena_calloc(walk->scratch, c->head_count - before + 1, sizeof(*known));
  if (!known)
    return code ? code : walk_no_memory(err);
  for (uint32_t i = before; i < c->head_count; i++)
    known[run->known_count++] = c->heads[i].seq;
  run->known = known;
  return 0;
}

/* A new run at the current row's source. */
static int add_run(struct walk *walk, struct span path, struct run **out, struct err *err) {
  struct run *runs = walk_grow(walk->scratch, walk->runs, walk->run_count, &walk->run_room, sizeof(*runs));
  if (!runs)
    return walk_no_memory(err);
  walk->runs = runs;
  struct run *run = *out = &runs[walk->run_count++];
  *run = (struct run){.path = path, .source = arena_copy(walk->scratch, walk->source)};
  if (!run->source.data)
    return walk_no_memory(err);
  if (!walk->query->decay)
    return 0;
  struct setting_value half_life;
  int code = settings_find(walk->settings, SETTING_HALF_LIFE, walk->source, &half_life, err);
  run->half_life = code ? 0 : half_life.number;
  return code;
}

static void set_source(struct walk *walk, struct span source) {
  walk->source = span_of(walk->source_bytes, source.len);
  if (source.len)
    memcpy(walk->source_bytes, source.data, source.len);
}

/* What the run may still hold below `seq`. */
static void set_unread(const struct walk *walk, struct run *run, uint64_t seq) {
  const uint64_t limit = ceiling(walk);
  run->unread = seq < limit ? seq : limit;
}

int topic_add_known(struct walk *walk, struct span path, struct span source, uint64_t seq,
                    const struct reading *reading, bool older, struct err *err) {
  struct run *run = NULL;
  set_source(walk, source);
  int code = add_run(walk, path, &run, err);
  if (!code)
    code = add_head_of(walk, seq, NULL, reading, err);
  if (!code && older)
    set_unread(walk, run, seq - 1);
  return code;
}

int topic_gather_source(struct walk *walk, struct span path, struct err *err) {
  struct active_scan *scan = &walk->scan;
  struct reading reading;
  struct run *run = NULL;
  bool in = false, ended = false;
  set_source(walk, scan->row.source);
  if (filter_source(walk->query, walk->source) != VERDICT_PASSES)
    return 0;
  int code = add_run(walk, path, &run, err);
  if (!code)
    code = find_passing(walk, run, &reading, &in, err);
  if (code || !in) {
    walk->run_count -= !in;
    return code;
  }
  const bool head = counts(walk, &reading);
  run->unread = scan->row.seq - 1;
  code = head ? add_head(walk, &reading, err) : add_older(walk, &reading, err);
  if (!code && (walk->many || scan->all))
    code = gather_more(walk, run, head, err);
  else if (!code)
    code = gather_older(walk, run, &ended, err);
  if (!code && !ended)
    set_unread(walk, run, run->unread);
  return code;
}

/* Walks the current row's source and on to the next one. */
static int gather_run(struct walk *walk, struct span path, struct err *err) {
  int code = topic_gather_source(walk, path, err);
  if (!code && active_in_run(&walk->scan, path, walk->predicate, walk->source))
    code = active_next_source(&walk->scan, err);
  return code;
}

/* Steps over what the `source` filter excludes; *in tells whether the scan then stands at the source that is wanted. */
static int find_source(struct walk *walk, struct span path, bool *in, struct err *err) {
  int code = 0;
  const struct span wanted = walk->query->source;
  if (span_compare(walk->scan.row.source, wanted) < 0)
    code = active_seek(&walk->scan, path, walk->predicate, wanted, UINT64_MAX, err);
  *in = !code && active_in_run(&walk->scan, path, walk->predicate, wanted);
  return code;
}

/* All sources of the topic, from the current row's on. */
static int gather_all(struct walk *walk, struct span path, struct err *err) {
  bool tried = false, done = false;
  int code = 0;
  while (!code && !done && active_in_topic(&walk->scan, path, walk->predicate)) {
    if (!tried && topic_wants_ballots(walk)) {
      tried = true;
      code = topic_gather_ballots(walk, path, &done, err);
    }
    if (!code && !done)
      code = gather_run(walk, path, err);
  }
  return code;
}

int topic_gather(struct walk *walk, struct span path, struct err *err) {
  bool in = false;
  if (!walk->query->has_source)
    return gather_all(walk, path, err);
  int code = find_source(walk, path, &in, err);
  if (!code && in)
    code = gather_run(walk, path, err);
  if (!code && active_in_topic(&walk->scan, path, walk->predicate))
    code = active_next_predicate(&walk->scan, err);
  return code;
}
