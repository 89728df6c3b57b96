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

/* An assertion that a lens decides about: of each source the newest one about a (concept, predicate) that passes the
 * filters. These heads are what counts in consensus. */
struct head {
  struct span source;       /* len 0: all anonymous ones are one source */
  struct span value;        /* canonical JSON */
  double confidence, trust; /* confidence: after decay */
  double asserted, decay;   /* confidence before it; what it was multiplied by */
  int tier;
  uint64_t seq;
  const unsigned char *id; /* NULL: not read yet; of what a lens chose it is there */
  uint32_t mark;           /* the gathering's own */
  uint32_t group;          /* these three are filled in by groups_form() */
  uint32_t next;           /* the next head of its group; HEAD_NONE ends the list */
  double level;            /* its group's; under a lens with tiers, that of its group within its tier */
};

enum { HEAD_NONE = UINT32_MAX };

/* Heads with equal values; numbers are equal within the tolerance. */
struct group {
  struct span value;    /* its winner's */
  double weight, share; /* sum(confidence x trust); its part of all weight */
  double level;         /* the weight of the heaviest group that it ties with; 0 if it ties with no weight at all */
  uint32_t winner;      /* index of the head with the greatest (confidence, seq) */
  uint32_t first;       /* its heads in the order of `heads`: a list by head.next */
};

struct layer;

/* Everything that lenses decide from, for one (concept, predicate). */
struct candidates {
  struct span tolerance; /* canonical number, len 0: none; numbers this close share a group */
  bool many;             /* values add up: there is no winner and no conflict */
  struct head *heads;    /* by source, ascending */
  uint32_t head_count;
  struct head first;    /* the first of all assertions in the lens's order, superseded ones included; of such a one the
                           source is not set */
  struct group *groups; /* heaviest first; ties (1e-9) to the winner with the newer seq; NULL until formed */
  uint32_t group_count;
  double conflict;      /* Shannon entropy of the shares / log2(groups), to 12 decimals; 0 for one group */
  struct layer *layers; /* the tiers that have a head, ascending; NULL until layers_form() */
  uint32_t layer_count;
  const struct candidates *votes; /* the winners of the tiers, one vote each */
};

/* The heads of one tier, and what they come to. */
struct layer {
  int tier;
  struct candidates candidates;
};

/* The sort key of one assertion under a lens: greater comes first. */
struct rank {
  double top, major, minor;
  uint64_t seq;
};

enum conflict_status { STATUS_UNANIMOUS, STATUS_AGREED, STATUS_CONTESTED };

/* What a lens believes about a (concept, predicate). */
struct resolution {
  const struct head *winner; /* one of the candidates; NULL where values add up */
  double confidence;
  double conflict;
  enum conflict_status status;
  bool show_candidates, show_layers;
};

/* One assertion as a lens ranks it. */
struct ranked {
  double confidence, trust;
  uint64_t seq;
  double level; /* of its group; 0 if its source has superseded it */
  int tier;
};

struct lens {
  const char *name;
  bool weighs; /* the rank depends on trust or groups: the heads are weighed before anything is ranked */
  bool tiers;  /* heads are grouped within each tier, too */
  bool first;  /* the winner is the first in the order, superseded ones included, and not one of a group */
  bool events; /* lists all that ever happened, retracted ones too, and resolves nothing: `rank` alone is there */
  /* The assertion's place in the order of `assertions`. */
  struct rank (*rank)(const struct ranked *item);
  /* The greatest rank that an older assertion of the same source, with any confidence, can have: lets a scan stop
   * early. */
  struct rank (*bound)(const struct ranked *last);
  /* The greatest seq that an assertion can have whose rank is below `after`: lets a later page begin there. */
  uint64_t (*ceiling)(const struct rank *after);
  /* Chooses among the candidates (at least one head, groups formed); conflict and status are those of the groups,
   * unless it sets them. */
  void (*resolve)(const struct candidates *candidates, struct resolution *out);
};

/* By name; NULL if there is none. */
const struct lens *lens_find(struct span name);
/* The table, for listings; *count lenses. */
const struct lens *lens_table(size_t *count);

/* Forms groups, weights, shares and conflict of candidates->heads (filled in by the caller) in the arena. ERR_NOMEM. */
NODISCARD int groups_form(struct arena *arena, struct candidates *candidates, struct err *err);
enum conflict_status groups_status(const struct candidates *candidates);
/* After groups_form(): forms the groups of each tier, the votes of their winners, and sets the heads' levels to those
 * within their tier. ERR_NOMEM. */
NODISCARD int layers_form(struct arena *arena, struct candidates *candidates, struct err *err);
/* What the lens believes: its choice, or none where values add up. */
void lens_decide(const struct lens *lens, const struct candidates *candidates, struct resolution *out);

/* <0 if a comes before b: top, major, minor, seq, all descending. */
static inline int rank_compare(const struct rank *a, const struct rank *b) {
  if (a->top != b->top)
    return a->top > b->top ? -1 : 1;
  if (a->major != b->major)
    return a->major > b->major ? -1 : 1;
  if (a->minor != b->minor)
    return a->minor > b->minor ? -1 : 1;
  return (a->seq < b->seq) - (a->seq > b->seq);
}

#endif
