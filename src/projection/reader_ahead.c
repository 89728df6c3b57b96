#include "projection/reader_ahead.h"

#include <pthread.h>
#include <stdlib.h>

enum { PIECE_BYTES = 4 << 20, /* of records read at once */ PIECE_ENTRIES = 16384, PIECES = 2 };

/* Belongs to the thread until it is full, then to the caller until it asks for the next one. */
struct piece {
  struct buf records;
  struct entry *entries;
  unsigned char (*leaves)[DIGEST_SIZE];
  size_t count; /* when full: 0 at the end */
  int code;     /* ERR_OK, or why it is the last one */
  struct err err;
  bool full;
};

/* The lock guards `full` of the pieces, and `stop`. */
struct reader_ahead {
  struct store *store;
  uint64_t next, to;
  pthread_t thread;
  bool running, stop;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct piece pieces[PIECES];
  size_t taken; /* pieces that the caller was given */
};

/* Reads and hashes one piece; none is left when its count is 0. */
static int fill(struct reader_ahead *a, struct piece *piece, struct err *err) {
  size_t count = 0;
  piece->count = 0;
  if (a->next > a->to)
    return 0;
  int rc = history_read(a->store, a->next, a->to, PIECE_BYTES, &piece->records, &count, err);
  if (rc == 0 && count == 0)
    rc = err_set(err, ERR_CORRUPT, "the history has no seq %llu", (unsigned long long)a->next);
  struct span rest = buf_span(&piece->records);
  for (; rc == 0 && rest.len && piece->count < PIECE_ENTRIES; piece->count++) {
    struct entry *entry = &piece->entries[piece->count];
    if ((rc = history_next(&rest, entry, err)) == 0 && (rc = entry_leaf(entry, piece->leaves[piece->count], err)) == 0)
      entry->leaf = piece->leaves[piece->count];
  }
  a->next += piece->count;
  return rc;
}

static void *run(void *argument) {
  struct reader_ahead *a = argument;
  bool go_on = true;
  for (size_t turn = 0; go_on; turn++) {
    struct piece *piece = &a->pieces[turn % PIECES];
    pthread_mutex_lock(&a->lock);
    while (piece->full && !a->stop)
      pthread_cond_wait(&a->changed, &a->lock);
    go_on = !a->stop;
    pthread_mutex_unlock(&a->lock);
    if (!go_on)
      break;
    piece->code = fill(a, piece, &piece->err);
    go_on = piece->code == 0 && piece->count > 0;
    pthread_mutex_lock(&a->lock);
    piece->full = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
  }
  return NULL;
}

int reader_ahead_start(struct store *store, uint64_t from, uint64_t to, struct reader_ahead **out, struct err *err) {
  struct reader_ahead *a = calloc(1, sizeof(*a));
  if (!a)
    return err_set(err, ERR_NOMEM, "no memory to read the history");
  *a = (struct reader_ahead){.store = store, .next = from, .to = to};
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->changed, NULL);
  bool ok = true;
  for (size_t i = 0; i < PIECES; i++) {
    struct piece *piece = &a->pieces[i];
    buf_init(&piece->records, PIECE_BYTES + 2 * ENTRY_MAX_SIZE);
    piece->entries = calloc(PIECE_ENTRIES, sizeof(*piece->entries));
    piece->leaves = calloc(PIECE_ENTRIES, sizeof(*piece->leaves));
    ok = ok && piece->entries && piece->leaves;
  }
  int failed = ok ? pthread_create(&a->thread, NULL, run, a) : 0;
  if (!ok || failed) {
    reader_ahead_stop(a);
    return ok ? err_sys(err, failed, "starting a thread that reads the history")
              : err_set(err, ERR_NOMEM, "no memory to read the history");
  }
  a->running = true;
  *out = a;
  return 0;
}

int reader_ahead_next(struct reader_ahead *a, const struct entry **entries, size_t *count, struct err *err) {
  pthread_mutex_lock(&a->lock);
  if (a->taken > 0) {
    a->pieces[(a->taken - 1) % PIECES].full = false;
    pthread_cond_broadcast(&a->changed);
  }
  struct piece *piece = &a->pieces[a->taken++ % PIECES];
  while (!piece->full)
    pthread_cond_wait(&a->changed, &a->lock);
  pthread_mutex_unlock(&a->lock);
  if (piece->code) {
    *err = piece->err;
    return piece->code;
  }
  *entries = piece->entries;
  *count = piece->count;
  return 0;
}

void reader_ahead_stop(struct reader_ahead *a) {
  if (!a)
    return;
  if (a->running) {
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
  }
  for (size_t i = 0; i < PIECES; i++) {
    buf_free(&a->pieces[i].records);
    free(a->pieces[i].entries);
    free(a->pieces[i].leaves);
  }
  pthread_cond_destroy(&a->changed);
  pthread_mutex_destroy(&a->lock);
  free(a);
}
