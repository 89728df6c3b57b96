/* batch.kv: the assertions that came in with one call, as posting lists of its batch id (16 bytes). */
#include "projection/index.h"
#include "projection/postings.h"

int batch_project(struct gather *gather, const struct item *item, struct err *err) {
  return item->is_assertion && item->server.batch.len ? postings_put(gather, item->server.batch, item->entry->seq, err)
                                                      : 0;
}
