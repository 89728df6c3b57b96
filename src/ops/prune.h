/*
 * Which log files of a home nobody needs: no recovery (they lie before the last checkpoint), and nobody who wants to
 * bring the home back (they are archived, proven now, or a backup that stands was made after them). The history itself
 * needs no log: its pages are complete.
 */
#ifndef OPS_PRUNE_H
#define OPS_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"

enum { PRUNE_WHY = 768 };

struct prune_plan {
  uint32_t first, last; /* log files that are there; 0: none */
  uint32_t below;       /* those below can go; first: none */
  uint32_t archived;    /* how many of them are archived; the others are in the backup */
  uint64_t bytes;       /* that they take on the disk */
  char backup[64];      /* the name of that backup; "": none was looked for */
  char why[PRUNE_WHY];  /* why not more */
};

/* Looks, and removes nothing. `keep`: so many of the newest stay in any case (2 at least). `force`: what is neither
 * archived nor in a backup may go, too. */
NODISCARD int prune_look(const struct config *config, const struct log *log, uint32_t keep, bool force,
                         struct prune_plan *out, struct err *err);
/* Removes the files below plan->below: by the running node, which refuses while a backup is made (ERR_BUSY), or with
 * the home's lock. */
NODISCARD int prune_remove(const struct config *config, const struct prune_plan *plan, struct err *err);

#endif
