/* Which entries are not active as of a snapshot, for one pass that asks about very many of them in any order. Blocks
 * are read when they are first asked for, and kept: at most 520 bytes for 4,096 entries, nothing while nothing was ever
 * retracted. */
#ifndef DOMAIN_INACTIVE_H
#define DOMAIN_INACTIVE_H

#include "base/segment.h"
#include "projection/snapshot.h"

struct inactive {
  const struct reader *reader;
  uint64_t snapshot;
  bool none; /* as of the snapshot, nothing was ever retracted */
  struct retracted_block **blocks;
  uint64_t count;
};

/* `snapshot` is at most mark->visible_seq. ERR_NOMEM. */
NODISCARD int inactive_open(struct inactive *inactive, const struct reader *reader, const struct watermark *mark,
                            uint64_t snapshot, struct err *err);
void inactive_close(struct inactive *inactive);
/* Block number seq / RETRACTED_BLOCK; NULL if all of it is active. */
NODISCARD int inactive_block(struct inactive *inactive, uint64_t block, const struct retracted_block **out,
                             struct err *err);
/* Whether `seq`, at most the snapshot, is inactive. */
static inline int inactive_has(struct inactive *inactive, uint64_t seq, bool *has, struct err *err) {
  const struct retracted_block *block = NULL;
  *has = false;
  if (inactive->none)
    return 0;
  int code = inactive_block(inactive, seq / RETRACTED_BLOCK, &block, err);
  *has = !code && block && retracted_has(block, seq);
  return code;
}

#endif
