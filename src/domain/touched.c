#include "domain/touched.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/crc32c.h"
#include "model/assertion.h"

/* Names of topics; a read of neighbouring entries. */
enum { TOUCHED_NAMES_MAX = 96 << 20, TOUCHED_PARSE_MAX = 4 << 20, TOUCHED_READ = 64 << 10, TOUCHED_ROOM_MIN = 256 };

struct touched {
  struct touched_topic *topics;
  size_t count, room;
  uint32_t *places; /* open addressing: index + 1 of a topic, 0: empty */
  size_t place_room;
  bool complete;
  struct arena *names, *parse;
  struct buf block;
  struct span rest; /* of the block */
  uint64_t next;    /* the seq of the entry at `rest` */
  struct retracted_block inactive;
  uint64_t inactive_block; /* which; UINT64_MAX: none */
};

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for what a retraction touches");
}

void touched_free(struct touched *touched) {
  if (!touched)
    return;
  free(touched->topics);
  free(touched->places);
  arena_free(touched->names);
  arena_free(touched->parse);
  buf_free(&touched->block);
  free(touched);
}

static size_t find_place(const struct touched *t, const struct touched_topic *topic) {
  size_t at = (size_t)topic->hash & (t->place_room - 1);
  for (; t->places[at]; at = (at + 1) & (t->place_room - 1)) {
    const struct touched_topic *other = &t->topics[t->places[at] - 1];
    if (other->hash == topic->hash && span_equal(other->predicate, topic->predicate) &&
        span_equal(other->path, topic->path))
      break;
  }
  return at;
}

/* Doubles both tables. */
static int grow(struct touched *t, struct err *err) {
  const size_t room = t->room ? t->room * 2 : TOUCHED_ROOM_MIN;
  struct touched_topic *topics = realloc(t->topics, room * sizeof(*topics));
  if (topics)
    t->topics = topics;
  uint32_t *places = calloc(room * 2, sizeof(*places));
  if (!topics || !places) {
    free(places);
    return no_memory(err);
  }
  free(t->places);
  t->places = places;
  t->room = room;
  t->place_room = room * 2;
  for (size_t i = 0; i < t->count; i++)
    t->places[find_place(t, &t->topics[i])] = (uint32_t)i + 1;
  return 0;
}

static int add_topic(struct touched *t, const struct assertion *assertion, size_t most, struct err *err) {
  struct touched_topic topic = {.path = assertion->concept_path, .predicate = assertion->predicate};
  const uint32_t low = crc32c(0, topic.path.data, topic.path.len);
  topic.hash = (uint64_t)crc32c(low, topic.predicate.data, topic.predicate.len) << 32 | low;
  topic.hash ^= topic.hash >> 29;
  if (t->count == t->room && grow(t, err))
    return err->code;
  const size_t at = find_place(t, &topic);
  if (t->places[at])
    return 0;
  topic.path = arena_copy(t->names, topic.path);
  topic.predicate = arena_copy(t->names, topic.predicate);
  t->complete = t->count < most && topic.path.data && topic.predicate.data;
  if (!t->complete)
    return 0;
  t->topics[t->count++] = topic;
  t->places[at] = (uint32_t)t->count;
  return 0;
}

/* The entry `seq`, greater than those before: from the block at hand, or one read anew. */
static int load(struct touched *t, struct store *store, uint64_t seq, uint64_t last, struct entry *entry,
                struct err *err) {
  for (;;) {
    while (t->rest.len > 0 && t->next <= seq) {
      int code = history_next(&t->rest, entry, err);
      if (code)
        return code;
      t->next = entry->seq + 1;
      if (entry->seq == seq)
        return 0;
    }
    size_t count = 0;
    int code = history_read(store, seq, last, TOUCHED_READ, &t->block, &count, err);
    if (code)
      return code;
    if (count == 0)
      return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", seq);
    t->rest = buf_span(&t->block);
    t->next = seq;
  }
}

/* Whether `seq` is active now. */
static int is_active(struct touched *t, const struct reader *reader, uint64_t seq, uint64_t snapshot, bool *active,
                     struct err *err) {
  const uint64_t block = seq / RETRACTED_BLOCK;
  if (t->inactive_block != block) {
    t->inactive_block = UINT64_MAX;
    int code = retracted_read(reader, block, snapshot, &t->inactive, err);
    if (code)
      return code;
    t->inactive_block = block;
  }
  *active = !retracted_has(&t->inactive, seq);
  return 0;
}

static int collect(struct touched *t, const struct reader *reader, const struct cover *cover, size_t most,
                   struct err *err) {
  const uint64_t snapshot = cover_snapshot(cover);
  uint64_t seq = 0;
  bool direct;
  while (t->complete && cover_next(cover, seq, &seq, &direct)) {
    struct assertion assertion;
    struct entry entry;
    bool active = false;
    int code = is_active(t, reader, seq, snapshot, &active, err);
    if (!code && !active)
      continue;
    if (!code)
      code = load(t, reader->store, seq, snapshot, &entry, err);
    if (code)
      return code;
    if (arena_used(t->parse) > 0)
      arena_reset(t->parse);
    code = assertion_read(t->parse, entry.body, &assertion, err);
    if (!code)
      code = add_topic(t, &assertion, most, err);
    if (code)
      return code;
  }
  return 0;
}

static int by_name(const void *a, const void *b) {
  const struct touched_topic *left = a, *right = b;
  const int order = span_compare(left->path, right->path);
  return order ? order : span_compare(left->predicate, right->predicate);
}

int touched_collect(const struct reader *reader, const struct cover *cover, size_t most, struct touched **out,
                    struct err *err) {
  struct touched *t = calloc(1, sizeof(*t));
  if (!t)
    return no_memory(err);
  *t = (struct touched){.complete = true, .inactive_block = UINT64_MAX};
  buf_init(&t->block, TOUCHED_READ + 2 * ENTRY_MAX_SIZE);
  t->names = arena_create(TOUCHED_NAMES_MAX);
  t->parse = arena_create(TOUCHED_PARSE_MAX);
  int code = t->names && t->parse ? collect(t, reader, cover, most, err) : no_memory(err);
  if (code) {
    touched_free(t);
    return code;
  }
  if (t->count > 0)
    qsort(t->topics, t->count, sizeof(*t->topics), by_name);
  *out = t;
  return 0;
}

const struct touched_topic *touched_topics(const struct touched *touched, size_t *count, bool *complete) {
  *count = touched->count;
  *complete = touched->complete;
  return touched->topics;
}
