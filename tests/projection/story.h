/*
 * Random histories with retractions, and what a naive reader of them knows: for each retraction which entries it
 * covers, by the words of the contract, one entry after another until nothing changes.
 */
#ifndef TESTS_PROJECTION_STORY_H
#define TESTS_PROJECTION_STORY_H

#include "tests/projection/fixture.h"

enum { STORY_MAX = 12000, STORY_PARENTS = 3, STORY_IDS = 4 };

struct told {
  uint8_t kind;
  unsigned char id[ID_SIZE];
  /* An assertion: small numbers for names. */
  unsigned path, predicate, source; /* source 0: anonymous */
  unsigned batch;                   /* 0: none */
  uint64_t parents[STORY_PARENTS];
  size_t parent_count;
  /* A retraction: 0 for what is absent, names plus 1. */
  unsigned by_path, by_batch, by_predicate, by_source;
  uint64_t ids[STORY_IDS];
  size_t id_count;
  uint64_t from_seq, to_seq;
  bool cascade;
  /* A reinstatement */
  uint64_t undoes; /* seq of the retraction */
  /* Of a retraction, computed by the naive reader: */
  unsigned char *covers; /* [seq]: 0 no, 1 direct, 2 by cascade; owned */
  uint64_t undone;       /* seq of its reinstatement, 0: stands */
};

struct story {
  struct fixture *f;
  struct told *told; /* [1..last] */
  uint64_t last, random;
  struct buf records;
  size_t *ends;
};

/* A story over a fixture with an empty history. Aborts on failure, as all of these. */
void story_begin(struct story *s, struct fixture *f, uint64_t seed);
void story_end(struct story *s);
uint64_t story_random(struct story *s, uint64_t below);
/* Adds one assertion; a retraction; a reinstatement of a retraction that stands (false if none does). Not stored yet.
 */
void story_assert(struct story *s);
void story_retract(struct story *s);
bool story_reinstate(struct story *s);
/* Adds a reinstatement that names the entry `seq`, whatever it is. */
void story_undo(struct story *s, uint64_t seq);
/* Stores what was added since the last time; with `apply` projects it, as one call. */
void story_store(struct story *s, bool apply);
/* The canonical body of the retraction `seq`, into `out`. */
void story_request(const struct story *s, uint64_t seq, struct buf *out);
/* Whether the retraction `r`, told but for its cover, covers `seq`, which must be below `snapshot`+1: fills covers. */
void story_cover(struct story *s, struct told *r, uint64_t snapshot);
/* Whether `seq` is inactive as of the snapshot; *by is the earliest standing retraction. */
bool story_inactive(const struct story *s, uint64_t seq, uint64_t snapshot, uint64_t *by);

#endif
