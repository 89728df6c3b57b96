/*
 * The node's shared segment: one anonymous memory file (memfd_create(2)) that the supervisor makes once and hands to
 * every process it starts by descriptor. It outlives committer and workers, so state, watermarks and metrics survive
 * their death.
 */
#ifndef BASE_SEGMENT_H
#define BASE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metrics.h"

enum node_state { NODE_STARTING, NODE_RECOVERING, NODE_READY, NODE_STOPPING, NODE_FAILED };

/* What a client may see: all of it of one and the same snapshot. */
struct watermark {
  uint64_t visible_seq;          /* greatest seq that is durable, projected and published; 0: none */
  uint64_t time_us;              /* its time; 0 if none */
  uint64_t assertion_count;      /* assertions among entries 1..visible_seq */
  uint64_t settings_seq;         /* no entry above it, up to visible_seq, changes a setting (stemedb.*); 0: none does */
  uint64_t first_setting_seq;    /* below it, there is no setting; 0: there is none at all */
  uint64_t retraction_count;     /* among entries 1..visible_seq, reinstated ones included */
  uint64_t first_retraction_seq; /* below it, everything is active; 0: there is no retraction */
  unsigned char root[32];        /* RFC 9162 root over entries 1..visible_seq */
  unsigned char history_id[16];
  uint64_t branch;               /* of the current timeline */
  uint32_t timeline;             /* its number */
  uint32_t wal_file, wal_offset; /* all of the above is durable in the log up to here; 0: not told, nothing is archived
                                  */
};

struct segment;

/* Makes the segment; *fd is its descriptor, close-on-exec cleared (the caller owns it). */
NODISCARD int segment_create(struct segment **out, int *fd, struct err *err);
/* Maps a segment made by segment_create. ERR_INVALID if it is not one of this version. */
NODISCARD int segment_attach(int fd, struct segment **out, struct err *err);
/* Unmaps it. Takes NULL. */
void segment_close(struct segment *seg);

enum node_state segment_state(const struct segment *seg);
void segment_set_state(struct segment *seg, enum node_state state);
/* clock_monotonic() when the node (supervisor) started. */
uint64_t segment_started(const struct segment *seg);
/* Whether writes are refused for lack of disk space; set by the committer. */
bool segment_disk_full(const struct segment *seg);
void segment_set_disk_full(struct segment *seg, bool full);
/* Whether writes are refused because archive_mode is sync and the archive cannot be written; set by the committer. */
bool segment_stalled(const struct segment *seg);
void segment_set_stalled(struct segment *seg, bool stalled);

/* The committer's promise to be heard of again: the clock_monotonic() until which it will have called this again, 0 for
 * no promise (while it recovers). A supervisor that finds it broken takes the committer for hung. */
void segment_set_deadline(struct segment *seg, uint64_t deadline_us);
uint64_t segment_deadline(const struct segment *seg);

/* While a backup is being made, no log file may be removed from either environment. The supervisor wants it held, the
 * committer says that it is. Whoever removes log files must look at segment_log_hold() last. */
bool segment_log_hold(const struct segment *seg);
void segment_set_log_hold(struct segment *seg, bool wanted);
bool segment_log_held(const struct segment *seg);
void segment_set_log_held(struct segment *seg, bool held);

/* The greatest seq that is archived (0: none, or not known yet); set by the archiver, in archive_mode=sync by the
 * committer. */
uint64_t segment_archived_seq(const struct segment *seg);
void segment_set_archived_seq(struct segment *seg, uint64_t seq);

/* Publishes a watermark. One writer only (the committer). A reader never sees a mixture, and a writer killed in here
 * leaves the former one in force: it fills the slot that is not in use, then flips the index. */
void segment_publish(struct segment *seg, const struct watermark *mark);
/* The watermark in force; all zero before the first. */
void segment_watermark(const struct segment *seg, struct watermark *out);

/* The metrics area. */
struct metrics *segment_metrics(struct segment *seg);

#endif
