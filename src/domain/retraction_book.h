/*
 * The retractions that one answer meets: what is shown of them, and which runs they cover whole. Each is read from the
 * history once.
 */
#ifndef DOMAIN_RETRACTION_BOOK_H
#define DOMAIN_RETRACTION_BOOK_H

#include "base/buf.h"
#include "model/retraction.h"
#include "projection/snapshot.h"

/* A retraction; ids and batch are left out of `selection`, whose other spans are the book's. */
struct retraction_note {
  uint64_t seq, time_us;
  unsigned char id[ID_SIZE];
  struct retraction selection;
  bool by_name; /* retraction_is_by_name() */
  struct retraction_note *next;
};

struct retraction_book;

/* An empty book; `reader` is borrowed. ERR_NOMEM. */
NODISCARD int retraction_book_create(const struct reader *reader, struct retraction_book **out, struct err *err);
/* Takes NULL. */
void retraction_book_free(struct retraction_book *book);
/* The retraction with this seq; good as long as the book. ERR_CORRUPT if that entry is none. */
NODISCARD int retraction_book_get(struct retraction_book *book, uint64_t seq, const struct retraction_note **out,
                                  struct err *err);
/* The earliest retraction that covers the entry `seq` and stands as of `snapshot`; *out is NULL if it is active. */
NODISCARD int retraction_book_find(struct retraction_book *book, uint64_t seq, uint64_t snapshot,
                                   const struct retraction_note **out, struct err *err);
/* A note of a retraction that is not stored (yet), in which spans and ids are borrowed. */
void retraction_note_init(struct retraction_note *note, const struct retraction *retraction);

/*
 * Whether it covers, by name or as what comes from a retracted source, every assertion of the run (path, predicate,
 * source) with seqs from *least up to its own, `seq` among them.
 */
bool retraction_covers_run(const struct retraction_note *note, struct span path, struct span predicate,
                           struct span source, uint64_t seq, uint64_t *least);

/* {"id","reason","timestamp"} as an assertion shows it. */
void retraction_note_render(const struct retraction_note *note, struct buf *out);

#endif
