/*
 * Lenses: what to believe, decided at read time. A lens is one line of the table in lens.c and one file lens_NAME.c of
 * pure functions; nothing in here does I/O. The rules are contract section 2, "Lenses"; docs/semantics.md explains each
 * with an example.
 */
#ifndef DOMAIN_LENS_H
#define DOMAIN_LENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "model/digest.h"

/* The newest assertion of one source about a (concept, predicate) that passes the filters: what counts in consensus. */
struct head {
  struct span source; /* len 0: all anonymous ones are one source */
  struct span value;  /* canonical JSON */
  double confidence, trust;
  uint64_t seq;
  const unsigned char *id;
  uint32_t group; /* filled in by groups_form() */
};

/* Heads with equal values. */
struct group {
  struct span value;
  double weight, share; /* sum(confidence x trust); its part of all weight */
  uint32_t winner;      /* index of the head with the greatest (confidence, seq) */
  uint32_t count;       /* heads in it */
};

/* Everything that lenses decide from, for one (concept, predicate). */
struct candidates {
  struct head *heads;
  size_t head_count;
  struct group *groups; /* heaviest first; ties (1e-9) to the winner with the newer seq */
  size_t group_count;
  double conflict; /* Shannon entropy of the shares / log2(groups); 0 for one */
};

/* The sort key of one assertion under a lens: greater comes first. */
struct rank {
  double major, minor;
  uint64_t seq;
};

enum conflict_status { STATUS_UNANIMOUS, STATUS_AGREED, STATUS_CONTESTED };

/* What a lens believes about a (concept, predicate). */
struct resolution {
  uint32_t winner; /* index into heads */
  double confidence;
  bool show_candidates;
};

/* One assertion as a lens ranks it. */
struct ranked {
  double confidence, trust;
  uint64_t seq;
  double group_weight; /* 0 if its source has superseded it */
};

struct lens {
  const char *name;
  /* The assertion's place in the order of `assertions`. */
  struct rank (*rank)(const struct ranked *item);
  /* The greatest rank that any older assertion of the same source, with any confidence, could still have: lets a scan
   * stop early. */
  struct rank (*bound)(const struct ranked *last);
  /* Chooses among the candidates (at least one head). `newest`, `most confident` and `most trusted` are over heads or
   * all assertions as the contract says. */
  void (*resolve)(const struct candidates *candidates, struct resolution *out);
  bool available; /* false: named by the contract, built later; a query for it is answered 422 */
};

/* By name; NULL if there is none. */
const struct lens *lens_find(struct span name);
/* The table, for listings; *count lenses. */
const struct lens *lens_table(size_t *count);

/* Forms groups, weights, shares and conflict of candidates->heads (filled in by the caller) in the arena. ERR_NOMEM. */
NODISCARD int groups_form(struct arena *arena, struct candidates *candidates, struct err *err);
enum conflict_status groups_status(const struct candidates *candidates);
/* <0 if a comes before b: major, minor, seq, all descending. */
int rank_compare(const struct rank *a, const struct rank *b);

#endif
