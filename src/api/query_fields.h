/* The fields of a query, from a JSON object or from parameters. */
#ifndef API_QUERY_FIELDS_H
#define API_QUERY_FIELDS_H

#include "domain/query.h"
#include "model/field_errors.h"
#include "model/json.h"

/* Read all of a query, defaults included; what is wrong is added to `errors`. The root of `doc` is an object.
 * ERR_NOMEM; of parameters also ERR_INVALID (400): they cannot be decoded. */
NODISCARD int query_fields_read_object(struct arena *arena, const struct json_doc *doc, struct field_errors *errors,
                                       struct query *query, struct err *err);
NODISCARD int query_fields_read_parameters(struct arena *arena, struct span query_string, struct field_errors *errors,
                                           struct query *query, struct err *err);

#endif
