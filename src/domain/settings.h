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
/* What can be set: about a source, and about a predicate's concept, `predicate/NAME`. */
enum setting_id {
  SETTING_TRUST,       /* number in [0, 1] */
  SETTING_TIER,        /* 0 to 5 */
  SETTING_HALF_LIFE,   /* days, above 0; 0 where none was set: no decay */
  SETTING_CARDINALITY, /* 1: "many"; 0: "one" */
  SETTING_TOLERANCE,   /* number from 0 */
  SETTING_COUNT
};

enum { SETTING_TEXT_MAX = 39 };

/* A setting in force. */
struct setting_value {
  double number;
  uint64_t seq;                /* of the assertion that made it; 0: nothing was asserted, and `number` is the default */
  uint8_t len;                 /* of text; 0 where nothing was asserted */
  char text[SETTING_TEXT_MAX]; /* the number as it was asserted, canonical */
};

/* The setting of `name` (a concept path); the default of anonymous (len 0). */
NODISCARD int settings_find(struct settings *settings, enum setting_id id, struct span name, struct setting_value *out,
                            struct err *err);
/* The same of the predicate `predicate`. */
NODISCARD int settings_find_predicate(struct settings *settings, enum setting_id id, struct span predicate,
                                      struct setting_value *out, struct err *err);

/* The path that `path` is said to be the same as (stemedb.same_as), in the arena; data NULL: none. Not kept. */
NODISCARD int settings_find_alias(struct settings *settings, struct span path, struct span *target, struct err *err);

#endif
