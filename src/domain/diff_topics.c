#include "domain/diff_topics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/assertion.h"
#include "model/name.h"

enum {
  EVENTS_MAX = 1000, /* more touched assertions than this are not looked up one by one: each costs a group of records */
  SEQS_READ = 1024,
  KEYS_MEMORY = 64 << 20,
  KEY_MAX = NAME_PATH_MAX + 1 + NAME_PREDICATE_MAX + 1
};

static const char predicate_prefix[] = "predicate/";

struct diff_topics {
  const struct reader *reader;
  const struct diff_request *request;
  struct inactive *before, *after;
  struct arena *memory, *parse;
  struct buf record;
  /* touched topics, if they are few */
  bool few;
  uint64_t *seqs;
  size_t seq_count;
  struct span *keys; /* sorted, each once, in the arena */
  size_t key_count, at;
  /* else: a walk over all of them */
  struct concept_scan *scan;
  struct concept_row row;
  bool found;
  size_t key_len;
  unsigned char key[KEY_MAX];
};

static bool in_subtree(struct span path, struct span root) {
  return root.len == 0 || (path.len >= root.len && memcmp(path.data, root.data, root.len) == 0 &&
                           (path.len == root.len || path.data[root.len] == '/'));
}

static struct span make_key(unsigned char *out, struct span path, struct span predicate) {
  memcpy(out, path.data, path.len);
  out[path.len] = 0;
  memcpy(out + path.len + 1, predicate.data, predicate.len);
  out[path.len + 1 + predicate.len] = 0;
  return span_of(out, path.len + 1 + predicate.len + 1);
}

/* --- what was touched --- */

static void add_seq(struct diff_topics *t, uint64_t seq) {
  t->few = t->few && t->seq_count < EVENTS_MAX;
  if (t->few)
    t->seqs[t->seq_count++] = seq;
}

/* Assertions up to `from` that were active at one of the moments alone. */
static int add_changed(struct diff_topics *t, struct err *err) {
  const uint64_t from = t->request->from, last = from / RETRACTED_BLOCK;
  int code = 0;
  for (uint64_t b = 0; t->few && b <= last && !code; b++) {
    const struct retracted_block *x = NULL, *y = NULL;
    code = inactive_block(t->before, b, &x, err);
    if (!code)
      code = inactive_block(t->after, b, &y, err);
    for (size_t w = 0; !code && (x || y) && w < RETRACTED_BLOCK / 64; w++) {
      uint64_t bits = (x ? x->bits[w] : 0) ^ (y ? y->bits[w] : 0);
      for (; bits; bits &= bits - 1) {
        const uint64_t seq = b * RETRACTED_BLOCK + w * 64 + (uint64_t)__builtin_ctzll(bits);
        if (seq <= from)
          add_seq(t, seq);
      }
    }
  }
  return code;
}

static int add_list(struct diff_topics *t, enum posting list, struct span term, struct err *err) {
  uint64_t seqs[SEQS_READ], after = 0;
  size_t count = SEQS_READ;
  int code = 0;
  while (!code && t->few && count == SEQS_READ) {
    code = posting_read(t->reader, list, term, after, t->request->to, seqs, SEQS_READ, &count, err);
    for (size_t i = 0; !code && i < count; i++)
      add_seq(t, seqs[i]);
    after = count ? seqs[count - 1] : after;
  }
  return code;
}

/* A setting bears upon all that its source said, or all with its predicate. */
static int add_setting(struct diff_topics *t, const struct assertion *a, struct err *err) {
  const size_t len = sizeof(predicate_prefix) - 1;
  const struct span path = a->concept_path;
  int code = add_list(t, POSTING_SOURCE, path, err);
  if (!code && path.len > len && memcmp(path.data, predicate_prefix, len) == 0)
    code = add_list(t, POSTING_PREDICATE, span_of(path.data + len, path.len - len), err);
  return code;
}

static int add_topic(struct diff_topics *t, const struct assertion *a, struct err *err) {
  unsigned char bytes[KEY_MAX];
  if (!in_subtree(a->concept_path, t->request->prefix))
    return 0;
  const struct span key = make_key(bytes, a->concept_path, a->predicate);
  if (span_compare(key, t->request->after) <= 0)
    return 0;
  t->keys[t->key_count] = arena_copy(t->memory, key);
  t->few = t->keys[t->key_count].data != NULL;
  t->key_count += t->few;
  (void)err;
  return 0;
}

/* Looks the i-th touched entry up; a setting adds to those behind it. */
static int look_up(struct diff_topics *t, size_t i, bool settings, struct err *err) {
  struct entry entry;
  struct assertion a;
  bool found = false;
  int code = history_get(t->reader->store, t->seqs[i], &t->record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", t->seqs[i]);
  if (code || entry.kind != ENTRY_ASSERTION)
    return code;
  arena_reset(t->parse);
  code = assertion_read(t->parse, entry.body, &a, err);
  if (!code)
    code = add_topic(t, &a, err);
  if (!code && settings && name_is_reserved(a.predicate))
    code = add_setting(t, &a, err);
  return code;
}

static int compare_keys(const void *left, const void *right) {
  return span_compare(*(const struct span *)left, *(const struct span *)right);
}

static int collect(struct diff_topics *t, struct err *err) {
  const struct diff_request *r = t->request;
  t->few = r->to - r->from <= EVENTS_MAX;
  if (!t->few)
    return 0;
  t->seqs = arena_calloc(t->memory, EVENTS_MAX, sizeof(*t->seqs));
  t->keys = arena_calloc(t->memory, EVENTS_MAX, sizeof(*t->keys));
  if (!t->seqs || !t->keys)
    return err_set(err, ERR_NOMEM, "no memory to compare");
  for (uint64_t seq = r->from + 1; seq <= r->to; seq++)
    add_seq(t, seq);
  int code = add_changed(t, err);
  const size_t touched = t->seq_count;
  for (size_t i = 0; t->few && !code && i < t->seq_count; i++)
    code = look_up(t, i, i < touched, err);
  if (code || !t->few)
    return code;
  if (t->key_count)
    qsort(t->keys, t->key_count, sizeof(*t->keys), compare_keys);
  size_t kept = 0;
  for (size_t i = 0; i < t->key_count; i++)
    if (kept == 0 || !span_equal(t->keys[kept - 1], t->keys[i]))
      t->keys[kept++] = t->keys[i];
  t->key_count = kept;
  return 0;
}

/* --- all topics --- */

/* To the first topic at or after the key, which is path 0 predicate 0, or the beginning of one. */
static int walk_from(struct diff_topics *t, struct span path, struct span predicate, struct err *err) {
  const struct span any = {NULL, 0};
  return concept_scan_seek(t->scan, path, predicate, any, UINT64_MAX, &t->row, &t->found, err);
}

static int walk_begin(struct diff_topics *t, struct err *err) {
  const struct span after = t->request->after, prefix = t->request->prefix, none = {NULL, 0};
  int code = concept_scan_open(t->reader, &t->scan, err);
  if (code || after.len == 0)
    return code ? code : walk_from(t, prefix, none, err);
  const unsigned char *zero = memchr(after.data, 0, after.len);
  const size_t path_len = zero ? (size_t)(zero - after.data) : after.len;
  const struct span path = span_of(after.data, path_len);
  const struct span predicate =
      after.len > path_len + 2 ? span_of(after.data + path_len + 1, after.len - path_len - 2) : none;
  code = walk_from(t, path, predicate, err);
  if (!code && t->found && span_equal(t->row.path, path) && span_equal(t->row.predicate, predicate))
    code = concept_scan_next_predicate(t->scan, &t->row, &t->found, err);
  return code;
}

/* Passes over what sorts between the prefix itself and what is below it. */
static int walk_into(struct diff_topics *t, struct err *err) {
  const struct span prefix = t->request->prefix, none = {NULL, 0};
  int code = 0;
  if (t->found && !in_subtree(t->row.path, prefix) && t->row.path.len > prefix.len &&
      memcmp(t->row.path.data, prefix.data, prefix.len) == 0 && t->row.path.data[prefix.len] < '/') {
    unsigned char path[NAME_PATH_MAX + 1];
    memcpy(path, prefix.data, prefix.len);
    path[prefix.len] = '/';
    code = walk_from(t, span_of(path, prefix.len + 1), none, err);
  }
  t->found = !code && t->found && in_subtree(t->row.path, prefix);
  return code;
}

static int walk_next(struct diff_topics *t, struct span *key, size_t *path_len, bool *found, struct err *err) {
  int code = t->scan ? concept_scan_next_predicate(t->scan, &t->row, &t->found, err) : walk_begin(t, err);
  if (!code)
    code = walk_into(t, err);
  *found = !code && t->found;
  if (*found) {
    *path_len = t->row.path.len;
    *key = make_key(t->key, t->row.path, t->row.predicate);
  }
  return code;
}

/* --- both --- */

int diff_topics_open(const struct reader *reader, const struct diff_request *request, struct inactive *before,
                     struct inactive *after, struct diff_topics **out, struct err *err) {
  struct diff_topics *t = calloc(1, sizeof(*t));
  if (!t)
    return err_set(err, ERR_NOMEM, "no memory to compare");
  t->reader = reader;
  t->request = request;
  t->before = before;
  t->after = after;
  t->memory = arena_create(KEYS_MEMORY);
  t->parse = arena_create(ENTRY_MAX_SIZE);
  buf_init(&t->record, ENTRY_MAX_SIZE);
  int code = t->memory && t->parse ? collect(t, err) : err_set(err, ERR_NOMEM, "no memory to compare");
  if (code) {
    diff_topics_close(t);
    return code;
  }
  *out = t;
  return 0;
}

void diff_topics_close(struct diff_topics *t) {
  if (!t)
    return;
  concept_scan_close(t->scan);
  buf_free(&t->record);
  arena_free(t->parse);
  arena_free(t->memory);
  free(t);
}

int diff_topics_next(struct diff_topics *t, struct span *key, size_t *path_len, bool *found, struct err *err) {
  if (!t->few)
    return walk_next(t, key, path_len, found, err);
  *found = t->at < t->key_count;
  if (*found) {
    *key = t->keys[t->at++];
    const unsigned char *zero = memchr(key->data, 0, key->len);
    *path_len = zero ? (size_t)(zero - key->data) : 0;
  }
  return 0;
}
