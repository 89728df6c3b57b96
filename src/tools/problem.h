/* A refusal of the node, in plain words. */
#ifndef TOOLS_PROBLEM_H
#define TOOLS_PROBLEM_H

#include <stdio.h>

#include "tools/client.h"

/* Says on `out` what the answer refuses and why: its detail, then a line for each field that is wrong, then what else
 * it tells. `name` is the subcommand's. An answer that is no problem+json is told by its status alone. */
void problem_explain(FILE *out, const char *name, const struct client_answer *answer);
/* The exit status that an answer's status means. */
int problem_status(long status);

#endif
