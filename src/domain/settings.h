/*
 * Settings are assertions: what steers the lenses is asserted about sources and predicates with reserved predicates.
 * The one in force is the active one with the greatest seq up to the snapshot, whoever said it. Adding a setting is one
 * line of the table in settings.c.
 */
#ifndef DOMAIN_SETTINGS_H
#define DOMAIN_SETTINGS_H

#include "base/arena.h"
#include "base/segment.h"
#include "projection/snapshot.h"

/* What was looked up, kept from answer to answer while no setting changes (watermark.settings_seq). Bounded: names that
 * share a place push each other out. For one thread. */
struct settings_cache;

NODISCARD int settings_cache_create(struct settings_cache **out, struct err *err);
/* Takes NULL. */
void settings_cache_free(struct settings_cache *cache);

struct settings; /* of one answer; in the arena */

/* The settings as of `snapshot`, at most mark->visible_seq. `cache` may be NULL; it is used where no setting has
 * changed since the snapshot. ERR_NOMEM. */
NODISCARD int settings_open(struct arena *arena, const struct reader *reader, const struct watermark *mark,
                            uint64_t snapshot, struct settings_cache *cache, struct settings **out, struct err *err);
/* Takes NULL. */
void settings_close(struct settings *settings);
/* Trust of a source in [0, 1]: 1.0 if none was asserted; of anonymous (len 0): 1.0. */
NODISCARD int settings_trust(struct settings *settings, struct span source, double *trust, struct err *err);

#endif
