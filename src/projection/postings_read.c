/* Reading posting lists. */
#include "base/bytes.h"
#include "projection/internal.h"
#include "projection/postings.h"
#include "projection/snapshot.h"

enum { TERM_MAX = 1024, KEY_MAX = TERM_MAX + 1 + 8 };

static const enum index_id index_of[] = {
    [POSTING_PREDICATE] = INDEX_PREDICATE, [POSTING_SOURCE] = INDEX_SOURCE, [POSTING_DERIVED] = INDEX_DERIVED,
    [POSTING_BATCH] = INDEX_BATCH,         [POSTING_ALIAS] = INDEX_ALIAS,   [POSTING_FIRSTS] = INDEX_FIRSTS};

struct read_job {
  struct projection *p;
  DB *db;
  struct span term;
  uint64_t after, snapshot;
  uint64_t *seqs;
  size_t cap, count;
};

/* Whether `key` belongs to the term; then *block. */
static bool key_block(const struct read_job *job, struct span key, uint64_t *block) {
  if (key.len != job->term.len + 1 + 8 || key.data[job->term.len] != 0 ||
      !span_equal(span_of(key.data, job->term.len), job->term))
    return false;
  *block = get_u64(key.data + job->term.len + 1);
  return true;
}

/* Takes the seqs of one block that are asked for; *more is false when there can be no later ones. */
static int take_block(struct read_job *job, uint64_t block, struct span value, bool *more, struct err *err) {
  uint16_t offsets[POSTINGS_BLOCK];
  size_t count;
  if (postings_decode(value, offsets, &count) != 0)
    return penv_damaged(job->p, err, "a posting list is malformed");
  for (size_t i = 0; i < count && *more; i++) {
    uint64_t seq = block * POSTINGS_BLOCK + offsets[i];
    *more = seq <= job->snapshot && job->count < job->cap;
    if (*more && seq > job->after)
      job->seqs[job->count++] = seq;
  }
  return 0;
}

static int walk(struct read_job *job, DBC *cursor, struct err *err) {
  unsigned char key_bytes[KEY_MAX], value_bytes[COMBINED_VALUE_MAX];
  DBT key = {.data = key_bytes, .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  if (job->term.len)
    memcpy(key_bytes, job->term.data, job->term.len);
  key_bytes[job->term.len] = 0;
  put_u64(key_bytes + job->term.len + 1, (job->after + 1) / POSTINGS_BLOCK);
  key.size = (u_int32_t)(job->term.len + 1 + 8);
  bool more = true;
  for (u_int32_t position = DB_SET_RANGE; more; position = DB_NEXT) {
    uint64_t block = 0;
    int ret = cursor->get(cursor, &key, &value, position);
    if (ret == DB_NOTFOUND || (ret == 0 && !key_block(job, span_of(key_bytes, key.size), &block)))
      return 0;
    if (ret != 0)
      return penv_error(job->p, ret, err, "reading a posting list");
    int rc = take_block(job, block, span_of(value_bytes, value.size), &more, err);
    if (rc)
      return rc;
  }
  return 0;
}

static int read_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct read_job *job = arg;
  DBC *cursor = NULL;
  job->count = 0;
  int ret = job->db->cursor(job->db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(job->p, ret, err, "reading a posting list");
  int rc = walk(job, cursor, err);
  ret = cursor->close(cursor);
  if (rc == 0 && ret != 0)
    rc = penv_error(job->p, ret, err, "reading a posting list");
  return rc;
}

int posting_read(const struct reader *reader, enum posting list, struct span term, uint64_t after_seq,
                 uint64_t snapshot, uint64_t *seqs, size_t cap, size_t *count, struct err *err) {
  *count = 0;
  if (term.len > TERM_MAX || after_seq >= snapshot)
    return 0;
  struct projection *p = reader->projection;
  struct read_job job = {.p = p,
                         .db = p->index[index_of[list]],
                         .term = term,
                         .after = after_seq,
                         .snapshot = snapshot,
                         .seqs = seqs,
                         .cap = cap};
  int rc = txn_read(&p->env, read_body, &job, err);
  if (rc == 0)
    *count = job.count;
  return rc;
}

struct term_job {
  struct projection *p;
  DB *db;
  struct span from;
  unsigned char *out;
  size_t cap, len;
  bool found;
};

static int term_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct term_job *job = arg;
  unsigned char bytes[KEY_MAX];
  DBT key = {.data = bytes, .size = (u_int32_t)job->from.len, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
  DBC *cursor = NULL;
  if (job->from.len)
    memcpy(bytes, job->from.data, job->from.len);
  int ret = job->db->cursor(job->db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(job->p, ret, err, "reading the terms of posting lists");
  ret = cursor->get(cursor, &key, &value, job->from.len ? DB_SET_RANGE : DB_FIRST);
  job->found = ret == 0;
  int closed = cursor->close(cursor);
  ret = ret == DB_NOTFOUND ? closed : ret ? ret : closed;
  if (ret != 0)
    return penv_error(job->p, ret, err, "reading the terms of posting lists");
  if (!job->found)
    return 0;
  job->len = key.size < 1 + 8 ? 0 : key.size - (1 + 8);
  if (key.size < 1 + 8 || job->len > job->cap || bytes[job->len] != 0)
    return penv_damaged(job->p, err, "the key of a posting list is malformed");
  if (job->len)
    memcpy(job->out, bytes, job->len);
  return 0;
}

int posting_next_term(const struct reader *reader, enum posting list, struct span from, unsigned char *out, size_t cap,
                      size_t *len, bool *found, struct err *err) {
  struct projection *p = reader->projection;
  struct term_job job = {.p = p, .db = p->index[index_of[list]], .from = from, .out = out, .cap = cap};
  if (from.len > KEY_MAX)
    return err_set(err, ERR_INVALID, "a term is too long");
  int rc = txn_read(&p->env, term_body, &job, err);
  *len = job.len;
  *found = rc == 0 && job.found;
  return rc;
}
