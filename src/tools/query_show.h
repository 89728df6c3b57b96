/* How the answer of a query is shown. */
#ifndef TOOLS_QUERY_SHOW_H
#define TOOLS_QUERY_SHOW_H

#include "tools/call.h"

/* Prints call->reply: what is resolved, then the assertions. Returns the exit status. */
int query_show(struct call *call);

#endif
