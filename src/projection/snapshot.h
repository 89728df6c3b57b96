/*
 * Reading as of one moment. A snapshot is a seq: what is above it does not exist. Consistent over any number of calls,
 * since nothing below ever changes. All functions are safe beside the one writer; BUSY (a deadlock that was retried in
 * vain) is possible anywhere.
 */
#ifndef PROJECTION_SNAPSHOT_H
#define PROJECTION_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "projection/projection.h"

/* Where to read: borrowed, shared by all requests of a worker. */
struct reader {
  struct store *store;
  struct projection *projection;
};

/* --- lookup.c --- */

/* The seq of the entry with this id, at most `snapshot`. Compares the whole id. */
NODISCARD int lookup_id(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
                        bool *found, struct err *err);
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

/* What assertions are listed by: predicate; source (empty: anonymous); the id (ID_SIZE bytes) of an assertion that they
 * are derived from. */
enum posting { POSTING_PREDICATE, POSTING_SOURCE, POSTING_DERIVED };
/* The seqs of a term's assertions, greater than `after_seq` and at most `snapshot`, ascending: the first `cap` (> 0) of
 * them into seqs. *count is less than `cap` only if there are no more. */
NODISCARD int posting_read(const struct reader *reader, enum posting list, struct span term, uint64_t after_seq,
                           uint64_t snapshot, uint64_t *seqs, size_t cap, size_t *count, struct err *err);

/* --- merkle_read.c --- */

/* Root and number of assertions of entries 1..seq; seq <= applied. seq 0: SHA-256 of nothing, 0. */
NODISCARD int merkle_root_at(const struct reader *reader, uint64_t seq, unsigned char root[DIGEST_SIZE],
                             uint64_t *assertion_count, struct err *err);

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
