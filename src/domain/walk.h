/*
 * One pass over what a query may answer with: topic by topic, a topic being a (concept, predicate). Of each topic the
 * heads are gathered by a skip scan, and its assertions pass by the page, which keeps the best. Older assertions of a
 * source are read only as far as one of them could still get onto the page. Internal to the query.
 */
#ifndef DOMAIN_WALK_H
#define DOMAIN_WALK_H

#include "domain/active.h"
#include "domain/lens.h"
#include "domain/page.h"
#include "domain/query.h"
#include "domain/settings.h"
#include "model/assertion.h"
#include "model/name.h"

/* A topic of which at least one assertion passes the filters. In the answer's arena. */
struct topic {
  struct span path, predicate;
  struct candidates candidates;
  struct rank first;   /* of its first assertion in the lens's order, as far as it was read; seq 0: none was */
  uint32_t first_head; /* which head that is; HEAD_NONE if it is superseded */
  uint32_t index;      /* in walk.topics */
  uint32_t head_room;
  bool weighed; /* trust and groups of the candidates are filled in */
};

/* What is remembered of a head while its topic is walked. */
struct run {
  struct span record; /* in the scratch arena; len 0: not kept */
  uint64_t unread;    /* greatest seq of its source that may not have been read; 0: all was */
};

/* A superseded assertion that was read along with its head. */
struct older {
  uint32_t head;
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

struct walk {
  const struct query *query;
  struct arena *arena;   /* of the answer */
  struct arena *scratch; /* of the topic that is being walked */
  struct arena *parse;   /* of the row that is being read */
  struct active_scan scan;
  struct settings *settings;
  struct start start;
  struct page page;
  struct topic **topics;
  size_t topic_count, topic_room;
  /* the topic that is being walked */
  struct topic *topic; /* NULL until an assertion of it passed the filters */
  struct span path, predicate, source;
  unsigned char path_bytes[NAME_PATH_MAX], predicate_bytes[NAME_PREDICATE_MAX], source_bytes[NAME_PATH_MAX];
  bool starts_here; /* the page begins after start.last in this topic */
  struct run *runs;
  size_t run_room;
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
/* Walks all that the query asks for, or until the page is full and nothing further can get onto it. Sorts the page. */
NODISCARD int walk_run(struct walk *walk, struct err *err);

/* --- topic.c --- */

/* Walks the topic at the scan's current row: gathers, ranks, offers to the page. Afterwards the scan stands behind the
 * topic, or anywhere if it was moved (scan.seeks). */
NODISCARD int topic_gather(struct walk *walk, struct err *err);
NODISCARD int topic_rank(struct walk *walk, struct err *err);
/* Fills in trust and groups of the candidates, unless that is done. */
NODISCARD int topic_weigh(struct walk *walk, struct topic *topic, struct err *err);

#endif
