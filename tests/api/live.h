/* A whole node in one process: store, projections and a committer of few lines behind a call. */
#ifndef TESTS_API_LIVE_H
#define TESTS_API_LIVE_H

#include "tests/api/call.h"

struct live {
  struct call call;
  struct store *store;
  struct projection *projection;
};

/* A fresh history in a folder of its own; the api is ready. Aborts when it cannot, as all of these do. */
void live_open(struct live *live);
void live_close(struct live *live);
/* Executes a command frame and puts the reply frame into `reply` (emptied first). Its entries are visible afterwards.
 */
void live_execute(void *live, struct span frame, struct buf *reply);
/* call_make, and if a command was made, its execution and api_finish. Returns the status. */
int live_make(struct live *live, enum http_method method, const char *target, const char *body, const char *key);
/* A GET or POST that must answer 200 or 201: the whole answer, good until the next call. */
const char *live_get(struct live *live, const char *target);

#endif
