#include "supervisor/archiver.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "supervisor/node.h"

enum {
  SECOND_US = 1000 * 1000,
  BACKOFF_DOUBLINGS = 5, /* up to 32 s */
  LONG_LIFE_US = 60 * SECOND_US,
  FINISH_US = 10 * SECOND_US
};

void archiver_tick(struct node *node, uint64_t now) {
  struct err err;
  if (node->phase != PHASE_UP || !node->config->archive_target[0] || node_count(node, ROLE_ARCHIVER) > 0 ||
      now < node->archiver.due_us)
    return;
  node->archiver.started_us = now;
  if (node_start_archiver(node, &err) == 0)
    return;
  log_error(node->log, "cannot start the archiver: %s", err.text);
  node->archiver.due_us = now + ((uint64_t)SECOND_US << BACKOFF_DOUBLINGS);
}

static void over(struct node *node) {
  node->phase = PHASE_OVER;
  node->exit_status = 0;
}

void archiver_ended(struct node *node, int status) {
  struct archiver *archiver = &node->archiver;
  uint64_t now = clock_monotonic();
  if (node->phase == PHASE_ARCHIVING)
    over(node);
  if (node->phase != PHASE_UP)
    return;
  bool lived = now - archiver->started_us >= LONG_LIFE_US;
  unsigned doublings = lived ? 0 : archiver->failures < BACKOFF_DOUBLINGS ? archiver->failures : BACKOFF_DOUBLINGS;
  archiver->failures = lived ? 0 : archiver->failures + 1;
  archiver->due_us = now + ((uint64_t)SECOND_US << doublings);
  node_count_restart(node, ROLE_ARCHIVER, WIFSIGNALED(status) ? "signal" : "exit");
}

void archiver_finish(struct node *node) {
  if (node_count(node, ROLE_ARCHIVER) == 0) {
    over(node);
    return;
  }
  node->phase = PHASE_ARCHIVING;
  node->deadline_us = clock_monotonic() + FINISH_US;
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0 && node->children[i].role == ROLE_ARCHIVER)
      child_terminate(&node->children[i]);
}
