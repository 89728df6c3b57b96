/* JSON numbers in canonical form. Internal to model/. */
#ifndef MODEL_NUMBER_H
#define MODEL_NUMBER_H

#include <stdbool.h>

#include "base/span.h"

/* Writes the canonical form of a JSON number; its length, or 0 if it cannot be kept exactly. */
size_t number_canonical(struct span text, char out[40]);
/* The double nearest to a canonical number. */
double number_to_double(struct span canonical);
/* Whether a canonical number is in [0, 1]. */
bool number_in_unit(struct span canonical);

#endif
