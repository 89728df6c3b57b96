/*
 * What a retraction covers: the seqs, up to its own, that its selection holds for, and by cascade what comes from them.
 *
 * It is computed in one of two ways, which must agree. As of a snapshot, from the indexes: posting lists and scans give
 * the selected ones as a set of bits; then one pass over derived.kv (keyed by the parent's seq; a child's seq is always
 * greater than its parents') gives the whole transitive closure. And entry by entry: a cover as of a snapshot is
 * extended by the entries that follow.
 *
 * Memory: sets of seqs in blocks, each at most one bit for each entry of the history; up to five of them while it is
 * computed (5/8 byte an entry: 63 MB for 100 million), two afterwards. Written in one transaction, so that its locks
 * bound it, see cover_fits().
 */
#ifndef PROJECTION_COVER_H
#define PROJECTION_COVER_H

#include "projection/snapshot.h"

struct cover;
struct retraction;

struct cover_counts {
  uint64_t covers_direct, covers_cascaded; /* all that is covered */
  uint64_t direct, cascaded;               /* of these, what was active: what becomes inactive */
};

/* The cover of `retraction` as of `snapshot` (all up to it must be projected). What `retraction` points to is borrowed
 * while the cover lives. */
NODISCARD int cover_compute(const struct reader *reader, const struct retraction *retraction, uint64_t snapshot,
                            struct cover **out, struct err *err);
/* Takes NULL. */
void cover_free(struct cover *cover);
/* The seq up to which entries were looked at. */
uint64_t cover_snapshot(const struct cover *cover);
/* Looks at the entry cover_snapshot()+1. All before it, but for entries that it cannot name as parents, must be
 * projected. No retraction or reinstatement may have come since the cover was computed. */
NODISCARD int cover_extend(struct cover *cover, const struct entry *entry, struct err *err);
/* The same for the entries of the history up to `to`. */
NODISCARD int cover_extend_to(struct cover *cover, uint64_t to, struct err *err);

/* Whether it can be written, and undone, in one transaction: it touches at most COVER_BLOCKS_MAX blocks of
 * RETRACTED_BLOCK seqs, and a transaction may lock as many pages. What reaches further must be retracted in parts, by
 * from_seq and to_seq. */
enum { COVER_BLOCKS_MAX = 16000 };
bool cover_fits(const struct cover *cover);
void cover_counts(const struct cover *cover, struct cover_counts *out);
/* The first covered seq greater than `after` (begin with 0); false if there is none. *direct: selected itself. */
bool cover_next(const struct cover *cover, uint64_t after, uint64_t *seq, bool *direct);

#endif
