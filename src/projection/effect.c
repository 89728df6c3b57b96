#include "projection/effect.h"

#include "projection/internal.h"
#include "projection/retracted.h"
#include "projection/snapshot.h"

static int find_cover(struct projection *p, struct arena *arena, const struct entry *entry, struct effect *out,
                      struct err *err) {
  if (entry->cover && cover_snapshot(entry->cover) == entry->seq - 1) {
    out->cover = entry->cover;
    return 0;
  }
  const struct reader reader = {.store = p->store, .projection = p};
  int rc = retraction_read(arena, entry->body, &out->retraction, err);
  if (rc == 0)
    rc = cover_compute(&reader, &out->retraction, entry->seq - 1, &out->made, err);
  out->cover = out->made;
  return rc;
}

/* --- reinstatements --- */

struct others {
  uint64_t seq; /* of the retraction that is undone */
  uint64_t own[RETRACTED_WORDS], standing[RETRACTED_WORDS];
};

static void begin_others(void *arg) {
  struct others *others = arg;
  memset(others->own, 0, sizeof(others->own));
  memset(others->standing, 0, sizeof(others->standing));
}

static bool see_others(void *arg, const struct retracted_row *row) {
  struct others *others = arg;
  for (size_t i = 0; i < RETRACTED_WORDS; i++) {
    if (row->seq == others->seq)
      others->own[i] = row->words[i];
    else if (row->reinstated_seq == 0)
      others->standing[i] |= row->words[i];
  }
  return true;
}

/* How many become active again: those that no other standing retraction covers. */
static int count_reactivated(struct projection *p, struct retraction_record *record, uint64_t snapshot,
                             struct err *err) {
  struct others others = {.seq = record->seq};
  record->reactivated = 0;
  for (uint64_t block = record->first / RETRACTED_BLOCK; block <= record->last / RETRACTED_BLOCK; block++) {
    int rc = retracted_walk(p, block, snapshot, begin_others, see_others, &others, err);
    if (rc)
      return rc;
    for (size_t i = 0; i < RETRACTED_WORDS; i++)
      record->reactivated += (uint64_t)__builtin_popcountll(others.own[i] & ~others.standing[i]);
  }
  return 0;
}

static int find_undone(struct projection *p, struct arena *arena, const struct entry *entry, struct effect *out,
                       struct err *err) {
  const struct reader reader = {.store = p->store, .projection = p};
  struct reinstatement reinstatement;
  bool found = false;
  int rc = reinstatement_read(arena, entry->body, &reinstatement, err);
  if (rc == 0)
    rc = retraction_find(&reader, reinstatement.retraction_id, entry->seq - 1, &out->undone, &found, err);
  if (rc)
    return rc;
  /* The committer stores no such thing, but a history may be loaded from a file that anybody wrote. */
  if (!found || out->undone.reinstated_seq) {
    log_warn(p->log, "Entry %llu reinstates a retraction that %s: it has no effect", (unsigned long long)entry->seq,
             found ? "was reinstated before" : "does not exist");
    return 0;
  }
  rc = count_reactivated(p, &out->undone, entry->seq - 1, err);
  out->undone.reinstated_seq = entry->seq;
  out->undoes = true;
  return rc;
}

int effect_find(struct projection *p, struct arena *arena, const struct entry *entry, struct effect *out,
                struct err *err) {
  *out = (struct effect){0};
  switch (entry->kind) {
  case ENTRY_RETRACTION: return find_cover(p, arena, entry, out, err);
  case ENTRY_REINSTATEMENT: return find_undone(p, arena, entry, out, err);
  default: return 0;
  }
}

void effect_show(const struct effect *effect, struct item *item) {
  item->cover = effect->cover;
  item->undone = effect->undoes ? &effect->undone : NULL;
}

void effect_free(struct effect *effect) {
  cover_free(effect->made);
  *effect = (struct effect){0};
}
