/* Whole posting lists as sets of seqs. */
#include "base/bytes.h"
#include "projection/internal.h"
#include "projection/postings.h"

enum { TERM_MAX = 1024, KEY_MAX = TERM_MAX + 1 + 8, BLOCK_WORDS = POSTINGS_BLOCK / 64 };

/* All of a block: its words, for a bitmap, 64 at once. */
static int add_bitmap(struct span value, uint64_t block, struct seqset *set, struct err *err) {
  uint64_t start = block * POSTINGS_BLOCK;
  uint64_t *words = seqset_block(set, start / RETRACTED_BLOCK, err);
  if (!words)
    return err->code;
  words += start % RETRACTED_BLOCK / 64;
  for (size_t i = 0; i < POSTINGS_BITMAP_SIZE; i++)
    words[i / 8] |= (uint64_t)value.data[i] << i % 8 * 8;
  return 0;
}

int postings_add(struct span value, uint64_t block, uint64_t first, uint64_t last, struct seqset *set,
                 struct err *err) {
  uint64_t start = block * POSTINGS_BLOCK;
  uint16_t offsets[POSTINGS_BLOCK];
  size_t count;
  if (value.len == POSTINGS_BITMAP_SIZE && first <= start && last >= start + POSTINGS_BLOCK - 1)
    return add_bitmap(value, block, set, err);
  if (postings_decode(value, offsets, &count) != 0)
    return err_set(err, ERR_CORRUPT, "a posting list of %zu bytes", value.len);
  for (size_t i = 0; i < count; i++)
    if (start + offsets[i] >= first && start + offsets[i] <= last && seqset_add(set, start + offsets[i], err))
      return err->code;
  return 0;
}

struct collect {
  struct projection *p;
  DB *db;
  struct span term;
  bool prefix;
  uint64_t first, last;
  struct seqset *set;
};

/* Whether a key belongs to the term, or begins with it. */
static bool belongs(const struct collect *c, struct span key) {
  size_t term_len = key.len - 9;
  if (key.len < 9 || key.data[term_len] != 0 || (c->prefix ? term_len < c->term.len : term_len != c->term.len))
    return false;
  return span_equal(span_of(key.data, c->term.len), c->term);
}

static int collect_rows(const struct collect *c, DBC *cursor, struct err *err) {
  unsigned char key_bytes[KEY_MAX], value_bytes[COMBINED_VALUE_MAX];
  DBT key = {.data = key_bytes, .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  if (c->term.len)
    memcpy(key_bytes, c->term.data, c->term.len);
  key.size = (u_int32_t)c->term.len;
  if (!c->prefix) {
    key_bytes[c->term.len] = 0;
    put_u64(key_bytes + c->term.len + 1, c->first / POSTINGS_BLOCK);
    key.size += 1 + 8;
  }
  for (u_int32_t position = DB_SET_RANGE;; position = DB_NEXT) {
    int ret = cursor->get(cursor, &key, &value, position);
    if (ret == DB_NOTFOUND || (ret == 0 && !belongs(c, span_of(key_bytes, key.size))))
      return 0;
    if (ret != 0)
      return penv_error(c->p, ret, err, "reading a posting list");
    uint64_t block = get_u64(key_bytes + key.size - 8);
    if (!c->prefix && block > c->last / POSTINGS_BLOCK)
      return 0;
    int rc = postings_add(span_of(value_bytes, value.size), block, c->first, c->last, c->set, err);
    if (rc)
      return rc == ERR_CORRUPT ? penv_damaged(c->p, err, "a posting list is malformed") : rc;
  }
}

static int collect_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  const struct collect *c = arg;
  DBC *cursor = NULL;
  int ret = c->db->cursor(c->db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(c->p, ret, err, "reading a posting list");
  int rc = collect_rows(c, cursor, err);
  ret = cursor->close(cursor);
  return rc == 0 && ret != 0 ? penv_error(c->p, ret, err, "reading a posting list") : rc;
}

/* A second attempt after a deadlock adds the same once more, which changes nothing. */
int postings_collect(struct projection *p, enum index_id index, struct span term, bool prefix, uint64_t first,
                     uint64_t last, struct seqset *set, struct err *err) {
  struct collect c = {
      .p = p, .db = p->index[index], .term = term, .prefix = prefix, .first = first, .last = last, .set = set};
  if (term.len > TERM_MAX || first > last)
    return 0;
  return txn_read(&p->env, collect_body, &c, err);
}
