/* The two fields of a query that name many sources. */
#ifndef API_QUERY_SOURCES_H
#define API_QUERY_SOURCES_H

#include "api/fields.h"
#include "domain/query.h"

/* `exclude_sources`: an array of sources, null (or "") being the anonymous one. As a parameter the JSON text of it, or
 * one source alone. ERR_NOMEM. */
NODISCARD int query_read_excluded(const struct field_input *input, struct query *query, struct err *err);
/* `trust_override`: an object {source: number in [0, 1]}, "" being the anonymous one. As a parameter the JSON text of
 * it. ERR_NOMEM. */
NODISCARD int query_read_overrides(const struct field_input *input, struct query *query, struct err *err);

#endif
