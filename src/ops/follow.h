/*
 * Going on from one entry with the entries that follow it in log files, whoever copied them there: those of committed
 * transactions, each with a right checksum and id, the next seq, a later time. Nothing but the entries is taken, so it
 * does not matter where a log file begins, whether Berkeley DB could replay it, or what its pages look like meanwhile;
 * and a moment inside of a transaction (a batch) is as good as any.
 */
#ifndef OPS_FOLLOW_H
#define OPS_FOLLOW_H

#include "model/entry.h"
#include "model/timeline.h"
#include "store/wal_walk.h"

/* Given the next entry and its leaf hash. It sets *enough when it wants no more. */
typedef int follow_taker(void *ctx, const struct entry *entry, const unsigned char leaf[DIGEST_SIZE], bool *enough,
                         struct err *err);

struct follow {
  const struct history_meta *meta; /* the timelines of the history that is followed; borrowed */
  uint64_t seq, time_us;           /* of the last entry so far */
  unsigned char id[ID_SIZE];       /* of it, if seq > 0 */
  follow_taker *take;
  void *ctx;
  bool enough;              /* the taker has */
  bool contradicts;         /* a log has another entry as number `seq`: it is of another branch or history */
  uint64_t missing_to;      /* entries seq+1..missing_to are in no log, later ones are; 0: none are missing */
  uint64_t refused;         /* entries that follow in number and not in time, or whose id is wrong */
  struct wal_damage damage; /* the first one met; WAL_SOUND: none */
};

/* Takes what follows f->seq, up to `limit`, from the log files in `dir`. Damage is no error: *f tells. */
NODISCARD int follow_log(struct follow *f, const char *dir, uint64_t limit, struct err *err);

/* The table with the most timelines that the log files in `dir` hold (key 0 of assertions.kv); *found is false if they
 * hold none. The copy is the caller's (history_meta_free). */
NODISCARD int follow_find_meta(const char *dir, struct history_meta *out, bool *found, struct err *err);

#endif
