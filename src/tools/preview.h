/*
 * A read-only node over a private copy of a backup or a stopped home: for looking into it. A process of its own, the
 * keeper, makes the copy, starts the node (stemedb-api and nginx), and ends it and removes the copy when the caller
 * ends it or is gone, however that happens.
 */
#ifndef TOOLS_PREVIEW_H
#define TOOLS_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"
#include "ops/scratch.h"

struct preview_settings {
  const char *source;          /* the backup or home */
  const char *parent;          /* folder for the copy; NULL: $TMPDIR, else /var/tmp */
  const char *token;           /* if not NULL, the only one that the node knows */
  struct scratch_options node; /* ports 0: free ones */
};

struct preview {
  pid_t keeper;
  int fd; /* the keeper lives as long as the other end of it */
  uint64_t api_port, dashboard_port;
};

/* Returns when the node serves. Errors as those of scratch_fill(); ERR_IO if it does not start. */
NODISCARD int preview_start(const struct preview_settings *settings, const struct log *log, struct preview *out,
                            struct err *err);
/* Whether it has ended by itself. */
bool preview_over(const struct preview *preview);
/* Ends it and waits for that. Takes one that was never started (keeper 0). */
void preview_stop(struct preview *preview);

/* --- preview_node.c: the keeper's side --- */

struct preview_node {
  struct scratch scratch;
  pid_t api, nginx; /* 0: does not run */
};

/* Starts the node of a filled scratch home, and returns when it serves. `lifeline` becomes readable when nobody wants
 * it any more: ERR_CONFLICT then. Free ports are chosen where the settings name none. */
NODISCARD int preview_node_start(struct preview_node *node, const struct preview_settings *settings, int lifeline,
                                 struct preview *ports, struct err *err);
/* Ends both processes. */
void preview_node_stop(struct preview_node *node);
/* Whether one of them has ended. */
bool preview_node_gone(struct preview_node *node);

#endif
