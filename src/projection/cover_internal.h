/* What the files of covers share, and the index that writes them. */
#ifndef PROJECTION_COVER_INTERNAL_H
#define PROJECTION_COVER_INTERNAL_H

#include "base/arena.h"
#include "model/retraction.h"
#include "projection/cover.h"
#include "projection/internal.h"
#include "projection/seqset.h"

struct cover {
  struct reader reader;
  const struct retraction *retraction;         /* borrowed */
  uint64_t snapshot;                           /* entries up to it were looked at */
  struct seqset all, direct;                   /* direct is part of all */
  uint64_t inactive_direct, inactive_cascaded; /* of these, what was inactive before */
  struct arena *scratch;                       /* one entry's */
};

/* --- cover_select.c --- */

/* Finds what is selected itself: cover->direct. */
NODISCARD int cover_select(struct cover *cover, struct err *err);

/* --- cover_cascade.c --- */

/* cover->all: what is selected, and by cascade what comes from it. */
NODISCARD int cover_cascade(struct cover *cover, struct err *err);

#endif
