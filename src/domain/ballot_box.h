/*
 * All topics whose sources may disagree, as of a snapshot: read from the ballots that the projections keep, in one
 * pass, and counted as the lenses count: the same heads, settings and groups as a query by `skeptic` has. What a ballot
 * does not tell (an older assertion that counts because the newest was retracted or is above the snapshot, a value that
 * is not kept) is looked up, source by source.
 */
#ifndef DOMAIN_BALLOT_BOX_H
#define DOMAIN_BALLOT_BOX_H

#include "base/segment.h"
#include "domain/lens.h"
#include "projection/snapshot.h"

struct ballot_box;

/* A topic with at least one head. Good until the next call. Heads have source, value (long ones as a digest: good to
 * compare, not to show), confidence, trust, seq; no id and no tier. Groups are formed. */
struct ballot_topic {
  struct span key; /* path 0 predicate 0: sorts as (path, predicate) */
  struct span path, predicate;
  struct candidates candidates;
};

/* Topics of concepts at or below `prefix` (len 0: of all), with `predicate` (data NULL: any); both are borrowed.
 * `snapshot` is at most mark->visible_seq. ERR_NOMEM. */
NODISCARD int ballot_box_open(const struct reader *reader, const struct watermark *mark, uint64_t snapshot,
                              struct span prefix, struct span predicate, struct ballot_box **out, struct err *err);
/* Takes NULL. */
void ballot_box_close(struct ballot_box *box);
/* The next topic, by (path, predicate), but for `prefix` itself, whose topics come first. ERR_NOMEM: more sources than
 * one answer may hold; ERR_BUSY, ERR_CORRUPT. */
NODISCARD int ballot_box_next(struct ballot_box *box, struct ballot_topic *topic, bool *found, struct err *err);

#endif
