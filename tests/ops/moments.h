/* A history in the making: entries of all kinds in transactions of any size, in a home of its own, with the root that
 * it had at each seq; backups of it, timelines, logs. In one process, without a node. */
#ifndef TESTS_OPS_MOMENTS_H
#define TESTS_OPS_MOMENTS_H

#include "base/config.h"
#include "base/log.h"
#include "model/digest.h"
#include "model/timeline.h"
#include "projection/merkle.h"
#include "store/store.h"

enum { MOMENTS_MAX = 4000 };

struct moments {
  char home[256];
  struct config config;
  struct log log;
  struct store *store; /* open while it is written to; NULL */
  struct merkle tree;  /* of entries 1..last_seq */
  uint64_t last_seq;
  uint64_t time_us[MOMENTS_MAX + 1];
  uint64_t assertions[MOMENTS_MAX + 1];
  unsigned char root[MOMENTS_MAX + 1][DIGEST_SIZE]; /* at each seq */
};

/* A fresh home in `folder` with an empty history; log files of 256 KiB. Aborts if anything fails, as all of these do.
 */
void moments_begin(struct moments *m, const char *folder);
/* Appends `count` entries (up to 1,000) in one transaction, assertions and retractions mixed, some large. */
void moments_append(struct moments *m, size_t count);
/* Closes the store, so that backups and restores can be made. moments_append() opens it again. */
void moments_close(struct moments *m);
/* After a restore of the home: forgets what came after its last entry, and goes on from there. */
void moments_go_on(struct moments *m);
/* A complete backup of the stopped home, with manifest, in `path`. */
void moments_backup(const struct moments *m, const char *path);
/* Archives all log files of the home in `target`, as they are now. */
void moments_archive(const struct moments *m, const char *target);
/* Whether the stopped home in `data_dir` starts with exactly entries 1..seq of the history, and its mark names seq. */
bool moments_is_at(const struct moments *m, const char *data_dir, uint64_t seq);
/* The table of timelines of a stopped home; the copy is the caller's. */
void moments_timelines(const struct moments *m, struct history_meta *out);

#endif
