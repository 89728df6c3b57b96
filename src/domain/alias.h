/*
 * Aliases: paths that are said to be one concept. stemedb.same_as about a path names another one; the one in force is
 * the newest active one, as of any setting, so that each path names at most one. Taken both ways and from path to path,
 * these make classes.
 */
#ifndef DOMAIN_ALIAS_H
#define DOMAIN_ALIAS_H

#include "domain/settings.h"

enum {
  ALIAS_CLASS_MAX = 64,       /* paths of a class */
  ALIAS_ASSERTIONS_MAX = 4096 /* that are read to find one */
};

/* An assertion of stemedb.same_as that is not stored yet, but counts as the newest about `path`. */
struct alias_edge {
  struct span path, target;
};

struct alias_class {
  struct span paths[ALIAS_CLASS_MAX]; /* ascending by bytes; in the arena */
  size_t count;
  bool too_large; /* more than ALIAS_CLASS_MAX paths, or ALIAS_ASSERTIONS_MAX assertions; paths are then some of them */
};

/* The class of `path`, itself included, as of the settings' snapshot; with `edges` (later ones are newer), those count
 * on top of it. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT. */
NODISCARD int alias_find_class(const struct reader *reader, struct settings *settings, uint64_t snapshot,
                               struct arena *arena, struct span path, const struct alias_edge *edges, size_t edge_count,
                               struct alias_class *out, struct err *err);

#endif
