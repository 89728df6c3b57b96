/* Checkpoints of one environment, at once or in a thread, so that commits go on meanwhile. For store/ and projection/.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include "store/env.h"

/* Zeroed, with `env` and, if wanted, `before` (what to do first, in the same thread) and `ctx` for it set. */
struct checkpoint {
  struct env *env;
  int (*before)(void *ctx, struct err *err);
  void *ctx;
  bool running; /* there is a thread to join */
  pthread_t thread;
  atomic_bool finished; /* the thread has set code and err */
  int code;
  struct err err;
};

/* Whether at least `min_bytes` of log were written since the last checkpoint. */
NODISCARD int checkpoint_due(struct env *env, uint64_t min_bytes, bool *due, struct err *err);
/* Checkpoints now, after the one that runs. A failure panics the environment. */
NODISCARD int checkpoint_run(struct checkpoint *c, struct err *err);
/* Starts one in a thread if it is due and none runs. Returns the error of an earlier one, too. */
NODISCARD int checkpoint_start(struct checkpoint *c, uint64_t min_bytes, bool *started, struct err *err);
/* Waits for the one that runs; its error. Before the environment is closed. */
int checkpoint_wait(struct checkpoint *c, struct err *err);

#endif
