/*
 * What a lens believes of one topic, a (concept path, predicate), as of a snapshot: the answer that queries show as
 * `resolved`, for whoever asks of many topics one after another. One resolver has one scan and one set of settings, and
 * takes no more memory for a thousand topics than for the largest of them.
 */
#ifndef DOMAIN_RESOLVE_H
#define DOMAIN_RESOLVE_H

#include "domain/query.h"

struct resolver;
struct walk;
struct topic;

/* All of it is borrowed from the resolver until its next call. */
struct resolved {
  bool found; /* whether any assertion counts; nothing else is set without */
  const struct candidates *candidates;
  struct resolution resolution; /* winner NULL where values add up (candidates->many) */
};

/*
 * `options` is what a query says but for where and how much: lens (one that resolves), source, min_confidence,
 * valid_at, decay with as_of, excluded, overrides. It must outlive the resolver, as must `reader` and `cache` (may be
 * NULL, the calling thread's own). `snapshot` is at most mark->visible_seq; with `decay`, confidence is that of the
 * moment `decayed_at` (query_decay_moment()). ERR_NOMEM, ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int resolver_open(const struct reader *reader, const struct watermark *mark, struct settings_cache *cache,
                            const struct query *options, uint64_t snapshot, int64_t decayed_at, struct resolver **out,
                            struct err *err);
/* ERR_NOMEM: more sources than one answer may hold; ERR_BUSY, ERR_CORRUPT. After an error the next topic may be asked.
 */
NODISCARD int resolver_topic(struct resolver *resolver, struct span path, struct span predicate, struct resolved *out,
                             struct err *err);
/* Takes NULL. */
void resolver_close(struct resolver *resolver);

/* The moment that a query's confidence decays to, in microseconds since 1970: the time that it is asked as of, else
 * that of the entry (`seq_us`, of the snapshot), else `now_us`. */
int64_t query_decay_moment(const struct query *query, uint64_t seq_us, uint64_t now_us);

/* Of a walk's topic that has heads; internal to the query. */
NODISCARD int resolve_topic(struct walk *walk, struct topic *topic, struct resolution *out, struct err *err);

#endif
