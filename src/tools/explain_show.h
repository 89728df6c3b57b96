/* How the explanation of a query is shown. */
#ifndef TOOLS_EXPLAIN_SHOW_H
#define TOOLS_EXPLAIN_SHOW_H

#include "tools/call.h"

/* Prints what was considered and what was left out of call->reply, if it tells that; `many` is whether its topics
 * belong to several concepts. -1, or the exit status of a failure. */
int explain_show(struct call *call, bool many);

#endif
