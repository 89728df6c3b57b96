/* What the calls that explore have in common: the part of the tree that they look at, moments and pages. They run on
 * streaming threads, since a pass over much takes longer than an event loop may. */
#ifndef API_EXPLORE_H
#define API_EXPLORE_H

#include "api/listing.h"
#include "domain/bookmark.h"

/* Begins with explore_init(); a resource's own struct has it as its first member, so that its table of fields may hold
 * the readers below and those of listing.h. */
struct explore {
  struct listing listing;
  struct span prefix;    /* len 0: everything */
  struct span predicate; /* data NULL: any */
  bool after;            /* the page begins after the place `at` */
  struct bookmark at;
};

void explore_init(struct explore *explore);
/* "" or a concept path. */
int explore_read_prefix(const struct field_input *input, void *target, struct err *err);
int explore_read_predicate(const struct field_input *input, void *target, struct err *err);

/*
 * As listing_open(): works out the moment, or takes it and the place from the cursor. `name` and `what` tell this list
 * from others, beside prefix and predicate. For a list about two moments, `other` (else NULL) is the second one (NOW:
 * the newest), and at.other becomes its seq.
 */
NODISCARD int explore_open(struct explore *explore, const struct reader *reader, const struct watermark *mark,
                           const char *name, struct span what, const struct moment *other, struct arena *arena,
                           struct field_errors *errors, struct err *err);
/* ,"next_cursor": and the cursor of what follows `score` and `key`, or null with data NULL: nothing follows. */
void explore_add_cursor(const struct explore *explore, double score, struct span key, struct buf *out);

/* Reads the request and appends the answer to the response; what is wrong with it goes to `errors`, and then nothing
 * else matters. */
typedef int explore_run(struct api *api, struct exchange *exchange, struct field_errors *errors, struct err *err);
/* Runs it on a streaming thread and sends what comes out. */
void explore_stream(struct api *api, struct exchange *exchange, struct http_stream *stream, explore_run *run);

#endif
