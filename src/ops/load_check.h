/* Whether a body is one that a node would have stored: an id proves what was written, not that it may be. */
#ifndef OPS_LOAD_CHECK_H
#define OPS_LOAD_CHECK_H

#include "model/entry.h"

struct load_check;

NODISCARD int load_check_open(struct load_check **out, struct err *err);
/* ERR_INVALID if it is not the canonical form of a valid assertion, retraction or reinstatement. */
NODISCARD int load_check_body(struct load_check *check, const struct entry *entry, struct err *err);
/* Takes NULL. */
void load_check_close(struct load_check *check);

#endif
