/*
 * concept.kv: all assertions in the order of path 0 predicate 0 source 0 ~seq (u64be). No part holds a 0 byte, so that
 * is the order of (path, predicate, source), then the newest first, and one seek finds the newest assertion of a source
 * up to any seq. Neighbours are kept together in packs (pack.h): a key is a lower bound of the rows in its pack, and
 * greater than all rows of the one before.
 */
#include "base/bytes.h"
#include "projection/covering.h"
#include "projection/index.h"

static unsigned char *put_part(unsigned char *p, struct span part) {
  if (part.len)
    memcpy(p, part.data, part.len);
  p[part.len] = 0;
  return p + part.len + 1;
}

static size_t key_length(struct span path, struct span predicate, struct span source) {
  return path.len + 1 + predicate.len + 1 + source.len + 1 + 8;
}

static void key_fill(unsigned char *out, struct span path, struct span predicate, struct span source, uint64_t seq) {
  unsigned char *p = put_part(put_part(put_part(out, path), predicate), source);
  put_u64(p, ~seq);
}

size_t concept_key(unsigned char *out, struct span path, struct span predicate, struct span source, uint64_t seq) {
  if (path.len > CONCEPT_KEY_MAX || predicate.len > CONCEPT_KEY_MAX || source.len > CONCEPT_KEY_MAX)
    return 0;
  size_t len = key_length(path, predicate, source);
  if (len > CONCEPT_KEY_MAX)
    return 0;
  key_fill(out, path, predicate, source, seq);
  return len;
}

int concept_project(struct gather *gather, const struct item *item, struct err *err) {
  if (!item->is_assertion)
    return 0;
  const struct assertion *a = &item->assertion;
  size_t len = key_length(a->concept_path, a->predicate, a->source);
  unsigned char *key = gather_alloc(gather, len, err);
  if (!key)
    return err->code;
  key_fill(key, a->concept_path, a->predicate, a->source, item->entry->seq);
  struct pack_row *row = arena_alloc(gather->arena, sizeof(*row));
  if (!row)
    return err_set(err, ERR_NOMEM, "no memory to project");
  row->key = span_of(key, len - 8);
  row->path_len = a->concept_path.len;
  int rc = covering_describe(gather, item, row, err);
  return rc ? rc : gather_put(gather, span_of(key, len), span_of(row, sizeof(*row)), err);
}
