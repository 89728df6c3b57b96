/*
 * A scratch home: a private copy of a backup, or of a home whose node is stopped, in which a node can look into it.
 * Nothing of what is copied is written to; it is proven as a restore proves it (manifest, count, root; the root of the
 * indexes too), but keeps its timeline.
 */
#ifndef OPS_SCRATCH_H
#define OPS_SCRATCH_H

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"

#define SCRATCH_PREFIX "stemedb-look-"

struct scratch {
  struct config config; /* of the scratch home; home is empty before there is one */
  int lock;             /* on the home: who finds it unlocked may remove it */
};

/* What its stemedb.conf says beside `read_only = yes`. */
struct scratch_options {
  uint64_t api_port, dashboard_port; /* 0: not known yet */
  uint64_t workers;                  /* 0: one a processor */
  const char *tokens_file;           /* absolute; NULL: the scratch home's own, if one is put there */
  bool small;                        /* for a few questions: with a cache of the least size */
};

/* Makes an empty one in `parent`, where those that a killed process left are removed first. The caller ends it with
 * scratch_remove(), also after an error. */
NODISCARD int scratch_make(const char *parent, struct scratch *out, struct err *err);
/* Fills it from `source`, recovers and proves it. Damage is told to `log`, what recovery has to say to `quiet`.
 * ERR_CORRUPT, ERR_NOTFOUND, ERR_INVALID, ERR_BUSY (its node runs): the source; ERR_FULL: the disk. */
NODISCARD int scratch_fill(struct scratch *scratch, const char *source, const struct log *log, const struct log *quiet,
                           struct err *err);
/* Writes its stemedb.conf. */
NODISCARD int scratch_configure(struct scratch *scratch, const struct scratch_options *options, struct err *err);
/* Removes it; it must not be in use any more. */
NODISCARD int scratch_remove(struct scratch *scratch, struct err *err);

#endif
