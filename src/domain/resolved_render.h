/* What a lens believes of a topic, as JSON. Internal to the query. */
#ifndef DOMAIN_RESOLVED_RENDER_H
#define DOMAIN_RESOLVED_RENDER_H

#include "base/buf.h"
#include "domain/walk.h"

/* Appends the topic's entry of `resolved`; it has heads. */
NODISCARD int resolved_render(struct walk *walk, struct topic *topic, struct buf *out, struct err *err);

/* --- pieces of it, for other answers that show what a lens believes --- */

/* Appends members, each after a comma: "value","confidence","winner" (or "values"), "conflict", "status", and, as the
 * lens shows them, "candidates" and "layers". */
void resolution_render(struct buf *out, const struct candidates *candidates, const struct resolution *resolution);
const char *conflict_status_name(enum conflict_status status);
/* Appends a finite number in canonical form. */
void number_render(struct buf *out, double number);

#endif
