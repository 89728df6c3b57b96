/* counts.kv, see counts.h. An assertion is gathered once, under the parent of its concept; what a transaction adds is
 * summed up level by level while the parents go by in order, so that one is written once however much is below it.
 * Concepts that nothing is below have no count: with one for each, projecting took 1.4 times as long. */
#include "base/bytes.h"
#include "model/name.h"
#include "projection/internal.h"

/* The parent with 0 in place of '/': so sorted, a concept and all below it are side by side, which bytes alone would
 * not give ("a", "a-b", "a/x"). */
int counts_project(struct gather *gather, const struct item *item, struct err *err) {
  if (!item->is_assertion)
    return 0;
  const struct span path = item->assertion.concept_path;
  const unsigned char *slash = memrchr(path.data, '/', path.len);
  if (!slash)
    return 0;
  const size_t len = (size_t)(slash - path.data);
  unsigned char *key = gather_alloc(gather, len, err);
  if (!key)
    return err->code;
  for (size_t i = 0; i < len; i++)
    key[i] = path.data[i] == '/' ? 0 : path.data[i];
  return gather_put(gather, span_of(key, len), span_of("", 0), err);
}

size_t counts_key(unsigned char *out, struct span parent, struct span segment) {
  if (parent.len > NAME_PATH_MAX || segment.len > NAME_PATH_MAX)
    return 0;
  if (parent.len)
    memcpy(out, parent.data, parent.len);
  out[parent.len] = 0;
  if (segment.len)
    memcpy(out + parent.len + 1, segment.data, segment.len);
  return parent.len + 1 + segment.len;
}

/* A concept on the way from a root to the path at hand, and what the transaction adds to it. */
struct level {
  size_t end; /* of it in the path */
  uint64_t below;
};

struct adder {
  struct projection *p;
  DBC *cursor;
  size_t depth;
  struct level levels[NAME_SEGMENTS_MAX];
  struct span path; /* with 0 in place of '/' */
};

/* The key of the deepest level. */
static size_t adder_key(const struct adder *a, unsigned char *key) {
  const unsigned char *path = a->path.data;
  const size_t end = a->levels[a->depth - 1].end, parent = a->depth > 1 ? a->levels[a->depth - 2].end : 0;
  const size_t segment = parent ? parent + 1 : 0;
  const size_t len = counts_key(key, span_of(path, parent), span_of(path + segment, end - segment));
  for (size_t i = 0; i < parent; i++)
    if (key[i] == 0)
      key[i] = '/';
  return len;
}

/* Adds the deepest level to what is stored. */
static int add_level(struct adder *a, struct err *err) {
  const struct level *level = &a->levels[a->depth - 1];
  unsigned char key[COUNTS_KEY_MAX], value[COUNTS_VALUE_SIZE] = {0};
  DBT k = penv_dbt(span_of(key, adder_key(a, key)));
  DBT v = {.data = value, .ulen = sizeof(value), .flags = DB_DBT_USERMEM};
  int ret = a->cursor->get(a->cursor, &k, &v, DB_SET | DB_RMW);
  const bool found = ret == 0;
  if (ret != 0 && ret != DB_NOTFOUND)
    return penv_error(a->p, ret, err, "reading counts");
  if (found && v.size != sizeof(value))
    return penv_damaged(a->p, err, "a count is malformed");
  put_u64(value, get_u64(value) + level->below);
  v.size = sizeof(value);
  ret = a->cursor->put(a->cursor, &k, &v, found ? DB_CURRENT : DB_KEYFIRST);
  return ret == 0 ? 0 : penv_error(a->p, ret, err, "writing counts");
}

/* Leaves the levels below `depth`: what is below them is below the one above them, too. */
static int leave(struct adder *a, size_t depth, struct err *err) {
  int rc = 0;
  while (a->depth > depth && rc == 0) {
    const struct level *level = &a->levels[a->depth - 1];
    if (a->depth > 1)
      a->levels[a->depth - 2].below += level->below;
    rc = add_level(a, err);
    a->depth--;
  }
  return rc;
}

/* How many levels of the path at hand `path` is at or below, too. */
static size_t shared_levels(const struct adder *a, struct span path) {
  size_t depth = 0;
  while (depth < a->depth) {
    const size_t end = a->levels[depth].end;
    if (path.len < end || memcmp(path.data, a->path.data, end) != 0 || (path.len > end && path.data[end] != 0))
      break;
    depth++;
  }
  return depth;
}

/* Goes on to the next path in order. */
static int enter(struct adder *a, struct span path, struct err *err) {
  int rc = leave(a, shared_levels(a, path), err);
  size_t end = a->depth ? a->levels[a->depth - 1].end : 0;
  a->path = path;
  while (rc == 0 && end < path.len) {
    if (a->depth == NAME_SEGMENTS_MAX)
      return err_set(err, ERR_CORRUPT, "a path of more than %d segments", NAME_SEGMENTS_MAX);
    const size_t from = end ? end + 1 : 0;
    const unsigned char *zero = memchr(path.data + from, 0, path.len - from);
    end = zero ? (size_t)(zero - path.data) : path.len;
    a->levels[a->depth++] = (struct level){.end = end};
  }
  if (rc == 0)
    a->levels[a->depth - 1].below++;
  return rc;
}

int counts_write(struct projection *p, size_t index, DB_TXN *txn, const struct gather *g, struct err *err) {
  struct adder a = {.p = p};
  if (g->count == 0)
    return 0;
  int ret = p->index[index]->cursor(p->index[index], txn, &a.cursor, 0), rc = 0;
  if (ret != 0)
    return penv_error(p, ret, err, "adding counts");
  for (size_t i = 0; i < g->count && rc == 0; i++)
    rc = enter(&a, put_key(&g->puts[i]), err);
  if (rc == 0)
    rc = leave(&a, 0, err);
  ret = a.cursor->close(a.cursor);
  return rc || ret == 0 ? rc : penv_error(p, ret, err, "adding counts");
}
