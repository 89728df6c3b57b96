/*
 * One pass over what a query may answer with: topic by topic, a topic being a (concept, predicate). Of each topic the
 * heads are gathered by a skip scan, and its assertions pass by the page, which keeps the best. Older assertions of a
 * source are read only as far as one of them could still get onto the page. Internal to the query.
 */
#ifndef DOMAIN_WALK_H
#define DOMAIN_WALK_H

#include "domain/active.h"
#include "domain/alias.h"
#include "domain/filter.h"
#include "domain/lens.h"
#include "domain/page.h"
#include "domain/query.h"
#include "domain/settings.h"
#include "model/assertion.h"
#include "model/name.h"

/* A topic of which at least one assertion passes the filters. In the answer's arena. */
struct topic {
  struct span path, predicate;
  struct candidates candidates; /* no heads: only retracted ones passed */
  struct rank listed;           /* of its first assertion in the answer, as far as it was read; seq 0: none was */
  struct rank first;            /* of the first of them that counts */
  uint32_t first_head;          /* which head that is; HEAD_NONE if it is superseded */
  uint32_t index;               /* in walk.topics */
  uint32_t head_room;
  uint64_t anchor; /* under a lens of events: the seq of one of its assertions */
  bool weighed;    /* trust and groups of the candidates are filled in */
};

/* The assertions of one source about one (path, predicate), while their topic is walked. In the scratch arena. */
struct run {
  struct span path, source;
  double half_life, trust;
  int tier;
  uint64_t unread;       /* greatest seq that may not have been read; 0: all was */
  const uint64_t *known; /* seqs below it that were read nonetheless, descending */
  uint32_t known_count;
};

/* What is remembered of a head: head.mark is its index. */
struct mark {
  struct span record; /* in the scratch arena; len 0: not kept */
  uint32_t run;
};

/* An assertion that was read along with the heads, but is none: superseded, or retracted. */
struct older {
  uint32_t run;
  bool retracted;
  double confidence;
  uint64_t seq;
  struct span record; /* as above */
};

/* Where a page begins. */
struct start {
  bool after; /* false: at the beginning */
  struct rank last;
  struct span path, predicate; /* subtree: the topic of the last assertion of the page before */
};

/* A row as the query sees it. */
struct reading {
  struct assertion assertion; /* good until the next one is read */
  double decay, confidence;   /* the factor; what it leaves */
  enum verdict verdict;
};

struct walk {
  const struct query *query;
  const struct reader *reader;
  int64_t decayed_at; /* the moment that confidence decays to, if it does */
  uint64_t rows_read;
  struct arena *arena;   /* of the answer */
  struct arena *scratch; /* of the topic that is being walked */
  struct arena *parse;   /* of the row that is being read */
  struct active_scan scan;
  struct settings *settings;
  struct start start;
  struct page page;
  const struct alias_class *class; /* with aliases: the paths that are walked */
  struct topic **topics;
  size_t topic_count, topic_room;
  /* the topic that is being walked */
  struct topic *topic; /* NULL until an assertion of it passed the filters */
  struct span path, predicate, source;
  unsigned char path_bytes[NAME_PATH_MAX], predicate_bytes[NAME_PREDICATE_MAX], source_bytes[NAME_PATH_MAX];
  bool starts_here; /* the page begins after start.last in this topic */
  bool many;        /* the predicate's values add up */
  struct span tolerance;
  struct run *runs;
  size_t run_count, run_room;
  struct mark *marks;
  size_t mark_count, mark_room;
  struct older *older;
  size_t older_count, older_room;
  size_t records; /* kept for it */
};

/* Opens scan and page; the page holds one item more than the query's limit. `walk` is all zero before; walk_close()
 * also after an error. `settings` are borrowed, and those of the snapshot. */
NODISCARD int walk_open(struct walk *walk, const struct reader *reader, struct settings *settings,
                        const struct query *query, uint64_t snapshot, const struct start *start, struct arena *arena,
                        struct err *err);
void walk_close(struct walk *walk);
/* Counts an assertion that is looked at. ERR_NOMEM: over the query's rows_max. */
NODISCARD int walk_count(struct walk *walk, struct err *err);
/* Walks all that the query asks for, or until the page is full and nothing further can get onto it. Sorts the page. */
NODISCARD int walk_run(struct walk *walk, struct err *err);
/* The same for a class of paths, ascending, that are one concept. */
NODISCARD int walk_class(struct walk *walk, const struct span *paths, size_t count, struct err *err);
/* Reads a row: the assertion, what decay by `half_life` leaves of its confidence, and whether it passes (its source
 * aside), and counts it. */
NODISCARD int walk_read(struct walk *walk, const struct concept_row *row, double half_life, struct reading *out,
                        struct err *err);

/* --- topic.c --- */

/* Begins the topic (path, predicate). */
NODISCARD int topic_begin(struct walk *walk, struct span path, struct span predicate, struct err *err);
/* Gathers heads and others from the scan's current row, as long as that is about `path` and the topic's predicate. The
 * scan then stands behind it. */
NODISCARD int topic_gather(struct walk *walk, struct span path, struct err *err);

/* --- topic.c, for topic_ballots.c --- */

/* The current row's source, down to its head and a little further. The scan then stands in or behind its run. */
NODISCARD int topic_gather_source(struct walk *walk, struct span path, struct err *err);
/* A source whose head is known without its row: the reading has value and confidence. `older`: it may have more. */
NODISCARD int topic_add_known(struct walk *walk, struct span path, struct span source, uint64_t seq,
                              const struct reading *reading, bool older, struct err *err);

/* --- topic_ballots.c --- */

/* Whether the rest of the topic is better gathered from its ballots. */
bool topic_wants_ballots(const struct walk *walk);
/* Gathers the rest of the topic, from the current row's source on, as topic_gather(); *done is false if there are no
 * ballots, and then nothing has changed. */
NODISCARD int topic_gather_ballots(struct walk *walk, struct span path, bool *done, struct err *err);

/* --- topic_merge.c --- */

/* Of heads that were gathered from several paths, one of each source is left; the others are superseded. */
NODISCARD int topic_merge(struct walk *walk, struct err *err);

/* --- topic_rank.c --- */

/* Offers everything to the page. May move the scan (scan.seeks). */
NODISCARD int topic_rank(struct walk *walk, struct err *err);
/* Fills in trust, tiers and groups of the candidates, unless that is done. */
NODISCARD int topic_weigh(struct walk *walk, struct topic *topic, struct err *err);

/* --- timeline.c --- */

/* Offers what happened to the topic or, with predicate data NULL, to the whole path, to the page. */
NODISCARD int timeline_gather(struct walk *walk, struct span path, struct span predicate, struct err *err);

/* --- for these --- */

/* Makes room for one more element in an array of the arena; what is new is not cleared. NULL without memory. */
void *walk_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size);
int walk_no_memory(struct err *err);
/* A copy of the current row's record in the scratch arena, if it is short and others are few; else len 0. */
NODISCARD int walk_keep_record(struct walk *walk, struct span *record, struct err *err);
/* A new topic with the current path and predicate. */
NODISCARD int walk_add_topic(struct walk *walk, struct err *err);

#endif
