/*
 * Settings are assertions: what steers the lenses is asserted about sources and predicates with reserved predicates.
 * The one in force is the active one with the greatest seq up to the snapshot, whoever said it. Adding a setting is one
 * line of the table in settings.c.
 */
#ifndef DOMAIN_SETTINGS_H
#define DOMAIN_SETTINGS_H

#include "base/arena.h"
#include "projection/snapshot.h"

struct settings; /* a cache for one answer; in the arena */

NODISCARD int settings_open(struct arena *arena, const struct reader *reader, uint64_t snapshot, struct settings **out,
                            struct err *err);
/* Takes NULL. */
void settings_close(struct settings *settings);
/* Trust of a source in [0, 1]: 1.0 if none was asserted; of anonymous (len 0): 1.0. */
NODISCARD int settings_trust(struct settings *settings, struct span source, double *trust, struct err *err);

#endif
