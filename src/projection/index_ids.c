/* ids.kv: the first 16 bytes of an entry's id -> its seq (u64be). The reader compares the rest of the id with the
 * record; two ids that share 128 bits do not happen. */
#include "base/bytes.h"
#include "projection/index.h"

int ids_project(struct gather *gather, const struct item *item, struct err *err) {
  unsigned char *seq = gather_alloc(gather, 8, err);
  if (!seq)
    return err->code;
  put_u64(seq, item->entry->seq);
  return gather_put(gather, span_of(item->entry->id, IDS_KEY_SIZE), span_of(seq, 8), err);
}
