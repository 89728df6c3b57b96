/*
 * What a retraction or a reinstatement does, from the history and what was projected of it before. It needs every entry
 * before it in the indexes, so it is the first of its transaction.
 */
#ifndef PROJECTION_EFFECT_H
#define PROJECTION_EFFECT_H

#include "model/retraction.h"
#include "projection/cover.h"
#include "projection/index.h"

struct effect {
  struct retraction retraction;
  struct cover *made;              /* owned: computed here */
  const struct cover *cover;       /* of a retraction: `made`, or what came with the entry */
  struct retraction_record undone; /* of a reinstatement */
  bool undoes;
};

/* Computes it; for an assertion (or a reserved kind) it is nothing, as for a reinstatement whose retraction does not
 * exist or does not stand. Memory is the arena's. ERR_CORRUPT: the body cannot be. */
NODISCARD int effect_find(struct projection *projection, struct arena *arena, const struct entry *entry,
                          struct effect *out, struct err *err);
/* Shows it to the indexes. */
void effect_show(const struct effect *effect, struct item *item);
void effect_free(struct effect *effect);

#endif
