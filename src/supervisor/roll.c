/* The rolling restart: a new worker first, and only when it serves, the old one drains. Deduced from the places alone,
 * so that it can begin, be overtaken by another one, or be ended by a failure at any moment. */
#include "base/clock.h"
#include "supervisor/node.h"

void node_reload(struct node *node) {
  if (node->phase != PHASE_UP || !node->ready) {
    log_info(node->log, "No rolling restart: the workers are just being started");
    return;
  }
  node->generation++;
  log_info(node->log, "Rolling restart of %zu workers", node_count(node, ROLE_WORKER));
  node_roll(node);
}

void node_roll(struct node *node) {
  struct child *old = NULL;
  struct err err;
  if (node->phase != PHASE_UP || !node->ready)
    return;
  for (size_t i = 0; i < node->child_count; i++) {
    struct child *child = &node->children[i];
    if (child->pid <= 0 || child->role != ROLE_WORKER)
      continue;
    if (child->state != CHILD_READY)
      return;
    if (child->generation != node->generation)
      old = child;
  }
  if (!old)
    return;
  if (node_count(node, ROLE_WORKER) > (size_t)node->config->workers) {
    old->state = CHILD_DRAINING;
    child_terminate(old);
  } else if (node_start_worker(node, &err) != 0) {
    log_error(node->log, "Rolling restart ends early: %s", err.text);
    for (size_t i = 0; i < node->child_count; i++)
      node->children[i].generation = node->generation;
  }
  node_show(node);
}
