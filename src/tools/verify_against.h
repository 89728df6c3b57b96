/* The other side of `stemedb verify --against`: a node's address, another copy, a dump or a metadata.json. */
#ifndef TOOLS_VERIFY_AGAINST_H
#define TOOLS_VERIFY_AGAINST_H

#include "ops/against_file.h"
#include "tools/client.h"

enum { VERIFY_URL_SIZE = 2048 };

struct verify_other {
  const char *where;
  bool is_node, is_file, opened;
  char url[VERIFY_URL_SIZE]; /* without a slash at its end */
  struct client_settings settings;
  struct client *client;
  struct against_node node;
  struct report report; /* of the other copy: told apart from ours */
  struct verify copy;
  struct against_file file;
  uint64_t last_seq;
  size_t watch_ours, watch_theirs;
};

/* Opens it, and sets a watch in `ours`, which was opened and not run yet. Ends with verify_other_close(), also after an
 * error. */
NODISCARD int verify_other_open(struct verify_other *other, const char *where, struct verify *ours, struct err *err);
/* After `ours` was run: what they are to each other. */
NODISCARD int verify_other_compare(struct verify_other *other, const struct verify *ours, struct against *out,
                                   struct err *err);
void verify_other_close(struct verify_other *other);

#endif
