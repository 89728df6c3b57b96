/* Member names: equal or not after unescaping. Internal to model/. */
#ifndef MODEL_JSON_NAMES_H
#define MODEL_JSON_NAMES_H

#include "model/json.h"

/* Looks for a member of the object `token` whose name an earlier one has already. *duplicate is the token of the first
 * such name, 0 if there is none. n log n in the members. ERR_NOMEM. */
NODISCARD int json_names_check(struct arena *arena, const struct json_doc *doc, uint32_t token, uint32_t *duplicate,
                               struct err *err);

#endif
