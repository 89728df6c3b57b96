#include "domain/query.h"

#include "base/clock.h"
#include "domain/alias.h"
#include "domain/cursor.h"
#include "domain/query_render.h"
#include "domain/resolve.h"
#include "domain/walk.h"

/* What a run works out before it reads: the snapshot and where the page begins. */
struct plan {
  struct answer_moment moment;
  struct start start;
};

static void refuse_cursor(struct field_errors *errors, const char *detail) {
  field_errors_add(errors, span_str(""), "cursor", "%s", detail);
}

/* A subtree's page begins in the topic of the last item before it: concept and predicate come from the history. */
static int find_start(const struct reader *reader, const struct query *query, uint64_t topic_seq, struct arena *arena,
                      struct start *start, struct field_errors *errors, struct err *err) {
  struct buf record;
  buf_init(&record, ENTRY_MAX_SIZE);
  struct entry entry;
  struct assertion last = {.confidence = 0};
  bool found = false;
  int code = history_get(reader->store, topic_seq, &record, &entry, &found, err);
  found = found && !code && entry.kind == ENTRY_ASSERTION;
  if (found) {
    struct span body = arena_copy(arena, entry.body);
    code = body.data ? assertion_read(arena, body, &last, err) : err_set(err, ERR_NOMEM, "no memory for a cursor");
  }
  buf_free(&record);
  if (code)
    return code;
  const struct span root = query->concept_path, path = last.concept_path;
  const bool within = found && path.len >= root.len && span_equal(span_of(path.data, root.len), root) &&
                      (path.len == root.len || path.data[root.len] == '/');
  if (!within || (query->predicate.data && !span_equal(query->predicate, last.predicate)))
    refuse_cursor(errors, "is malformed");
  start->path = last.concept_path;
  start->predicate = last.predicate;
  return 0;
}

static int plan_from_cursor(const struct reader *reader, const struct query *query, struct arena *arena,
                            struct plan *plan, struct field_errors *errors, struct err *err) {
  struct cursor cursor;
  if (!cursor_decode(query->cursor, &cursor)) {
    refuse_cursor(errors, "is malformed");
    return 0;
  }
  if (cursor.branch != plan->moment.mark->branch)
    return err_set(err, ERR_CONFLICT, "the cursor is of an abandoned branch of the history: ask anew without it");
  unsigned char digest[CURSOR_DIGEST_SIZE];
  int code = cursor_digest(query, digest, err);
  if (code)
    return code;
  if (memcmp(cursor.digest, digest, CURSOR_DIGEST_SIZE) != 0) {
    refuse_cursor(errors, "belongs to another query");
    return 0;
  }
  if (cursor.snapshot > plan->moment.mark->visible_seq || cursor.last.seq > cursor.snapshot ||
      cursor.topic_seq > cursor.snapshot) {
    refuse_cursor(errors, "is malformed");
    return 0;
  }
  plan->moment.seq = cursor.snapshot;
  plan->moment.decayed_at = cursor.decayed_at;
  plan->start = (struct start){.after = true, .last = cursor.last};
  return query->subtree ? find_start(reader, query, cursor.topic_seq, arena, &plan->start, errors, err) : 0;
}

static int plan_from_moment(const struct reader *reader, const struct query *query, struct plan *plan,
                            struct field_errors *errors, struct err *err) {
  int code = moment_resolve(reader, plan->moment.mark, &query->as_of, &plan->moment.seq, err);
  if (code != ERR_INVALID)
    return code;
  field_errors_add(errors, span_str(""), "as_of", "%s", err->text);
  return 0;
}

/* Walks the concept, or its whole class: *class is then in the arena. */
static int run_walk(struct walk *walk, struct settings *settings, uint64_t snapshot, struct field_errors *errors,
                    struct err *err) {
  const struct query *query = walk->query;
  if (snapshot == 0)
    return 0;
  if (!query->aliases)
    return walk_run(walk, err);
  struct alias_class *class = arena_calloc(walk->arena, 1, sizeof(*class));
  if (!class)
    return err_set(err, ERR_NOMEM, "no memory for the aliases of a concept");
  int code = alias_find_class(walk->reader, settings, snapshot, walk->arena, query->concept_path, NULL, 0, class, err);
  if (code)
    return code;
  if (class->too_large) {
    field_errors_add(errors, span_str(""), "aliases", "more than %d paths are said to be the same as this one",
                     ALIAS_CLASS_MAX);
    return 0;
  }
  walk->class = class;
  return walk_class(walk, class->paths, class->count, err);
}

static int run_plan(const struct reader *reader, struct settings *settings, const struct query *query,
                    const struct plan *plan, struct arena *arena, struct field_errors *errors, struct buf *out,
                    struct err *err) {
  const size_t before = errors->count;
  struct walk *walk = arena_calloc(arena, 1, sizeof(*walk));
  if (!walk)
    return err_set(err, ERR_NOMEM, "no memory for a query");
  int code = walk_open(walk, reader, settings, query, plan->moment.seq, &plan->start, arena, err);
  walk->decayed_at = plan->moment.decayed_at;
  if (!code)
    code = run_walk(walk, settings, plan->moment.seq, errors, err);
  if (!code && errors->count == before)
    code = query_render(walk, reader, &plan->moment, out, err);
  walk_close(walk);
  return code;
}

int query_run(const struct reader *reader, const struct watermark *mark, struct settings_cache *cache,
              const struct query *query, struct arena *arena, struct field_errors *errors, struct buf *out,
              struct err *err) {
  const struct reader marked = {reader->store, reader->projection, mark, reader->assumed};
  struct plan plan = {.moment = {.mark = mark}};
  struct settings *settings = NULL;
  const size_t before = errors->count;
  int code = query->cursor.data ? plan_from_cursor(reader, query, arena, &plan, errors, err)
                                : plan_from_moment(reader, query, &plan, errors, err);
  if (code || errors->count > before)
    return code;
  if (plan.moment.seq > 0)
    code = moment_time(reader, mark, plan.moment.seq, &plan.moment.time_us, err);
  if (!query->cursor.data)
    plan.moment.decayed_at = query_decay_moment(query, plan.moment.time_us, clock_now());
  if (!code)
    code = settings_open(arena, &marked, mark, plan.moment.seq, cache, &settings, err);
  if (!code)
    code = run_plan(&marked, settings, query, &plan, arena, errors, out, err);
  settings_close(settings);
  return code;
}
