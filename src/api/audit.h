/*
 * The audit log: who asked or changed what, a JSON object a line in log_dir/audit.log. A line is one write(2) to a file
 * opened for appending, so workers do not mix theirs. The file may be renamed at any time (log rotation): within a
 * second a new one is begun. Tokens and what assertions say are never in it; the history has the latter.
 */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "api/http.h"

struct audit;

/* Opens nothing yet. `config` and `log` are borrowed. ERR_NOMEM. */
NODISCARD int audit_open(const struct config *config, const struct log *log, struct audit **out, struct err *err);
/* Takes NULL. */
void audit_close(struct audit *audit);
/* Notes a finished exchange, if what it did is to be noted. A line that cannot be written is told in the log. */
void audit_note(struct audit *audit, const struct api *api, const struct exchange *exchange);

#endif
