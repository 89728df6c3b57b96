#include "tests/corrupt/homes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/mark.h"

struct homes homes;

const char *homes_history(const char *data_dir) {
  return crashed_path(crashed_path(data_dir, "db"), STORE_HISTORY_FILE);
}

const char *homes_copy(const char *from) {
  const char *data = crashed_path(homes.work, "data");
  crashed_remove(data);
  crashed_copy(from, data);
  return data;
}

void homes_start(const char *data_dir, enum start_way way) {
  struct start_wish wish = {.way = way};
  start_run(data_dir, &wish, &homes.result);
}

void homes_make(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = PER_TXN, .checkpoint_at = CHECKPOINT};
  struct err err;
  /* Thousands of syncs: memory is enough for what is tested here. */
  if (access("/dev/shm", W_OK) == 0)
    setenv("TMPDIR", "/dev/shm", 0);
  homes.good = crashed_path(harness_folder(), "data");
  homes.settled = crashed_path(harness_folder(), "data");
  homes.work = harness_folder();
  mkdir(homes.good, 0750);
  crashed_create(homes.good, &plan);
  crashed_copy(homes.good, homes.settled);
  homes_start(homes.settled, START_COLD);
  if (homes.result.end != END_ALL_THERE ||
      walscan_run(crashed_path(homes.good, "wal"), false, NULL, &homes.whole, &err)) {
    fprintf(stderr, "%s", homes.result.log);
    abort();
  }
}

bool homes_expect(const char *what, bool met) {
  if (!met)
    printf("# %s: end %d, last_seq %llu\n# %s\n", what, homes.result.end, (unsigned long long)homes.result.last_seq,
           homes.result.log);
  return met;
}

bool homes_says(const char *words) {
  return words == NULL || strstr(homes.result.log, words) != NULL;
}

void homes_go_on(const char *data) {
  struct start_wish more = {.way = START_QUICK, .append = 120};
  uint64_t last = homes.result.last_seq;
  start_run(data, &more, &homes.result);
  CU_ASSERT(homes_expect("appending", homes.result.end == END_ALL_THERE && homes.result.last_seq == last));
  homes_start(data, START_COLD);
  CU_ASSERT(homes_expect("after it", homes.result.end == END_ALL_THERE && homes.result.last_seq == last + 120 &&
                                         !homes.result.wal_replaced));
}

void homes_set_mark(const char *data, uint64_t seq, int history_change, int branch_change) {
  struct mark mark;
  struct err err;
  bool found = false;
  int fd = -1;
  if (mark_read(data, &mark, &found, &err) || !found || mark_open(data, false, &fd, &err))
    abort();
  mark.seq = seq;
  mark.history_id[3] ^= (unsigned char)history_change;
  mark.branch ^= (uint64_t)branch_change;
  if (mark_write(fd, &mark, &err))
    abort();
  close(fd);
}
