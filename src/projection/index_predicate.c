/* predicate.kv: the assertions with a predicate, as posting lists of the predicate's name. */
#include "projection/index.h"
#include "projection/postings.h"

int predicate_project(struct gather *gather, const struct item *item, struct err *err) {
  return item->is_assertion ? postings_put(gather, item->assertion.predicate, item->entry->seq, err) : 0;
}
