/* source.kv: the assertions of a source, as posting lists of its path; anonymous ones under the empty one. */
#include "projection/index.h"
#include "projection/postings.h"

int source_project(struct gather *gather, const struct item *item, struct err *err) {
  return item->is_assertion ? postings_put(gather, item->assertion.source, item->entry->seq, err) : 0;
}
