/* What retract and reinstate share: a body that is one object, and one entry for the committer. */
#ifndef API_UNDO_H
#define API_UNDO_H

#include "api/http.h"
#include "model/field_errors.h"
#include "model/json.h"

/* Parses the body, which must be an object. *good is false when the response is a problem already. */
NODISCARD int undo_parse(struct exchange *exchange, struct json_doc *doc, bool *good, struct err *err);
/* Makes the command of one entry (COMMAND_RETRACT or _REINSTATE, of that kind) with this body, or a problem where
 * writes are refused. */
NODISCARD int undo_command(struct api *api, struct exchange *exchange, uint8_t type, uint8_t kind, const char *call,
                           struct span body, enum http_outcome *outcome, struct err *err);
/* The answer to it if it was committed: 200 and the first members, {"NAME":id,"seq","timestamp". False: the response is
 * the finished problem. */
bool undo_answer(struct api *api, struct exchange *exchange, const struct reply *reply, const char *name);
/* The problem for what went wrong in a handler. */
void undo_failed(struct api *api, struct exchange *exchange, const struct err *err);

#endif
