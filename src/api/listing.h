/* Lists that are read in pages, all of one moment: the parameters `as_of`, `limit` and `cursor`, and what is answered
 * about them. A place in a list is a number greater than 0 that its resource gives it. */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "api/fields.h"
#include "domain/cursor.h"

enum { LISTING_LIMIT_DEFAULT = 100, LISTING_LIMIT_MAX = 1000, LISTING_PAGE_BYTES = 4 << 20 };

/* Begins with listing_init(); a resource's own struct has it as its first member, so that its table of fields may hold
 * the three readers below. */
struct listing {
  struct moment as_of;
  uint32_t limit;
  struct span cursor; /* data NULL: first page */
  /* From listing_open() on. */
  struct watermark mark;
  uint64_t snapshot, time_us; /* the moment; time_us counts only if snapshot > 0 */
  uint64_t place;             /* of the last item of the page before; 0: this is the first page */
  unsigned char digest[CURSOR_DIGEST_SIZE];
};

void listing_init(struct listing *listing);
/* Readers for a table of fields; `target` begins with a struct listing. */
int listing_read_as_of(const struct field_input *input, void *target, struct err *err);
int listing_read_limit(const struct field_input *input, void *target, struct err *err);
int listing_read_cursor(const struct field_input *input, void *target, struct err *err);

/*
 * Works out snapshot and place under the watermark `mark`. `name` and `what` (both may be empty) tell this list from
 * others: a cursor of another one is refused. What is wrong is added to `errors` (a seq above the newest, a cursor that
 * is malformed or of another list); ERR_CONFLICT: a cursor of another branch; ERR_BUSY, ERR_CORRUPT.
 */
NODISCARD int listing_open(struct listing *listing, const struct reader *reader, const struct watermark *mark,
                           const char *name, struct span what, struct field_errors *errors, struct err *err);
/* "as_of":{"seq","timestamp"},"history":"…" */
void listing_add_moment(const struct listing *listing, struct buf *out);
/* ,"next_cursor": and the cursor of what follows `place`, or null for place 0: nothing follows. */
void listing_add_cursor(const struct listing *listing, uint64_t place, struct buf *out);

#endif
