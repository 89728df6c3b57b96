/* Starting the history of a mutilated data folder in a child process, and looking at what came of it. */
#ifndef TESTS_CORRUPT_START_H
#define TESTS_CORRUPT_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum start_way {
  START_COLD,
  START_QUICK,
  START_ACCEPT_LOSS /* startup_accept_loss() to `accept_to`, nothing else */
};

struct start_wish {
  enum start_way way;
  uint64_t accept_to;
  uint64_t append;    /* entries to append afterwards, flushed; then the child ends without closing */
  const char *faults; /* STEMEDB_FAULTS of the child; NULL: none */
  uint64_t timeout_s; /* config's recovery_timeout_s; 0: 60 */
};

enum start_end {
  END_ALL_THERE,  /* started; every entry is there and what it was */
  END_STOPPED,    /* ERR_CORRUPT: exit status 3 */
  END_NO_HISTORY, /* ERR_NOTFOUND: exit status 3 */
  END_REFUSED,    /* another err code */
  END_WRONG,      /* started with an entry that is wrong or missing in the middle */
  END_KILLED      /* by a signal */
};

struct start_result {
  enum start_end end;
  uint64_t last_seq, from_superseded, replayed;
  bool wal_replaced, tail_cut;
  char log[16384]; /* all lines, and err.text at last */
};

/* Runs it in a child. Aborts only if the test itself cannot go on. */
void start_run(const char *data_dir, const struct start_wish *wish, struct start_result *out);

#endif
