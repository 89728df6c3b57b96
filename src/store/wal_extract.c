#include "store/wal_extract.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "model/entry.h"
#include "model/timeline.h"
#include "store/store.h"

/* Bodies of records, behind {type, transaction, previous LSN}. */
enum {
  OPCODE_AT = 16,
  MODE_SHIFT = 8, /* the mode is above the page type */
  MODE_ADD_ITEM = 1,
  MODE_ADD_BIG = 3,
  ADDREM_HEADER_AT = 36, /* opcode, file, page, index, bytes */
  BIG_PAGE_AT = 24,
  BIG_PREVIOUS_AT = 28,
  BIG_DATA_AT = 36,
  REGISTER_NAME_AT = 20,
  TXN_COMMIT = 1,
  ITEM_PAGE_AT = 4,
  ITEM_LENGTH_AT = 8,
  ENTRY_LENGTH_AT = 8,
  OPEN_MAX = 8, /* transactions at a time; the one writer has one */
  TRANSACTION_MAX = 1 << 30,
  META_HEADER = 25, /* magic, format, id, count */
  META_COUNT_AT = 21,
  META_TIMELINE = 28
};

#define ENTRY_MAGIC "STMe"
#define META_MAGIC "STMh"
enum { MAGIC_SIZE = 4 };

/* One transaction under way. */
struct transaction {
  uint32_t id;
  bool used;
  struct buf entries;           /* records, one after another */
  struct buf big;               /* the item that is being put on overflow pages */
  uint32_t big_first, big_last; /* its first and its last page so far */
};

struct wal_extract {
  struct transaction open[OPEN_MAX];
  unsigned next;
  const char *name;
  const unsigned char *file_id;
  struct wal_entries *entries;
  struct wal_files *files;
};

/* Takes {length u32, bytes} off *rest; false if it is not all there. */
static bool take_bytes(struct span *rest, struct span *out) {
  if (rest->len < 4 || bdb_u32(rest->data) > rest->len - 4)
    return false;
  *out = span_of(rest->data + 4, bdb_u32(rest->data));
  *rest = span_of(out->data + out->len, rest->len - 4 - out->len);
  return true;
}

static struct span body_from(const struct wal_record *record, size_t at) {
  return record->body.len < at ? (struct span){0} : span_of(record->body.data + at, record->body.len - at);
}

static void forget(struct transaction *t) {
  buf_reset(&t->entries);
  buf_reset(&t->big);
  t->used = false;
}

/* The transaction of a record; a record that begins one begins it anew, whatever had the same number. */
static struct transaction *find_transaction(struct wal_extract *x, const struct wal_record *record) {
  struct transaction *t = NULL;
  for (unsigned i = 0; i < OPEN_MAX; i++)
    if (x->open[i].used && x->open[i].id == record->transaction)
      t = &x->open[i];
  if (t && !record->begins)
    return t;
  if (!t)
    t = &x->open[x->next++ % OPEN_MAX];
  forget(t);
  t->used = true;
  t->id = record->transaction;
  return t;
}

/* A value of assertions.kv is one record or several (store/group.h); whatever is not that is none of ours. */
static void note_value(struct transaction *t, struct span value) {
  struct entry entry;
  struct err err;
  for (struct span rest = value; rest.len > 0;)
    if (history_next(&rest, &entry, &err))
      return;
  buf_add_span(&t->entries, value);
}

/* Where `magic` is next in *rest, which then begins there; false if it is nowhere. */
static bool find_magic(struct span *rest, const char *magic) {
  const unsigned char *at = rest->len ? memmem(rest->data, rest->len, magic, MAGIC_SIZE) : NULL;
  if (!at)
    return false;
  *rest = span_of(at, rest->len - (size_t)(at - rest->data));
  return true;
}

/* The image of a page that was split holds entries of earlier transactions, and some of this one's. The former are told
 * at once: they are committed. */
static int note_image(struct wal_extract *x, const struct transaction *t, struct span body, struct err *err) {
  struct entry entry;
  struct err ignored;
  while (x->entries->image && find_magic(&body, ENTRY_MAGIC)) {
    struct span rest = body;
    if (history_next(&rest, &entry, &ignored)) {
      body = span_of(body.data + MAGIC_SIZE, body.len - MAGIC_SIZE);
      continue;
    }
    body = rest;
    bool own = t->entries.len > 0 && memmem(t->entries.data, t->entries.len, entry.record.data, entry.record.len);
    if (!own && x->entries->image(x->entries->ctx, entry.record, err))
      return err->code;
  }
  return 0;
}

static int note_meta(struct wal_extract *x, struct span body, struct err *err) {
  for (; x->entries->meta && find_magic(&body, META_MAGIC); body = span_of(body.data + 1, body.len - 1)) {
    size_t count = body.len > META_HEADER ? get_u32(body.data + META_COUNT_AT) : TIMELINES_MAX + 1;
    size_t len = META_HEADER + count * META_TIMELINE + 4;
    struct history_meta meta;
    struct err ignored;
    if (count > TIMELINES_MAX || len > body.len || history_meta_decode(span_of(body.data, len), &meta, &ignored))
      continue;
    history_meta_free(&meta);
    if (x->entries->meta(x->entries->ctx, span_of(body.data, len), err))
      return err->code;
  }
  return 0;
}

/* An item of a page; a large one was on pages of its own before. */
static int note_item(struct wal_extract *x, struct transaction *t, const struct wal_record *record, struct err *err) {
  struct span rest = body_from(record, ADDREM_HEADER_AT), header, item;
  int code = 0;
  if (!take_bytes(&rest, &header) || !take_bytes(&rest, &item) ||
      bdb_u32(record->body.data + OPCODE_AT) >> MODE_SHIFT != MODE_ADD_ITEM)
    return 0;
  if (header.len == ITEM_OVERFLOW_SIZE && header.data[ITEM_TYPE_AT] == ITEM_OVERFLOW) {
    if (bdb_u32(header.data + ITEM_PAGE_AT) == t->big_first && bdb_u32(header.data + ITEM_LENGTH_AT) == t->big.len) {
      note_value(t, buf_span(&t->big));
      code = note_meta(x, buf_span(&t->big), err);
    }
    buf_reset(&t->big);
  } else
    note_value(t, item);
  return code;
}

/* A piece of a large item: the first one has no previous page. */
static void note_big(struct transaction *t, const struct wal_record *record) {
  struct span rest = body_from(record, BIG_DATA_AT), piece;
  if (!take_bytes(&rest, &piece) || bdb_u32(record->body.data + OPCODE_AT) >> MODE_SHIFT != MODE_ADD_BIG)
    return;
  uint32_t page = bdb_u32(record->body.data + BIG_PAGE_AT);
  uint32_t previous = bdb_u32(record->body.data + BIG_PREVIOUS_AT);
  if (previous == 0) {
    buf_reset(&t->big);
    t->big_first = page;
  } else if (t->big.len == 0 || previous != t->big_last) {
    buf_reset(&t->big); /* a piece was lost */
    return;
  }
  t->big_last = page;
  buf_add_span(&t->big, piece);
}

static int end_transaction(struct wal_extract *x, struct transaction *t, bool committed, struct err *err) {
  int code = buf_check(&t->entries, "a transaction of the log", err);
  wal_entry_visitor *visit = committed ? x->entries->committed : x->entries->undone;
  struct span rest = buf_span(&t->entries);
  while (!code && visit && rest.len > 0) {
    struct entry entry;
    size_t len = get_u32(rest.data + ENTRY_LENGTH_AT); /* note_value() checked it */
    code = entry_peek(span_of(rest.data, len), &entry, err);
    if (!code)
      code = visit(x->entries->ctx, entry.record, err);
    rest = span_of(rest.data + len, rest.len - len);
  }
  forget(t);
  return code;
}

static void note_register(struct wal_extract *x, const struct wal_record *record) {
  struct span rest = body_from(record, REGISTER_NAME_AT), name, id;
  if (!take_bytes(&rest, &name) || !take_bytes(&rest, &id) || id.len != META_FILE_ID_SIZE)
    return;
  if (name.len > 0 && name.data[name.len - 1] == '\0') /* the length counts the NUL */
    name.len--;
  if (!span_equal(name, span_str(x->name)))
    return;
  if (!x->file_id || memcmp(id.data, x->file_id, META_FILE_ID_SIZE) == 0)
    x->files->own = true;
  else
    x->files->foreign = true;
}

static int note_record(void *ctx, const struct wal_record *record, struct err *err) {
  struct wal_extract *x = ctx;
  x->entries->at = record->lsn;
  switch (record->type) {
  case LOG_DB_ADDREM: {
    int code = note_item(x, find_transaction(x, record), record, err);
    return code ? code : note_meta(x, record->body, err);
  }
  case LOG_BAM_SPLIT: {
    int code = note_image(x, find_transaction(x, record), record->body, err);
    return code ? code : note_meta(x, record->body, err);
  }
  case LOG_DB_BIG: note_big(find_transaction(x, record), record); return 0;
  case LOG_DBREG_REGISTER: note_register(x, record); return 0;
  case LOG_TXN_REGOP: {
    bool committed = record->body.len >= OPCODE_AT + 4 && bdb_u32(record->body.data + OPCODE_AT) == TXN_COMMIT;
    return end_transaction(x, find_transaction(x, record), committed, err);
  }
  default:
    if (record->begins && record->transaction != 0)
      (void)find_transaction(x, record);
    return 0;
  }
}

static int note_damage(void *ctx, const struct wal_damage *damage, struct err *err) {
  struct wal_extract *x = ctx;
  return x->entries->damage ? x->entries->damage(x->entries->ctx, damage, err) : 0;
}

int wal_extract_all(const char *dir, const char *name, const unsigned char *file_id, struct wal_entries *entries,
                    struct walscan *scan, struct wal_files *files, struct err *err) {
  struct walscan own;
  struct wal_extract x = {.name = name, .file_id = file_id, .entries = entries, .files = files};
  struct wal_visitor visitor = {&x, note_record, note_damage};
  *files = (struct wal_files){0};
  for (unsigned i = 0; i < OPEN_MAX; i++) {
    buf_init(&x.open[i].entries, TRANSACTION_MAX);
    buf_init(&x.open[i].big, ENTRY_MAX_SIZE);
  }
  int code = walscan_run(dir, false, &visitor, scan ? scan : &own, err);
  for (unsigned i = 0; i < OPEN_MAX; i++) {
    if (!code && x.open[i].used)
      code = end_transaction(&x, &x.open[i], false, err);
    buf_free(&x.open[i].entries);
    buf_free(&x.open[i].big);
  }
  return code;
}

int wal_extract_run(const char *dir, const char *name, const unsigned char *file_id, wal_entry_visitor *visit,
                    void *ctx, struct wal_files *files, struct err *err) {
  struct wal_entries entries = {.ctx = ctx, .committed = visit};
  return wal_extract_all(dir, name, file_id, &entries, NULL, files, err);
}
