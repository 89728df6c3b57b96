/* A store and its projection in a temporary folder, and beside them a plain list of all that was asserted. */
#ifndef TESTS_DOMAIN_WORLD_H
#define TESTS_DOMAIN_WORLD_H

#include "base/segment.h"
#include "projection/snapshot.h"
#include "tests/store/fixture.h"

/* One assertion, in plain words; or a retraction or reinstatement, of which `value` is the body. All texts are owned,
 * canonical where they are JSON. */
struct fact {
  uint8_t kind;                    /* enum entry_kind */
  char *path, *predicate, *source; /* source NULL: anonymous */
  char *value;
  char *confidence; /* NULL: absent */
  double number;    /* 1 if absent */
  uint64_t seq, time_us;
  char id[2 * ID_SIZE + 1];
  char *json; /* as a query shows it, put together member by member */
};

struct world {
  struct fixture fixture;
  struct store *store;
  struct projection *projection;
  struct reader reader;
  struct watermark mark;
  struct fact **facts; /* facts[i]->seq is i + 1; they stay where they are */
  size_t count, room;
};

/* With `cache_bytes` of cache for the indexes. Aborts if anything fails, as do all of these. */
void world_open(struct world *world, uint64_t cache_bytes);
void world_close(struct world *world);
/* Adds an assertion that is not stored yet; its time is `gap_us` after the one before it. `value` is canonical JSON,
 * `confidence` the text of a number or NULL, `recorded_by` a token's name or NULL. */
void world_assert(struct world *world, const char *path, const char *predicate, const char *source, const char *value,
                  const char *confidence, const char *recorded_by, uint64_t gap_us);
/* Adds a retraction or reinstatement with this canonical body. */
void world_request(struct world *world, uint8_t kind, const char *body);
/* Stores, projects and shows what was added since. */
void world_commit(struct world *world);

/* `text` as a JSON string. The caller frees it. */
char *world_quote(const char *text);

#endif
