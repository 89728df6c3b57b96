#include "domain/resolve.h"

#include <inttypes.h>
#include <stdlib.h>

#include "domain/walk.h"

enum { RESOLVER_TOPIC_MAX = 48 << 20, RESOLVER_SETTINGS_MAX = 16 << 20 };

struct resolver {
  const struct reader *reader;
  struct query query; /* the caller's, for a page of one */
  uint64_t snapshot;
  struct arena *lasting, *arena; /* of the settings; of a topic */
  struct settings *settings;
  struct walk walk;
};

/* Reads a head again. */
static int read_head(struct walk *walk, uint64_t seq, struct head *out, struct err *err) {
  struct buf record;
  struct entry entry;
  struct assertion assertion;
  struct setting_value half_life = {.number = 0};
  bool found = false;
  buf_init(&record, ENTRY_MAX_SIZE);
  int code = history_get(walk->reader->store, seq, &record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", seq);
  const struct span kept = code ? (struct span){NULL, 0} : arena_copy(walk->arena, entry.record);
  buf_free(&record);
  if (code || !kept.data)
    return code ? code : walk_no_memory(err);
  code = entry_peek(kept, &entry, err);
  if (!code)
    code = assertion_read(walk->arena, entry.body, &assertion, err);
  if (!code && walk->query->decay)
    code = settings_find(walk->settings, SETTING_HALF_LIFE, assertion.source, &half_life, err);
  if (code)
    return code;
  const double factor = decay_factor(decay_age(&assertion, entry.time_us, walk->decayed_at), half_life.number);
  *out = (struct head){.source = assertion.source,
                       .value = assertion.value,
                       .confidence = assertion.confidence * factor,
                       .asserted = assertion.confidence,
                       .decay = factor,
                       .seq = seq,
                       .id = entry.id};
  return 0;
}

/* Fills in the id of a head that may be chosen. */
static int read_id(struct walk *walk, struct head *head, struct err *err) {
  struct head whole;
  if (head->id)
    return 0;
  int code = read_head(walk, head->seq, &whole, err);
  head->id = code ? NULL : whole.id;
  return code;
}

static int read_ids(struct walk *walk, struct candidates *c, struct err *err) {
  if (c->many)
    return 0;
  int code = read_id(walk, &c->heads[c->groups[0].winner], err);
  for (uint32_t i = 0; !code && c->layers && i < c->layer_count; i++)
    code = read_ids(walk, &c->layers[i].candidates, err);
  return code;
}

int resolve_topic(struct walk *walk, struct topic *topic, struct resolution *out, struct err *err) {
  struct candidates *c = &topic->candidates;
  const struct lens *lens = walk->query->lens;
  int code = topic_weigh(walk, topic, err);
  if (!code && (!lens->first || c->many)) {
    code = read_ids(walk, c, err);
  } else if (!code && topic->first_head != HEAD_NONE) {
    c->first = c->heads[topic->first_head];
    code = read_id(walk, &c->first, err);
  } else if (!code) {
    code = read_head(walk, topic->first.seq, &c->first, err);
  }
  if (!code)
    lens_decide(lens, c, out);
  return code;
}

int64_t query_decay_moment(const struct query *query, uint64_t seq_us, uint64_t now_us) {
  switch (query->as_of.kind) {
  case MOMENT_TIME: return query->as_of.time_us;
  case MOMENT_SEQ: return (int64_t)seq_us;
  case MOMENT_NOW: break;
  }
  return (int64_t)now_us;
}

static int open_parts(struct resolver *r, const struct watermark *mark, struct settings_cache *cache,
                      int64_t decayed_at, struct err *err) {
  const struct start start = {.after = false};
  r->lasting = arena_create(RESOLVER_SETTINGS_MAX);
  r->arena = arena_create(RESOLVER_TOPIC_MAX);
  if (!r->lasting || !r->arena)
    return err_set(err, ERR_NOMEM, "no memory to resolve");
  int code = settings_open(r->lasting, r->reader, mark, r->snapshot, cache, &r->settings, err);
  if (!code)
    code = walk_open(&r->walk, r->reader, r->settings, &r->query, r->snapshot, &start, r->arena, err);
  r->walk.decayed_at = decayed_at;
  return code;
}

int resolver_open(const struct reader *reader, const struct watermark *mark, struct settings_cache *cache,
                  const struct query *options, uint64_t snapshot, int64_t decayed_at, struct resolver **out,
                  struct err *err) {
  struct resolver *r = calloc(1, sizeof(*r));
  if (!r)
    return err_set(err, ERR_NOMEM, "no memory to resolve");
  r->reader = reader;
  r->snapshot = snapshot;
  r->query = *options;
  r->query.subtree = r->query.include_retracted = r->query.aliases = false;
  r->query.cursor = (struct span){NULL, 0};
  r->query.limit = 0; /* and so a page of one: the first */
  int code = open_parts(r, mark, cache, decayed_at, err);
  if (code) {
    resolver_close(r);
    return code;
  }
  *out = r;
  return 0;
}

void resolver_close(struct resolver *r) {
  if (!r)
    return;
  walk_close(&r->walk);
  settings_close(r->settings);
  arena_free(r->arena);
  arena_free(r->lasting);
  free(r);
}

int resolver_topic(struct resolver *r, struct span path, struct span predicate, struct resolved *out, struct err *err) {
  struct walk *walk = &r->walk;
  const struct span any = {NULL, 0};
  *out = (struct resolved){.found = false};
  if (r->snapshot == 0)
    return 0;
  arena_reset(r->arena);
  walk->topics = NULL;
  walk->topic_count = walk->topic_room = 0;
  walk->rows_read = walk->scan.passed = 0;
  int code = page_init(&walk->page, r->arena, 1, err);
  if (!code)
    code = topic_begin(walk, path, predicate, err);
  active_set_scope(&walk->scan, path, false, predicate);
  if (!code)
    code = active_seek(&walk->scan, path, predicate, any, UINT64_MAX, err);
  if (!code && active_in_topic(&walk->scan, walk->path, walk->predicate))
    code = topic_gather(walk, walk->path, err);
  if (code || !walk->topic || walk->topic->candidates.head_count == 0)
    return code;
  if (r->query.lens->first && !walk->topic->candidates.many)
    code = topic_rank(walk, err);
  if (!code)
    code = resolve_topic(walk, walk->topic, &out->resolution, err);
  out->found = !code;
  out->candidates = &walk->topic->candidates;
  return code;
}
