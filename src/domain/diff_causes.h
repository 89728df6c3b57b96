/* Why a topic is believed differently at two moments. Internal to diff. */
#ifndef DOMAIN_DIFF_CAUSES_H
#define DOMAIN_DIFF_CAUSES_H

#include "domain/diff.h"
#include "domain/inactive.h"
#include "domain/resolve.h"

/* So many are told of one topic. */
enum { CAUSES_MAX = 32 };

struct causes {
  const struct reader *reader;
  const struct diff_request *request;
  struct inactive before, after; /* what is inactive at either moment */
  struct arena *memory;
  struct settings *settings_before, *settings_after;
  struct buf record;
};

/* `causes` is zeroed; causes_close() also after an error. */
NODISCARD int causes_open(struct causes *causes, const struct reader *reader, const struct watermark *mark,
                          const struct diff_request *request, struct err *err);
void causes_close(struct causes *causes);
/*
 * Appends a JSON array: new assertions that count, retractions of what counted, reinstatements of what counts, each as
 * {"kind","seq","id","timestamp"}, by seq; then settings that changed, {"kind","concept_path","predicate","before",
 * "after"}. Up to CAUSES_MAX.
 */
NODISCARD int causes_render(struct causes *causes, struct span predicate, const struct resolved *before,
                            const struct resolved *after, struct buf *out, struct err *err);

#endif
