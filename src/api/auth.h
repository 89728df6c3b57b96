/* Who is asking, and what they may do. The one place that reads tokens. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/http.h"

/* Fills in exchange->caller and compares its role with the least that is needed. False: the response is the finished
 * problem (401 or 403). While the node has no tokens anyone is an admin without a name; nginx listens on loopback. */
bool auth_admit(struct api *api, struct exchange *exchange, enum role needed);

#endif
