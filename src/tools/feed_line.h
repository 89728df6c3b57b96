/* Lines of the feed (GET /v1/assertions as ndjson), as an export holds them. */
#ifndef TOOLS_FEED_LINE_H
#define TOOLS_FEED_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum feed_line {
  FEED_NONE,      /* no entry of the feed: whatever else, an assertion perhaps */
  FEED_ASSERTION, /* an entry of kind assertion */
  FEED_EVENT      /* an entry of another kind: a retraction, a reinstatement */
};

/* Tells what a line is. Of an assertion, what its client said of it is appended to `out`, byte for byte as the entry
 * has it: a line that an import takes. The arena is for what the parsing needs. */
enum feed_line feed_line_read(struct arena *arena, struct span line, struct buf *out);
/* The seq of an entry; false if the line is none. */
bool feed_line_seq(struct arena *arena, struct span line, uint64_t *seq);

#endif
