/* One concept of several paths: a source that speaks of more than one of them still is one source. */
#include <stdlib.h>

#include "domain/walk.h"

static int compare_seqs(const struct head *a, const struct head *b) {
  return (a->seq < b->seq) - (a->seq > b->seq);
}

static int compare_heads(const void *left, const void *right) {
  const struct head *a = left, *b = right;
  int order = span_compare(a->source, b->source);
  return order ? order : compare_seqs(a, b);
}

static int compare_values(const void *left, const void *right) {
  const struct head *a = left, *b = right;
  int order = span_compare(a->source, b->source);
  order = order ? order : span_compare(a->value, b->value);
  return order ? order : compare_seqs(a, b);
}

static int supersede(struct walk *walk, const struct head *head, struct err *err) {
  struct older *older = walk_grow(walk->scratch, walk->older, walk->older_count, &walk->older_room, sizeof(*older));
  if (!older)
    return walk_no_memory(err);
  walk->older = older;
  older[walk->older_count++] = (struct older){.run = walk->marks[head->mark].run,
                                              .confidence = head->confidence,
                                              .seq = head->seq,
                                              .record = walk->marks[head->mark].record};
  return 0;
}

int topic_merge(struct walk *walk, struct err *err) {
  struct candidates *c = &walk->topic->candidates;
  uint32_t kept = 0;
  if (c->head_count == 0)
    return 0;
  qsort(c->heads, c->head_count, sizeof(*c->heads), c->many ? compare_values : compare_heads);
  for (uint32_t i = 0; i < c->head_count; i++) {
    const struct head *h = &c->heads[i], *last = kept ? &c->heads[kept - 1] : NULL;
    const bool known = last && span_equal(h->source, last->source) && (!c->many || span_equal(h->value, last->value));
    if (!known) {
      c->heads[kept++] = *h;
      continue;
    }
    int code = supersede(walk, h, err);
    if (code)
      return code;
  }
  c->head_count = kept;
  if (c->many)
    qsort(c->heads, kept, sizeof(*c->heads), compare_heads);
  return 0;
}
