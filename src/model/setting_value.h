/* What the reserved predicates `stemedb.*` may be given as values (contract section 1, "Settings are assertions").
 * Internal to model/. */
#ifndef MODEL_SETTING_VALUE_H
#define MODEL_SETTING_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/* Whether `predicate` is one of the settings. */
bool setting_value_known(struct span predicate);
/* Checks the canonical value of a setting that is asserted about `concept_path`; *fault is NULL if it may be that, else
 * what it must be (constant text). ERR_NOMEM. */
NODISCARD int setting_value_check(struct arena *arena, struct span concept_path, struct span predicate,
                                  struct span value, const char **fault, struct err *err);

#endif
