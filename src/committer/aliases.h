/* How large a class of aliases may become: what an assertion of stemedb.same_as would make of it, decided where all
 * writes come by one after another. */
#ifndef COMMITTER_ALIASES_H
#define COMMITTER_ALIASES_H

#include "committer/committer.h"

/* If the entry says that two paths are the same: *fits is false if their class would then have more paths than it may,
 * by what is stored and by what this batch stores before it; else the batch notes it (batch->edges). */
NODISCARD int aliases_check(struct committer *committer, const struct command_entry *entry, bool *fits,
                            struct err *err);

#endif
