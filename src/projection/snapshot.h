/*
 * Reading as of one moment. A snapshot is a seq: what is above it does not exist. Consistent over any number of calls,
 * since nothing below ever changes. All functions are safe beside the one writer; BUSY (a deadlock that was retried in
 * vain) is possible anywhere.
 */
#ifndef PROJECTION_SNAPSHOT_H
#define PROJECTION_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/proof.h"
#include "projection/projection.h"

struct assertion;

struct cover;
struct retraction;
struct watermark;

/* A retraction that is taken for granted, though it is not stored: what would be read after it. */
struct assumption {
  const struct cover *cover; /* of the retraction as of the snapshot that is read */
  const struct retraction *retraction;
};

/* Where to read: borrowed, shared by all requests of a worker. A copy of it may have the last two. */
struct reader {
  struct store *store;
  struct projection *projection;
  const struct watermark *mark;     /* not older than any snapshot read: what it tells need not be looked up; or NULL */
  const struct assumption *assumed; /* by the scan of active assertions alone; or NULL */
};

/* --- lookup.c --- */

/* The seq of the entry with this id, at most `snapshot`. Compares the whole id. */
NODISCARD int lookup_id(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
                        bool *found, struct err *err);
/* The same for the id of an assertion: a retraction or reinstatement is not found. */
NODISCARD int lookup_assertion(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot,
                               uint64_t *seq, bool *found, struct err *err);
/* What an Idempotency-Key (scope, hash) of an assert, retract or reinstate stored first. `content` is the rolling
 * digest of its bodies: d1 = SHA-256(body1), dn = SHA-256(d(n-1) || SHA-256(bodyn)). */
struct key_record {
  unsigned char content[DIGEST_SIZE];
  uint64_t first_seq, last_seq;
};
NODISCARD int lookup_key(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
                         struct key_record *out, bool *found, struct err *err);
/* The seq under which a keyed import stored a line with this SHA-256 of its body. */
NODISCARD int lookup_import_line(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
                                 const unsigned char body[DIGEST_SIZE], uint64_t *seq, bool *found, struct err *err);

/* --- postings_read.c --- */

/* What entries are listed by: predicate (empty: those that are no assertions); source (empty: anonymous); the seq (u64,
 * big-endian) of an assertion that they are derived from; batch (16 bytes). */
enum posting { POSTING_PREDICATE, POSTING_SOURCE, POSTING_DERIVED, POSTING_BATCH, POSTING_ALIAS, POSTING_FIRSTS };
/* The seqs of a term, greater than `after_seq` and at most `snapshot`, ascending: the first `cap` (> 0) of
 * them into seqs. *count is less than `cap` only if there are no more. */
NODISCARD int posting_read(const struct reader *reader, enum posting list, struct span term, uint64_t after_seq,
                           uint64_t snapshot, uint64_t *seqs, size_t cap, size_t *count, struct err *err);

/* The first term of a list that is not less than `from` by bytes, into out[cap] (it is a term that fits, or
 * ERR_CORRUPT); whenever it was first used. */
NODISCARD int posting_next_term(const struct reader *reader, enum posting list, struct span from, unsigned char *out,
                                size_t cap, size_t *len, bool *found, struct err *err);

/* --- derivations: lookup.c --- */

/* The assertions that are derived_from the one with seq `parent`, as posting_read(). */
NODISCARD int derived_children(const struct reader *reader, uint64_t parent, uint64_t after_seq, uint64_t snapshot,
                               uint64_t *seqs, size_t cap, size_t *count, struct err *err);
/* The seqs of what `assertion` is derived from, in the order in which it names them, into
 * seqs[ASSERTION_DERIVED_MAX]; 0 for one that is not there. */
NODISCARD int derived_parents(const struct reader *reader, const struct assertion *assertion, uint64_t *seqs,
                              struct err *err);

/* --- retracted_read.c: what is not active. An entry is inactive as of a snapshot if a retraction up to it covers it
 * that stands, that is, was not reinstated up to it. --- */

/* Inactivity is read in blocks of seqs: seq is bit seq % RETRACTED_BLOCK of block seq / RETRACTED_BLOCK. */
enum { RETRACTED_BLOCK = 4096 };
struct retracted_block {
  size_t count; /* of inactive ones; 0: none, RETRACTED_BLOCK: all */
  uint64_t bits[RETRACTED_BLOCK / 64];
};
/* The inactive ones among the seqs of a block, as of `snapshot`. One walk over the block's rows, one for each
 * retraction that covers any of it. */
NODISCARD int retracted_read(const struct reader *reader, uint64_t block, uint64_t snapshot,
                             struct retracted_block *out, struct err *err);
static inline bool retracted_has(const struct retracted_block *block, uint64_t seq) {
  return block->bits[seq % RETRACTED_BLOCK / 64] >> seq % 64 & 1;
}
/* The seq of the first retraction of all, 0 if there is none: as of a snapshot below it everything is active. It is in
 * the watermark, too (first_retraction_seq). */
NODISCARD int retracted_first(const struct reader *reader, uint64_t *seq, struct err *err);

/* A retraction that covers an entry. */
struct retraction_mark {
  uint64_t seq;            /* of the retraction */
  uint64_t reinstated_seq; /* of its reinstatement, up to the snapshot; 0: it stands */
};
/* The retractions up to `snapshot` that cover the entry `seq`, ascending: those greater than `after`, the first `cap`
 * of them. */
NODISCARD int retracted_marks(const struct reader *reader, uint64_t seq, uint64_t snapshot, uint64_t after,
                              struct retraction_mark *marks, size_t cap, size_t *count, struct err *err);
/* The earliest retraction that covers `seq` and stands as of `snapshot`; 0 if it is active. */
NODISCARD int retracted_by(const struct reader *reader, uint64_t seq, uint64_t snapshot, uint64_t *retraction_seq,
                           struct err *err);

/* What is kept of a retraction beside its entry. */
struct retraction_record {
  uint64_t seq;
  uint64_t reinstated_seq;                 /* as of the snapshot; 0: it stands */
  uint64_t direct, cascaded;               /* what it made inactive: retracted_count and cascaded_count */
  uint64_t covers_direct, covers_cascaded; /* what it covers, inactive already or not */
  uint64_t reactivated;                    /* what its reinstatement made active again; 0 without one */
  uint64_t first, last;                    /* the least and greatest seq that it covers; 0 if none */
};
/* The retraction `seq`; *found is false if it is none, or above the snapshot. */
NODISCARD int retraction_get(const struct reader *reader, uint64_t seq, uint64_t snapshot,
                             struct retraction_record *out, bool *found, struct err *err);
/* The retraction with this id; found is false for any other entry, too. */
NODISCARD int retraction_find(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot,
                              struct retraction_record *out, bool *found, struct err *err);
/* The retractions up to the snapshot with a seq below `before` (UINT64_MAX: all), newest first: the first `cap`. */
NODISCARD int retraction_list(const struct reader *reader, uint64_t before, uint64_t snapshot,
                              struct retraction_record *records, size_t cap, size_t *count, struct err *err);

/* --- merkle_read.c --- */

/* Root and number of assertions of entries 1..seq; seq <= applied. seq 0: SHA-256 of nothing, 0. */
NODISCARD int merkle_root_at(const struct reader *reader, uint64_t seq, unsigned char root[DIGEST_SIZE],
                             uint64_t *assertion_count, struct err *err);

/* The root of the 2^level entries from number * 2^level + 1 on, of which all are applied; level >= MERKLE_BLOCK_LEVEL.
 */
NODISCARD int merkle_read_node(const struct reader *reader, uint64_t number, unsigned level,
                               unsigned char out[DIGEST_SIZE], struct err *err);

/* --- merkle_proof.c: RFC 9162; checked by model/proof.h. One read for each level, and the entries of at most three
 * blocks of MERKLE_BLOCK --- */

/* That entry `seq` is in the tree over entries 1..size (1 <= seq <= size <= applied); `leaf` becomes its leaf hash. */
NODISCARD int merkle_prove_inclusion(const struct reader *reader, uint64_t seq, uint64_t size,
                                     unsigned char leaf[DIGEST_SIZE], struct merkle_proof *proof, struct err *err);
/* That the tree over 1..from is the beginning of that over 1..to (1 <= from <= to <= applied). */
NODISCARD int merkle_prove_prefix(const struct reader *reader, uint64_t from, uint64_t to, struct merkle_proof *proof,
                                  struct err *err);

/* --- concept_scan.c: assertions by (path, predicate, source, newest first) --- */

struct concept_scan;

/* One assertion. Spans are good until the next call on the scan. `entry` is the history's but for its server section,
 * which need not hold more than recorded_by and batch (and so its checksum). */
struct concept_row {
  struct span path, predicate, source;
  uint64_t seq;
  struct entry entry;
};

NODISCARD int concept_scan_open(const struct reader *reader, struct concept_scan **out, struct err *err);
/* Releases what the scan holds. Takes NULL. A scan must not live longer than it takes to compute one answer. */
void concept_scan_close(struct concept_scan *scan);
/* Positions on the first assertion at or after (path, predicate, source, seq), in key order: path, predicate, source
 * ascending by bytes, then seq DESCENDING. UINT64_MAX as seq is the newest of a source. An empty predicate (or source)
 * is the first one. */
NODISCARD int concept_scan_seek(struct concept_scan *scan, struct span path, struct span predicate, struct span source,
                                uint64_t seq, struct concept_row *row, bool *found, struct err *err);
NODISCARD int concept_scan_next(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err);
/* To the first assertion whose source (…_next_predicate: predicate; …_next_path: path) is greater than the current
 * one's: a skip scan. */
NODISCARD int concept_scan_next_source(struct concept_scan *scan, struct concept_row *row, bool *found,
                                       struct err *err);
NODISCARD int concept_scan_next_predicate(struct concept_scan *scan, struct concept_row *row, bool *found,
                                          struct err *err);
NODISCARD int concept_scan_next_path(struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err);

#endif
