/* Retractions as JSON. */
#ifndef DOMAIN_RENDER_RETRACTION_H
#define DOMAIN_RENDER_RETRACTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "projection/snapshot.h"

/* Reads what is rendered; reused from one to the next. */
struct retraction_renderer {
  const struct reader *reader;
  struct arena *parse;
  struct buf record;
};

/* renderer_close() also after an error. */
NODISCARD int retraction_renderer_open(struct retraction_renderer *renderer, const struct reader *reader,
                                       struct err *err);
void retraction_renderer_close(struct retraction_renderer *renderer);
/*
 * Appends {"retraction_id","seq","timestamp",["recorded_by"],"status","reason","request","retracted_count",
 * "cascaded_count","reinstated"}: `status` is "standing" or "reinstated", `request` what was sent, in canonical form;
 * `reinstated` is null, or {"reinstatement_id","seq","timestamp",["recorded_by"],"reason","reinstated_count"}.
 */
NODISCARD int render_retraction(struct retraction_renderer *renderer, const struct retraction_record *record,
                                struct buf *out, struct err *err);

#endif
