/* What a history holds, computed from its entries alone: the number of assertions, and the RFC 9162 root. Two copies
 * that agree in it are the same. */
#ifndef OPS_PROOF_H
#define OPS_PROOF_H

#include <stdint.h>

#include "base/err.h"
#include "model/digest.h"
#include "model/timeline.h"
#include "store/store.h"

struct proof {
  uint64_t last_seq, assertion_count;
  unsigned char root[DIGEST_SIZE];
  char history[HISTORY_NAME_SIZE];
};

/* Reads and hashes every entry; two threads. ERR_CORRUPT if one is missing or damaged. */
NODISCARD int proof_compute(struct store *store, struct proof *out, struct err *err);

#endif
