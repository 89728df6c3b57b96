#include "domain/conflicts.h"

#include <stdlib.h>

#include "domain/ballot_box.h"
#include "domain/bookmark.h"
#include "domain/resolve.h"
#include "domain/resolved_render.h"
#include "model/canonical.h"

/* A topic and its score, in the order of the answer. */
struct scored {
  double score;
  size_t path_len, key_len;
  unsigned char key[BOOKMARK_KEY_MAX];
};

/* The best so far: a heap with the last of them on top. */
struct best {
  struct scored **items;
  size_t count, capacity;
};

static int compare(double score_a, struct span key_a, double score_b, struct span key_b) {
  if (score_a != score_b)
    return score_a > score_b ? -1 : 1;
  return span_compare(key_a, key_b);
}

static int compare_items(const struct scored *a, const struct scored *b) {
  return compare(a->score, span_of(a->key, a->key_len), b->score, span_of(b->key, b->key_len));
}

static int compare_pointers(const void *left, const void *right) {
  return compare_items(*(struct scored *const *)left, *(struct scored *const *)right);
}

static void swap(struct best *best, size_t a, size_t b) {
  struct scored *item = best->items[a];
  best->items[a] = best->items[b];
  best->items[b] = item;
}

static void sift_up(struct best *best, size_t at) {
  for (; at > 0 && compare_items(best->items[at], best->items[(at - 1) / 2]) > 0; at = (at - 1) / 2)
    swap(best, at, (at - 1) / 2);
}

static void sift_down(struct best *best) {
  for (size_t at = 0, child; (child = 2 * at + 1) < best->count; at = child) {
    if (child + 1 < best->count && compare_items(best->items[child + 1], best->items[child]) > 0)
      child++;
    if (compare_items(best->items[child], best->items[at]) <= 0)
      break;
    swap(best, at, child);
  }
}

static int best_offer(struct best *best, struct arena *arena, const struct ballot_topic *topic, struct err *err) {
  const double score = topic->candidates.conflict;
  const bool full = best->count == best->capacity;
  if (full &&
      compare(score, topic->key, best->items[0]->score, span_of(best->items[0]->key, best->items[0]->key_len)) >= 0)
    return 0;
  struct scored *item = full ? best->items[0] : arena_alloc(arena, sizeof(*item));
  if (!item)
    return err_set(err, ERR_NOMEM, "no memory for conflicts");
  item->score = score;
  item->path_len = topic->path.len;
  item->key_len = topic->key.len;
  memcpy(item->key, topic->key.data, topic->key.len);
  if (full) {
    sift_down(best);
  } else {
    best->items[best->count] = item;
    sift_up(best, best->count++);
  }
  return 0;
}

/* Whether the topic is asked for. */
static bool wanted(const struct conflicts_request *r, const struct ballot_topic *topic) {
  const struct candidates *c = &topic->candidates;
  return c->group_count > 1 && !c->many && c->conflict >= r->min_conflict &&
         (!r->after || compare(r->score, r->key, c->conflict, topic->key) < 0);
}

static int find_best(const struct reader *reader, const struct watermark *mark, const struct conflicts_request *r,
                     struct arena *arena, struct best *best, struct err *err) {
  struct ballot_box *box = NULL;
  struct ballot_topic topic;
  bool found = true;
  int code = ballot_box_open(reader, mark, r->snapshot, r->prefix, r->predicate, &box, err);
  while (!code && found) {
    code = ballot_box_next(box, &topic, &found, err);
    if (!code && found && wanted(r, &topic))
      code = best_offer(best, arena, &topic, err);
  }
  ballot_box_close(box);
  if (!code)
    qsort(best->items, best->count, sizeof(struct scored *), compare_pointers);
  return code;
}

static int render_item(struct resolver *resolver, const struct scored *item, struct buf *out, struct err *err) {
  const struct span path = span_of(item->key, item->path_len);
  const struct span predicate = span_of(item->key + item->path_len + 1, item->key_len - item->path_len - 2);
  struct resolved resolved;
  int code = resolver_topic(resolver, path, predicate, &resolved, err);
  if (code)
    return code;
  if (!resolved.found || resolved.candidates->conflict != item->score)
    return err_set(err, ERR_CORRUPT, "the ballots of a topic are not what its assertions say");
  buf_add_str(out, "{\"concept_path\":");
  json_quote(out, path);
  buf_add_str(out, ",\"predicate\":");
  json_quote(out, predicate);
  resolution_render(out, resolved.candidates, &resolved.resolution);
  buf_add_byte(out, '}');
  return 0;
}

static int render(const struct reader *reader, const struct watermark *mark, const struct conflicts_request *r,
                  const struct best *best, struct buf *out, struct err *err) {
  const struct query options = {.lens = lens_find(span_str("skeptic"))};
  struct resolver *resolver = NULL;
  int code = resolver_open(reader, mark, NULL, &options, r->snapshot, 0, &resolver, err);
  buf_add_byte(out, '[');
  for (size_t i = 0; !code && i < best->count && i < r->limit; i++) {
    if (i)
      buf_add_byte(out, ',');
    code = render_item(resolver, best->items[i], out, err);
  }
  buf_add_byte(out, ']');
  resolver_close(resolver);
  return code;
}

int conflicts_render(const struct reader *reader, const struct watermark *mark, const struct conflicts_request *request,
                     struct arena *arena, struct buf *out, struct conflicts_end *end, struct err *err) {
  struct best best = {.capacity = (size_t)request->limit + 1};
  best.items = arena_calloc(arena, best.capacity, sizeof(*best.items));
  if (!best.items)
    return err_set(err, ERR_NOMEM, "no memory for conflicts");
  int code = request->snapshot ? find_best(reader, mark, request, arena, &best, err) : 0;
  if (!code)
    code = render(reader, mark, request, &best, out, err);
  end->more = best.count > request->limit;
  if (end->more) {
    const struct scored *last = best.items[request->limit - 1];
    end->score = last->score;
    end->key = span_of(last->key, last->key_len);
  }
  return code;
}
