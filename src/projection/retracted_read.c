/* Reading what retractions cover, and the records of retractions. */
#include "projection/retracted.h"

#include "base/bytes.h"

struct walk {
  struct projection *p;
  uint64_t block, snapshot;
  void (*begin)(void *arg);
  bool (*see)(void *arg, const struct retracted_row *row);
  void *arg;
};

static int walk_rows(const struct walk *w, DBC *cursor, struct err *err) {
  unsigned char key_bytes[RETRACTED_KEY_SIZE], value_bytes[RETRACTED_VALUE_MAX];
  DBT key = {.data = key_bytes, .size = sizeof(key_bytes), .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  struct retracted_row row;
  retracted_key(key_bytes, w->block, 0);
  for (u_int32_t position = DB_SET_RANGE;; position = DB_NEXT) {
    int ret = cursor->get(cursor, &key, &value, position);
    if (ret != 0 && ret != DB_NOTFOUND)
      return penv_error(w->p, ret, err, "reading what is retracted");
    if (ret == 0 && key.size != sizeof(key_bytes))
      return penv_damaged(w->p, err, "a key of what is retracted is malformed");
    if (ret == DB_NOTFOUND || get_u64(key_bytes) != w->block)
      return 0;
    row.seq = get_u64(key_bytes + 8);
    if (row.seq > w->snapshot)
      return 0;
    if (!retracted_decode(span_of(value_bytes, value.size), row.words, &row.reinstated_seq))
      return penv_damaged(w->p, err, "a row of what is retracted is malformed");
    if (!w->see(w->arg, &row))
      return 0;
  }
}

static int walk_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  const struct walk *w = arg;
  DB *db = w->p->index[INDEX_RETRACTED];
  DBC *cursor = NULL;
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(w->p, ret, err, "reading what is retracted");
  w->begin(w->arg);
  int rc = walk_rows(w, cursor, err);
  ret = cursor->close(cursor);
  return rc == 0 && ret != 0 ? penv_error(w->p, ret, err, "reading what is retracted") : rc;
}

int retracted_walk(struct projection *p, uint64_t block, uint64_t snapshot, void (*begin)(void *arg),
                   bool (*see)(void *arg, const struct retracted_row *row), void *arg, struct err *err) {
  struct walk w = {.p = p, .block = block, .snapshot = snapshot, .begin = begin, .see = see, .arg = arg};
  return txn_read(&p->env, walk_body, &w, err);
}

int retracted_row_read(struct projection *p, uint64_t block, struct retracted_row *row, bool *found, struct err *err) {
  unsigned char key[RETRACTED_KEY_SIZE], value[RETRACTED_VALUE_MAX];
  size_t len;
  retracted_key(key, block, row->seq);
  int rc = penv_get(p, p->index[INDEX_RETRACTED], span_of(key, sizeof(key)), value, sizeof(value), &len, found, err);
  if (rc == 0 && *found && !retracted_decode(span_of(value, len), row->words, &row->reinstated_seq))
    rc = penv_damaged(p, err, "a row of what is retracted is malformed");
  return rc;
}

/* Whether a retraction stands as of the snapshot. */
static bool stands(const struct retracted_row *row, uint64_t snapshot) {
  return row->reinstated_seq == 0 || row->reinstated_seq > snapshot;
}

/* --- blocks --- */

struct block_read {
  uint64_t snapshot;
  struct retracted_block *out;
};

static void begin_block(void *arg) {
  struct block_read *read = arg;
  memset(read->out, 0, sizeof(*read->out));
}

static bool see_block(void *arg, const struct retracted_row *row) {
  struct block_read *read = arg;
  for (size_t i = 0; i < RETRACTED_WORDS && stands(row, read->snapshot); i++)
    read->out->bits[i] |= row->words[i];
  return true;
}

int retracted_read(const struct reader *reader, uint64_t block, uint64_t snapshot, struct retracted_block *out,
                   struct err *err) {
  struct block_read read = {snapshot, out};
  int rc = retracted_walk(reader->projection, block, snapshot, begin_block, see_block, &read, err);
  for (size_t i = 0; i < RETRACTED_WORDS && rc == 0; i++)
    out->count += (size_t)__builtin_popcountll(out->bits[i]);
  return rc;
}

/* --- one entry --- */

struct marks_read {
  uint64_t seq, snapshot, after;
  struct retraction_mark *marks;
  size_t cap, count;
  bool standing_only;
};

static void begin_marks(void *arg) {
  struct marks_read *read = arg;
  read->count = 0;
}

static bool see_marks(void *arg, const struct retracted_row *row) {
  struct marks_read *read = arg;
  bool covered = row->words[read->seq % RETRACTED_BLOCK / 64] >> read->seq % 64 & 1;
  if (!covered || row->seq <= read->after || (read->standing_only && !stands(row, read->snapshot)))
    return true;
  read->marks[read->count++] =
      (struct retraction_mark){row->seq, stands(row, read->snapshot) ? 0 : row->reinstated_seq};
  return read->count < read->cap;
}

static int read_marks(const struct reader *reader, struct marks_read *read, struct err *err) {
  return retracted_walk(reader->projection, read->seq / RETRACTED_BLOCK, read->snapshot, begin_marks, see_marks, read,
                        err);
}

int retracted_marks(const struct reader *reader, uint64_t seq, uint64_t snapshot, uint64_t after,
                    struct retraction_mark *marks, size_t cap, size_t *count, struct err *err) {
  struct marks_read read = {.seq = seq, .snapshot = snapshot, .after = after, .marks = marks, .cap = cap};
  int rc = cap ? read_marks(reader, &read, err) : 0;
  *count = rc ? 0 : read.count;
  return rc;
}

int retracted_by(const struct reader *reader, uint64_t seq, uint64_t snapshot, uint64_t *retraction_seq,
                 struct err *err) {
  struct retraction_mark mark;
  struct marks_read read = {.seq = seq, .snapshot = snapshot, .marks = &mark, .cap = 1, .standing_only = true};
  int rc = read_marks(reader, &read, err);
  *retraction_seq = rc == 0 && read.count ? mark.seq : 0;
  return rc;
}

/* --- records --- */

struct list_read {
  struct projection *p;
  uint64_t from;  /* the first key that is looked for */
  bool backwards; /* from the last one below `from`, down */
  uint64_t snapshot;
  struct retraction_record *records;
  size_t cap, count;
};

static int take_record(struct list_read *read, struct span key, struct span value, struct err *err) {
  struct retraction_record *record = &read->records[read->count];
  if (key.len != RETRACTION_KEY_SIZE || value.len != RETRACTION_VALUE_SIZE)
    return penv_damaged(read->p, err, "a record of a retraction is malformed");
  record->seq = get_u64(key.data);
  retraction_decode(value.data, record);
  if (record->reinstated_seq > read->snapshot)
    record->reinstated_seq = record->reactivated = 0;
  read->count += record->seq <= read->snapshot;
  return 0;
}

static int list_rows(struct list_read *read, DBC *cursor, struct err *err) {
  unsigned char key_bytes[RETRACTION_KEY_SIZE], value_bytes[RETRACTION_VALUE_SIZE];
  DBT key = {.data = key_bytes, .size = sizeof(key_bytes), .ulen = sizeof(key_bytes), .flags = DB_DBT_USERMEM};
  DBT value = {.data = value_bytes, .ulen = sizeof(value_bytes), .flags = DB_DBT_USERMEM};
  put_u64(key_bytes, read->from);
  int ret = cursor->get(cursor, &key, &value, DB_SET_RANGE);
  if (read->backwards && (ret == 0 || ret == DB_NOTFOUND))
    ret = cursor->get(cursor, &key, &value, ret == 0 ? DB_PREV : DB_LAST);
  while (ret == 0) {
    int rc = take_record(read, span_of(key_bytes, key.size), span_of(value_bytes, value.size), err);
    if (rc || read->count == read->cap)
      return rc;
    ret = cursor->get(cursor, &key, &value, read->backwards ? DB_PREV : DB_NEXT);
  }
  return ret == DB_NOTFOUND ? 0 : penv_error(read->p, ret, err, "reading retractions");
}

static int list_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct list_read *read = arg;
  DB *db = read->p->index[INDEX_RETRACTIONS];
  DBC *cursor = NULL;
  read->count = 0;
  int ret = db->cursor(db, txn, &cursor, 0);
  if (ret != 0)
    return penv_error(read->p, ret, err, "reading retractions");
  int rc = list_rows(read, cursor, err);
  ret = cursor->close(cursor);
  return rc == 0 && ret != 0 ? penv_error(read->p, ret, err, "reading retractions") : rc;
}

int retraction_list(const struct reader *reader, uint64_t before, uint64_t snapshot, struct retraction_record *records,
                    size_t cap, size_t *count, struct err *err) {
  uint64_t from = snapshot < before ? snapshot + 1 : before;
  struct list_read read = {
      .p = reader->projection, .from = from, .backwards = true, .snapshot = snapshot, .records = records, .cap = cap};
  int rc = cap ? txn_read(&read.p->env, list_body, &read, err) : 0;
  *count = rc ? 0 : read.count;
  return rc;
}

int retracted_first(const struct reader *reader, uint64_t *seq, struct err *err) {
  struct retraction_record record;
  struct list_read read = {.p = reader->projection, .from = 0, .snapshot = UINT64_MAX, .records = &record, .cap = 1};
  int rc = txn_read(&read.p->env, list_body, &read, err);
  *seq = rc == 0 && read.count ? record.seq : 0;
  return rc;
}

int retraction_get(const struct reader *reader, uint64_t seq, uint64_t snapshot, struct retraction_record *out,
                   bool *found, struct err *err) {
  struct projection *p = reader->projection;
  unsigned char key[RETRACTION_KEY_SIZE], value[RETRACTION_VALUE_SIZE];
  size_t len;
  *found = false;
  if (seq > snapshot)
    return 0;
  put_u64(key, seq);
  int rc = penv_get(p, p->index[INDEX_RETRACTIONS], span_of(key, sizeof(key)), value, sizeof(value), &len, found, err);
  if (rc || !*found)
    return rc;
  struct list_read read = {.p = p, .snapshot = snapshot, .records = out};
  return take_record(&read, span_of(key, sizeof(key)), span_of(value, len), err);
}

int retraction_find(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot,
                    struct retraction_record *out, bool *found, struct err *err) {
  uint64_t seq;
  int rc = lookup_id(reader, id, snapshot, &seq, found, err);
  return rc == 0 && *found ? retraction_get(reader, seq, snapshot, out, found, err) : rc;
}
