/* Reading counts.kv. */
#include "base/bytes.h"
#include "projection/counts.h"
#include "projection/internal.h"

int counts_below(const struct reader *reader, struct span path, uint64_t *below, struct err *err) {
  struct projection *p = reader->projection;
  unsigned char key[COUNTS_KEY_MAX], value[COUNTS_VALUE_SIZE];
  const unsigned char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
  const size_t parent = slash ? (size_t)(slash - path.data) : 0, from = slash ? parent + 1 : 0;
  size_t key_len = counts_key(key, span_of(path.data, parent), span_of(path.data + from, path.len - from)), len;
  bool found = false;
  *below = 0;
  if (key_len == 0)
    return err_set(err, ERR_INVALID, "a path is too long");
  int rc = penv_get(p, p->index[INDEX_COUNTS], span_of(key, key_len), value, sizeof(value), &len, &found, err);
  if (rc || !found)
    return rc;
  if (len != sizeof(value))
    return penv_damaged(p, err, "a count is malformed");
  *below = get_u64(value);
  return 0;
}

struct children_job {
  struct projection *p;
  struct arena *arena;
  struct span parent, after;
  struct concept_count *out;
  size_t cap, count;
};

/* Takes the child at the cursor; *more is false if it is of another parent. */
static int take_child(struct children_job *job, struct span key, struct span value, bool *more, struct err *err) {
  const size_t start = job->parent.len + 1;
  *more = key.len > start && span_equal(span_of(key.data, job->parent.len), job->parent) && key.data[start - 1] == 0;
  if (!*more)
    return 0;
  struct concept_count *child = &job->out[job->count];
  struct span segment = span_of(key.data + start, key.len - start);
  if (value.len != COUNTS_VALUE_SIZE || memchr(segment.data, 0, segment.len))
    return penv_damaged(job->p, err, "a count is malformed");
  if (span_equal(segment, job->after))
    return 0;
  child->segment = arena_copy(job->arena, segment);
  child->below = get_u64(value.data);
  job->count++;
  return child->segment.data ? 0 : err_set(err, ERR_NOMEM, "no memory for concepts");
}

static int read_children(struct children_job *job, DBC *cursor, struct err *err) {
  unsigned char key_bytes[COUNTS_KEY_MAX + 1], value_bytes[COUNTS_VALUE_SIZE];
  DBT key = {.data = key_bytes, .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  bool more = true;
  key.size = (u_int32_t)counts_key(key_bytes, job->parent, job->after);
  for (u_int32_t position = DB_SET_RANGE; more && job->count < job->cap; position = DB_NEXT) {
    int ret = cursor->get(cursor, &key, &value, position);
    if (ret == DB_NOTFOUND)
      return 0;
    if (ret != 0)
      return penv_error(job->p, ret, err, "reading counts");
    int rc = take_child(job, span_of(key_bytes, key.size), span_of(value_bytes, value.size), &more, err);
    if (rc)
      return rc;
  }
  return 0;
}

static int children_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct children_job *job = arg;
  DB *db = job->p->index[INDEX_COUNTS];
  DBC *cursor = NULL;
  job->count = 0;
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(job->p, ret, err, "reading counts");
  int rc = read_children(job, cursor, err);
  ret = cursor->close(cursor);
  if (rc == 0 && ret != 0)
    rc = penv_error(job->p, ret, err, "reading counts");
  return rc;
}

int counts_children(const struct reader *reader, struct arena *arena, struct span parent, struct span after,
                    struct concept_count *out, size_t cap, size_t *count, struct err *err) {
  struct projection *p = reader->projection;
  struct children_job job = {.p = p, .arena = arena, .parent = parent, .after = after, .out = out, .cap = cap};
  if (parent.len > NAME_PATH_MAX || after.len > NAME_PATH_MAX)
    return err_set(err, ERR_INVALID, "a name is too long");
  int rc = txn_read(&p->env, children_body, &job, err);
  *count = job.count;
  return rc;
}

int counts_applied(const struct reader *reader, uint64_t *seq, struct err *err) {
  struct projection *p = reader->projection;
  unsigned char record[META_SIZE];
  struct meta meta;
  size_t len;
  bool found;
  int rc = penv_get(p, p->meta, span_of(meta_key, META_KEY_SIZE), record, sizeof(record), &len, &found, err);
  if (rc)
    return rc;
  if (!found || !meta_decode(span_of(record, len), &meta))
    return penv_damaged(p, err, "their record is malformed");
  *seq = meta.applied_seq;
  return 0;
}
