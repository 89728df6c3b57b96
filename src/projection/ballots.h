/*
 * ballots.kv: of every topic (concept, predicate) whose sources may ever have disagreed, what each source said last.
 * Conflict depends on trust, tolerance and retraction, which change without the topic; so no score is kept but what
 * every score is computed from, side by side, to be read in one pass.
 *
 * A topic is in here from the moment on when two sources have spoken about it and not all values were the same bytes
 * (or its rows no longer lie in one pack of concept.kv, whatever they are). It stays for ever, so a topic that is not
 * here has at most one group at any moment, whatever was retracted.
 *
 * Key: path 0 predicate 0 source 0. Value: flags u8, seq u64 of the source's newest assertion in the topic, its
 * confidence f64, its value: canonical JSON, or, of one longer than BALLOT_VALUE_MAX, '#' (which begins no
 * JSON) and its SHA-256.
 */
#ifndef PROJECTION_BALLOTS_H
#define PROJECTION_BALLOTS_H

#include "base/span.h"
#include "projection/snapshot.h"

enum ballot_flags {
  BALLOT_OLDER = 1,  /* the source has older assertions in the topic */
  BALLOT_UNKNOWN = 2 /* the value is not in here: read the assertion */
};

enum { BALLOT_VALUE_MAX = 64, BALLOT_VALUE_AT = 1 + 8 + 8, BALLOT_SIZE_MAX = BALLOT_VALUE_AT + BALLOT_VALUE_MAX };

struct ballot {
  struct span topic; /* path 0 predicate 0: the same bytes for all ballots of a topic */
  struct span path, predicate, source, value;
  unsigned flags;
  uint64_t seq;
  double confidence;
};

/* A value as ballots hold it, so that two are equal when what is written here is: into out[BALLOT_VALUE_MAX]; returns
 * its length. */
size_t ballot_value(struct span value, unsigned char out[BALLOT_VALUE_MAX]);

/* Reads ballots in the order of their keys, a block at a time: no lock is held between calls. A ballot may be newer
 * than the snapshot that it is read for; its seq tells. */
struct ballot_scan;

/* Of all keys that begin with `prefix` (copied; a path and 0, a path and '/', or nothing). ERR_NOMEM, ERR_INVALID: it
 * is longer than any. */
NODISCARD int ballot_scan_open(const struct reader *reader, struct span prefix, struct ballot_scan **out,
                               struct err *err);
/* The same, beginning with the first key that is not less than the prefix followed by `from`. */
NODISCARD int ballot_scan_open_from(const struct reader *reader, struct span prefix, struct span from,
                                    struct ballot_scan **out, struct err *err);
/* The next ballot, good until the next call; *found is false at the end. */
NODISCARD int ballot_scan_next(struct ballot_scan *scan, struct ballot *ballot, bool *found, struct err *err);
/* Takes NULL. */
void ballot_scan_close(struct ballot_scan *scan);

#endif
