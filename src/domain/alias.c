#include "domain/alias.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/assertion.h"

enum { SEQS_AT_ONCE = 256 };

struct search {
  const struct reader *reader;
  struct settings *settings;
  uint64_t snapshot;
  struct arena *arena;
  const struct alias_edge *edges;
  size_t edge_count;
  size_t read; /* assertions */
  struct alias_class *found;
};

static bool is_in(const struct alias_class *class, struct span path) {
  for (size_t i = 0; i < class->count; i++)
    if (span_equal(class->paths[i], path))
      return true;
  return false;
}

static int add(struct search *s, struct span path, struct err *err) {
  struct alias_class *class = s->found;
  if (is_in(class, path))
    return 0;
  if (class->count == ALIAS_CLASS_MAX) {
    class->too_large = true;
    return 0;
  }
  const struct span copy = arena_copy(s->arena, path);
  if (!copy.data)
    return err_set(err, ERR_NOMEM, "no memory for the aliases of a concept");
  class->paths[class->count++] = copy;
  return 0;
}

/* The path that this one is said to be the same as; data NULL: none. */
static int find_target(struct search *s, struct span path, struct span *target, struct err *err) {
  for (size_t i = s->edge_count; i > 0; i--)
    if (span_equal(s->edges[i - 1].path, path)) {
      *target = s->edges[i - 1].target;
      return 0;
    }
  return settings_find_alias(s->settings, path, target, err);
}

/* The concept of the assertion `seq`. */
static int read_concept(struct search *s, uint64_t seq, struct span *path, struct err *err) {
  struct buf record;
  struct entry entry;
  struct assertion assertion;
  bool found = false;
  buf_init(&record, ENTRY_MAX_SIZE);
  int code = history_get(s->reader->store, seq, &record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", seq);
  if (!code)
    code = assertion_read(s->arena, entry.body, &assertion, err);
  *path = code ? (struct span){NULL, 0} : arena_copy(s->arena, assertion.concept_path);
  buf_free(&record);
  if (!code && !path->data)
    code = err_set(err, ERR_NOMEM, "no memory for the aliases of a concept");
  return code;
}

/* Adds a concept that once named `path`, if it does so still. */
static int add_if_names(struct search *s, struct span concept, struct span path, struct err *err) {
  struct span target;
  if (is_in(s->found, concept))
    return 0;
  int code = find_target(s, concept, &target, err);
  return !code && target.data && span_equal(target, path) ? add(s, concept, err) : code;
}

/* Adds all that name `path`. */
static int add_naming(struct search *s, struct span path, struct err *err) {
  uint64_t seqs[SEQS_AT_ONCE];
  size_t count = SEQS_AT_ONCE;
  int code = 0;
  for (size_t i = 0; !code && i < s->edge_count; i++)
    if (span_equal(s->edges[i].target, path))
      code = add_if_names(s, s->edges[i].path, path, err);
  for (uint64_t after = 0; !code && count == SEQS_AT_ONCE && !s->found->too_large; after = seqs[count - 1]) {
    code = posting_read(s->reader, POSTING_ALIAS, path, after, s->snapshot, seqs, SEQS_AT_ONCE, &count, err);
    if (!code && (s->read += count) > ALIAS_ASSERTIONS_MAX)
      s->found->too_large = true;
    for (size_t i = 0; !code && i < count && !s->found->too_large; i++) {
      struct span concept;
      code = read_concept(s, seqs[i], &concept, err);
      if (!code)
        code = add_if_names(s, concept, path, err);
    }
    if (code || count == 0)
      break;
  }
  return code;
}

static int compare_paths(const void *left, const void *right) {
  return span_compare(*(const struct span *)left, *(const struct span *)right);
}

int alias_find_class(const struct reader *reader, struct settings *settings, uint64_t snapshot, struct arena *arena,
                     struct span path, const struct alias_edge *edges, size_t edge_count, struct alias_class *out,
                     struct err *err) {
  struct search s = {.reader = reader,
                     .settings = settings,
                     .snapshot = snapshot,
                     .arena = arena,
                     .edges = edges,
                     .edge_count = edge_count,
                     .found = out};
  out->count = 0;
  out->too_large = false;
  int code = add(&s, path, err);
  for (size_t i = 0; !code && i < out->count && !out->too_large; i++) {
    struct span target;
    code = find_target(&s, out->paths[i], &target, err);
    if (!code && target.data)
      code = add(&s, target, err);
    if (!code)
      code = add_naming(&s, out->paths[i], err);
  }
  qsort(out->paths, out->count, sizeof(out->paths[0]), compare_paths);
  return code;
}
