/* Stopping: workers drain, then the committer finishes its queue, checkpoints and closes. */
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "supervisor/node.h"

enum { DRAIN_US = 30 * 1000 * 1000, CLOSE_US = 60 * 1000 * 1000 };

static void close_committer(struct node *node) {
  node->phase = PHASE_CLOSING;
  node->deadline_us = clock_monotonic() + CLOSE_US;
  /* Not a backup's tool: it is dropped when nobody is left in the environment to be harmed by that. Nor the archiver,
   * whose turn comes when the log is complete. */
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0 && node->children[i].role != ROLE_BACKUP && node->children[i].role != ROLE_ARCHIVER)
      child_terminate(&node->children[i]);
}

static void drain_workers(struct node *node) {
  node->phase = PHASE_DRAINING;
  node->deadline_us = clock_monotonic() + DRAIN_US;
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0 && node->children[i].role == ROLE_WORKER) {
      node->children[i].state = CHILD_DRAINING;
      child_terminate(&node->children[i]);
    }
  node_show(node);
  if (node_count(node, ROLE_WORKER) == 0)
    close_committer(node);
}

void node_stop(struct node *node) {
  bool serving = false;
  switch (node->phase) {
  case PHASE_UP:
    log_info(node->log, "Stopping");
    notify_send(node->notify, "STOPPING=1");
    segment_set_state(node->segment, NODE_STOPPING);
    for (size_t i = 0; i < node->child_count; i++)
      serving = serving || (node->children[i].pid > 0 && node->children[i].role == ROLE_COMMITTER &&
                            node->children[i].state == CHILD_READY);
    if (serving)
      drain_workers(node);
    else
      node_kill_all(node, 0); /* recovery may be broken off at any point */
    break;
  case PHASE_WAITING:
    node->phase = PHASE_OVER;
    node->exit_status = 0;
    break;
  case PHASE_KILLING: node->exit_status = node->exit_status < 0 ? 0 : node->exit_status; break;
  case PHASE_DRAINING:
  case PHASE_CLOSING:
  case PHASE_ARCHIVING:
  case PHASE_OVER: break;
  }
}

void node_stop_death(struct node *node, enum child_role role, int status) {
  bool normal = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  /* Too young to have a handler, or too late to be waited for. */
  bool excused = role == ROLE_WORKER && WIFSIGNALED(status) &&
                 (WTERMSIG(status) == SIGTERM || (WTERMSIG(status) == SIGKILL && node->deadline_us == 0));
  bool expected = normal && (role == ROLE_WORKER || node->phase == PHASE_CLOSING);
  if (!expected && !excused) {
    log_error(node->log, "Stopped after a failure: the next start recovers");
    node_kill_all(node, WIFEXITED(status) && WEXITSTATUS(status) == NODE_EXIT_CORRUPT ? NODE_EXIT_CORRUPT : 1);
  } else if (role == ROLE_COMMITTER) {
    archiver_finish(node);
  } else if (node_count(node, ROLE_WORKER) == 0 && node->phase == PHASE_DRAINING) {
    close_committer(node);
  }
}

void node_stop_late(struct node *node) {
  node->deadline_us = 0;
  if (node->phase == PHASE_CLOSING) {
    log_error(node->log, "The committer did not close in time: the next start recovers");
    node_kill_all(node, 1);
    return;
  }
  if (node->phase == PHASE_ARCHIVING) {
    log_warn(node->log, "The archiver did not end in time: what it did not archive, the next start does");
    node_kill_all(node, 0);
    return;
  }
  log_warn(node->log, "%zu workers still had requests after 30 s", node_count(node, ROLE_WORKER));
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0 && node->children[i].role == ROLE_WORKER)
      child_kill(&node->children[i]);
}
