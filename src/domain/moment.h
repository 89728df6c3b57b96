/* Moments: the seq or time that a reading is asked as of. */
#ifndef DOMAIN_MOMENT_H
#define DOMAIN_MOMENT_H

#include <stdint.h>

#include "base/segment.h"
#include "projection/snapshot.h"

enum moment_kind { MOMENT_NOW, MOMENT_SEQ, MOMENT_TIME };

struct moment {
  enum moment_kind kind;
  uint64_t seq;    /* of MOMENT_SEQ */
  int64_t time_us; /* of MOMENT_TIME: microseconds since 1970 */
};

/* Resolves a moment to a seq: NOW and later times give mark->visible_seq, before the first 0. ERR_INVALID: a seq above
 * the newest. ERR_BUSY, ERR_CORRUPT. */
NODISCARD int moment_resolve(const struct reader *reader, const struct watermark *mark, const struct moment *moment,
                             uint64_t *seq, struct err *err);
/* The time of the entry `seq` (1 to mark->visible_seq), in microseconds since 1970. */
NODISCARD int moment_time(const struct reader *reader, const struct watermark *mark, uint64_t seq, uint64_t *time_us,
                          struct err *err);

#endif
