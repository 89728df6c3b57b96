/*
 * Who is asking, and what they may do: the one place that reads tokens. Without a token file anyone is an admin without
 * a name (nginx then listens on loopback alone). The file is looked at again when it has changed, within a second. A
 * file that has gone, or that cannot be read any more, changes nothing, so that a slip never opens a node that was
 * shut.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/http.h"

struct auth;

/* Reads `path` if there is such a file; one that cannot be read lets nobody in, and the log says why. The log and the
 * path are borrowed. ERR_NOMEM. */
NODISCARD int auth_open(const char *path, const struct log *log, struct auth **out, struct err *err);
/* Takes NULL. */
void auth_close(struct auth *auth);
/* Whether tokens are asked for. Takes NULL. */
bool auth_required(const struct auth *auth);

/* Fills in exchange->caller and compares its role with the least that is needed. False: the response is the finished
 * problem (401 with WWW-Authenticate, 403). */
bool auth_admit(struct api *api, struct exchange *exchange, enum role needed);
/* Why this caller may not assert it (constant text): stemedb.* is for admins, and a token that is bound to sources
 * speaks for no other. NULL: they may. */
const char *auth_assert_fault(const struct caller *caller, struct span predicate, struct span source);

#endif
