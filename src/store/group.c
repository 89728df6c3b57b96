#include "store/group.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "model/entry.h"
#include "store/internal.h"

enum {
  /* Where the fields of a record lie (model/entry.h). */
  AT_LENGTH = 8,
  AT_SEQ = 12,
  PAGE_ROOM = STORE_PAGE_SIZE - 32, /* of an overflow page */
  GROUP_PAGES = GROUP_MAX_SIZE / STORE_PAGE_SIZE,
  /* Four values of this size and their keys fill a leaf page; larger than 1006 bytes is an overflow item
   * (B_MINKEY_TO_OVFLSIZE in db_page.h of Berkeley DB 5.3.28). */
  LEAF_MAX = 997,
  /* Pages of its own are worth it if at least this share of them is filled: 5/8. */
  FILL_NUMERATOR = 5,
  FILL_DENOMINATOR = 8
};

static bool fills_pages(size_t bytes) {
  size_t pages = (bytes + PAGE_ROOM - 1) / PAGE_ROOM;
  return bytes * FILL_DENOMINATOR >= pages * PAGE_ROOM * FILL_NUMERATOR;
}

/* How many records have at most `max` bytes together, which *bytes becomes. */
static size_t take_up_to(const struct span *records, size_t count, size_t max, size_t *bytes) {
  size_t n = 0;
  *bytes = 0;
  while (n < count && records[n].len <= max - *bytes)
    *bytes += records[n++].len;
  return n;
}

size_t group_take(const struct span *records, size_t count) {
  size_t bytes = 0, n = 0;
  /* Without the last page, if that would be rather empty. */
  for (size_t pages = GROUP_PAGES; pages > 0; pages--)
    if ((n = take_up_to(records, count, pages * PAGE_ROOM, &bytes)) > 0 && fills_pages(bytes))
      return n;
  n = take_up_to(records, count, LEAF_MAX, &bytes);
  return n > 0 ? n : 1;
}

int group_next(struct span *rest, uint64_t seq, struct span *record, struct err *err) {
  size_t len = rest->len >= ENTRY_OVERHEAD ? get_u32(rest->data + AT_LENGTH) : 0;
  if (len < ENTRY_OVERHEAD || len > rest->len)
    return err_set(err, ERR_CORRUPT, "the record of entry %" PRIu64 " is cut off", seq);
  if (get_u64(rest->data + AT_SEQ) != seq)
    return err_set(err, ERR_CORRUPT, "where entry %" PRIu64 " should be is entry %" PRIu64, seq,
                   get_u64(rest->data + AT_SEQ));
  *record = span_of(rest->data, len);
  *rest = span_of(rest->data + len, rest->len - len);
  return 0;
}

int group_first_seq(struct span value, uint64_t *seq, struct err *err) {
  if (value.len < ENTRY_OVERHEAD)
    return err_set(err, ERR_CORRUPT, "a value of %zu bytes in " STORE_HISTORY_FILE, value.len);
  *seq = get_u64(value.data + AT_SEQ);
  return 0;
}
