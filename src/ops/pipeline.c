#include "ops/pipeline.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 3, RECORDS_MAX = PIECE_BYTES + 2 * ENTRY_MAX_SIZE };

struct piece {
  struct buf bytes;
  struct piece_item items[PIECE_ITEMS];
  size_t count;
};

/* Pieces go round: filled by the caller, hashed by the thread, used by the caller. */
struct pipeline {
  pipeline_sink *sink;
  void *ctx;
  struct piece *pieces[PIECES];
  size_t used;           /* pieces that went through the sink */
  size_t filled, hashed; /* pieces so far; guarded by the lock */
  bool running, stop;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

static void hash_item(const struct piece *piece, struct piece_item *item) {
  struct err err;
  item->decoded = entry_decode(span_of(piece->bytes.data + item->offset, item->len), &item->entry, &err) == 0;
  item->verified = item->decoded && entry_verify(&item->entry, item->leaf, &err) == 0;
  if (!item->verified)
    snprintf(item->why, sizeof(item->why), "%.*s", WHY_SIZE - 1, err.text);
}

static void *hash_pieces(void *argument) {
  struct pipeline *p = argument;
  pthread_mutex_lock(&p->lock);
  for (;;) {
    while (p->hashed == p->filled && !p->stop)
      pthread_cond_wait(&p->changed, &p->lock);
    if (p->hashed == p->filled)
      break;
    struct piece *piece = p->pieces[p->hashed % PIECES];
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < piece->count; i++)
      hash_item(piece, &piece->items[i]);
    pthread_mutex_lock(&p->lock);
    p->hashed++;
    pthread_cond_broadcast(&p->changed);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

static void hand_over(struct pipeline *p) {
  pthread_mutex_lock(&p->lock);
  p->filled++;
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* Waits for the oldest piece that is under way, and uses it. */
static int use_oldest(struct pipeline *p, struct err *err) {
  struct piece *piece = p->pieces[p->used % PIECES];
  int rc = 0;
  pthread_mutex_lock(&p->lock);
  while (p->hashed <= p->used)
    pthread_cond_wait(&p->changed, &p->lock);
  pthread_mutex_unlock(&p->lock);
  for (size_t i = 0; i < piece->count && !rc; i++)
    rc = p->sink(p->ctx, &piece->items[i], err);
  p->used++;
  piece->count = 0;
  buf_reset(&piece->bytes);
  return rc;
}

int pipeline_add(struct pipeline *p, struct span record, const struct place *place, struct err *err) {
  struct piece *piece = p->pieces[p->filled % PIECES];
  struct piece_item *item = &piece->items[piece->count++];
  item->place = *place;
  item->offset = piece->bytes.len;
  item->len = record.len;
  buf_add_span(&piece->bytes, record);
  if (piece->count < PIECE_ITEMS && piece->bytes.len < PIECE_BYTES)
    return 0;
  int rc = buf_check(&piece->bytes, "entries", err);
  if (rc)
    return rc;
  hand_over(p);
  return p->filled - p->used == PIECES ? use_oldest(p, err) : 0;
}

int pipeline_flush(struct pipeline *p, struct err *err) {
  int rc = buf_check(&p->pieces[p->filled % PIECES]->bytes, "entries", err);
  if (!rc && p->pieces[p->filled % PIECES]->count > 0)
    hand_over(p);
  while (!rc && p->used < p->filled)
    rc = use_oldest(p, err);
  return rc;
}

int pipeline_open(pipeline_sink *sink, void *ctx, struct pipeline **out, struct err *err) {
  struct pipeline *p = calloc(1, sizeof(*p));
  int rc = p ? 0 : err_set(err, ERR_NOMEM, "no memory to read entries");
  if (rc)
    return rc;
  *p = (struct pipeline){.sink = sink, .ctx = ctx};
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->changed, NULL);
  for (size_t i = 0; i < PIECES && !rc; i++) {
    p->pieces[i] = malloc(sizeof(struct piece));
    if (!p->pieces[i]) {
      rc = err_set(err, ERR_NOMEM, "no memory to read entries");
      break;
    }
    p->pieces[i]->count = 0;
    buf_init(&p->pieces[i]->bytes, RECORDS_MAX);
  }
  int failed = rc ? 0 : pthread_create(&p->thread, NULL, hash_pieces, p);
  p->running = !rc && !failed;
  if (failed)
    rc = err_sys(err, failed, "starting a thread that hashes");
  if (rc)
    pipeline_close(p);
  else
    *out = p;
  return rc;
}

void pipeline_close(struct pipeline *p) {
  if (!p)
    return;
  if (p->running) {
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
  }
  for (size_t i = 0; i < PIECES; i++) {
    if (p->pieces[i])
      buf_free(&p->pieces[i]->bytes);
    free(p->pieces[i]);
  }
  pthread_cond_destroy(&p->changed);
  pthread_mutex_destroy(&p->lock);
  free(p);
}
