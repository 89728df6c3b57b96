/*
 * A dump: a whole history as text, to be kept, moved, read by other programs, and loaded again with the same ids, root
 * and answers. JSON, one object a line:
 *
 *   {"stemedb_dump":1,"history":NAME,"history_id":…,"timelines":[{"number","branch","branched_at_seq","timestamp"}…],
 *    "entries":N}
 *   an entry of the feed (GET /v1/assertions), N times
 *   {"stemedb_dump_end":1,"entries":N,"assertion_count":M,"last_seq":N,"history_root":…}
 *
 * A partial one, which a salvage makes, has `"partial":true` in its first line, perhaps gaps between its entries, which
 * are named as `"missing":[[from,to]…]` in the last, and no root where there are any.
 */
#ifndef OPS_DUMP_H
#define OPS_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/entry.h"
#include "model/timeline.h"

enum { DUMP_FORMAT = 1, DUMP_LINE_MAX = 4 << 20 };

/* The first line. */
struct dump_head {
  struct history_meta meta; /* owned: dump_head_free */
  uint64_t entries;
  bool partial;
};

/* The last line. */
struct dump_end {
  uint64_t entries, assertion_count, last_seq;
  bool has_root;
  unsigned char root[DIGEST_SIZE];
};

/* --- dump_line.c --- */

void dump_put_head(struct buf *out, const struct dump_head *head);
/* `missing` (missing_count pairs) are the gaps of a partial one. */
void dump_put_end(struct buf *out, const struct dump_end *end, const uint64_t (*missing)[2], size_t missing_count);
void dump_head_free(struct dump_head *head);

/* What is wrong with a line is ERR_INVALID. */
NODISCARD int dump_read_head(struct span line, struct dump_head *out, struct err *err);
/* One entry: its record is appended to `record`, as it is stored. *is_end: it is the last line instead. */
NODISCARD int dump_read_line(struct arena *arena, struct span line, struct buf *record, struct dump_end *end,
                             bool *is_end, struct err *err);

/* --- dump_file.c --- */

struct dump_file;

/* Opens a dump, plain or compressed by gzip; "-" is standard input. Reads its first line into *head. */
NODISCARD int dump_file_open(const char *path, struct dump_file **out, struct dump_head *head, struct err *err);
/* The next line, without its end, good until the next call; *found is false at the end of the file. *number is its
 * number, from 1. ERR_INVALID: longer than DUMP_LINE_MAX, or damaged by its compression. */
NODISCARD int dump_file_next(struct dump_file *file, struct span *line, uint64_t *number, bool *found, struct err *err);
/* Takes NULL. */
void dump_file_close(struct dump_file *file);

#endif
