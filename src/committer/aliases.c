#include "committer/aliases.h"

#include <stdlib.h>
#include <string.h>

#include "model/assertion.h"
#include "model/json.h"

enum { CHECK_ARENA_MAX = 16 << 20 };

/* Whether it is worth taking apart: nearly all entries are something else. */
static bool may_be_alias(const struct command_entry *entry) {
  static const char member[] = "\"predicate\":\"stemedb.same_as\"";
  return entry->kind == ENTRY_ASSERTION && memmem(entry->body.data, entry->body.len, member, sizeof(member) - 1);
}

/* The edge that the entry makes, in the arena; path.data NULL if it makes none. */
static int read_edge(struct arena *arena, const struct command_entry *entry, struct alias_edge *edge, struct err *err) {
  struct assertion assertion;
  *edge = (struct alias_edge){.path = {NULL, 0}};
  int code = assertion_read(arena, entry->body, &assertion, err);
  if (code || !span_equal(assertion.predicate, span_str("stemedb.same_as")) || assertion.value.len < 2)
    return code;
  edge->path = arena_copy(arena, assertion.concept_path);
  if (!edge->path.data)
    return err_set(err, ERR_NOMEM, "no memory for an alias");
  return json_unescape(arena, span_of(assertion.value.data + 1, assertion.value.len - 2), &edge->target, err);
}

static int add_edge(struct batch *b, const struct alias_edge *edge, struct err *err) {
  struct alias_edge copy = {arena_copy(b->arena, edge->path), arena_copy(b->arena, edge->target)};
  struct alias_edge *edges = b->edges;
  if (b->edge_count == b->edge_capacity) {
    size_t wanted = b->edge_capacity ? b->edge_capacity * 2 : 16;
    edges = reallocarray(b->edges, wanted, sizeof(*edges));
    if (!edges)
      return err_set(err, ERR_NOMEM, "no memory for an alias");
    b->edges = edges;
    b->edge_capacity = wanted;
  }
  if (!copy.path.data || !copy.target.data)
    return err_set(err, ERR_NOMEM, "no memory for an alias");
  edges[b->edge_count++] = copy;
  return 0;
}

/* Notes the edge, and takes it back if the class becomes too large. */
static int try_edge(struct committer *c, struct arena *arena, const struct alias_edge *edge, bool *fits,
                    struct err *err) {
  /* What is visible is behind what is stored; settings are read as of the latter, without a cache. */
  const struct watermark mark = {.visible_seq = c->mark.seq, .settings_seq = UINT64_MAX, .first_setting_seq = 1};
  struct batch *b = &c->batch;
  struct settings *settings = NULL;
  struct alias_class class;
  int code = add_edge(b, edge, err);
  if (!code)
    code = settings_open(arena, &c->reader, &mark, c->mark.seq, NULL, &settings, err);
  if (!code)
    code = alias_find_class(&c->reader, settings, c->mark.seq, arena, edge->path, b->edges, b->edge_count, &class, err);
  settings_close(settings);
  *fits = !code && !class.too_large;
  if (!code && class.too_large)
    b->edge_count--;
  return code;
}

int aliases_check(struct committer *c, const struct command_entry *entry, bool *fits, struct err *err) {
  *fits = true;
  if (!may_be_alias(entry))
    return 0;
  struct arena *arena = arena_create(CHECK_ARENA_MAX);
  struct alias_edge edge;
  if (!arena)
    return err_set(err, ERR_NOMEM, "no memory for an alias");
  int code = read_edge(arena, entry, &edge, err);
  if (!code && edge.path.data)
    code = try_edge(c, arena, &edge, fits, err);
  arena_free(arena);
  return code;
}
