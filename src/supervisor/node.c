#include "supervisor/node.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"

enum { SECOND_US = 1000 * 1000, BACKOFF_FIRST_US = 100 * 1000, BACKOFF_MAX_US = 30 * SECOND_US, BACKOFF_DOUBLINGS = 9 };
/* A second corruption so soon after a full check found nothing: checking again would find nothing again. */
enum { CORRUPT_AGAIN_US = 60 * SECOND_US };
/* How often it is looked whether the committer holds the removal of log files. */
enum { HOLDING_US = 5000 };
/* One broken promise may be ours: the whole node may have been stopped, and we woke first. */
enum { OVERDUE_TICKS = 2 };

int node_init(struct node *node, const struct config *config, struct err *err) {
  *node = (struct node){.config = config, .phase = PHASE_WAITING, .child_count = (size_t)config->workers + 4};
  node->event_us = node->deadline_us = node->tick_us = clock_monotonic();
  node->children = calloc(node->child_count, sizeof(*node->children));
  if (!node->children)
    return err_set(err, ERR_NOMEM, "no memory for %zu processes", node->child_count);
  for (size_t i = 0; i < node->child_count; i++)
    node->children[i].ready_fd = -1;
  return 0;
}

void node_free(struct node *node) {
  free(node->children);
}

size_t node_count(const struct node *node, enum child_role role) {
  size_t count = 0;
  for (size_t i = 0; i < node->child_count; i++)
    count += node->children[i].pid > 0 && node->children[i].role == role;
  return count;
}

static int start_child(struct node *node, enum child_role role, bool quick, struct err *err) {
  struct child *place = node->children;
  while (place->pid > 0)
    place++; /* one more than can be in use */
  int rc = child_start(place, role, &node->setup, quick, node->log, err);
  place->generation = node->generation;
  return rc;
}

int node_start_worker(struct node *node, struct err *err) {
  return start_child(node, ROLE_WORKER, false, err);
}

int node_start_archiver(struct node *node, struct err *err) {
  int rc = start_child(node, ROLE_ARCHIVER, false, err);
  node_show(node);
  return rc;
}

int node_start_tool(struct node *node, char *const argv[], struct err *err) {
  struct child *place = node->children;
  while (place->pid > 0)
    place++;
  int rc = child_start_tool(place, argv, &node->setup, node->log, err);
  node_show(node);
  return rc;
}

static void start_all(struct node *node) {
  struct err err;
  bool quick = node->proven && node->failures <= 1 && !node->verify && !node->never_quick;
  node->phase = PHASE_UP;
  node->ready = node->verify = false;
  node->overdue = 0;
  segment_set_deadline(node->segment, 0);
  segment_set_state(node->segment, NODE_RECOVERING);
  int rc = start_child(node, ROLE_COMMITTER, quick, &err);
  for (uint64_t i = 0; i < node->config->workers && !rc; i++)
    rc = node_start_worker(node, &err);
  node_show(node);
  if (rc) {
    log_error(node->log, "cannot start the node: %s", err.text);
    node->failures++;
    node_kill_all(node, -1);
  }
}

/* All are dead: end, or plan the next start. The first is immediate; only starts that fail in a row are spaced out. */
static void after_killing(struct node *node) {
  node_show(node);
  if (node->exit_status >= 0) {
    node->phase = PHASE_OVER;
    return;
  }
  uint64_t delay = 0;
  if (node->failures > 1) {
    unsigned doublings = node->failures - 2 < BACKOFF_DOUBLINGS ? node->failures - 2 : BACKOFF_DOUBLINGS;
    delay = (uint64_t)BACKOFF_FIRST_US << doublings;
    delay = delay > BACKOFF_MAX_US ? BACKOFF_MAX_US : delay;
    log_warn(node->log, "%u starts in a row failed: next one in %.1f s", node->failures, (double)delay / SECOND_US);
  }
  node->phase = PHASE_WAITING;
  node->deadline_us = clock_monotonic() + delay;
}

void node_kill_all(struct node *node, int exit_status) {
  node->phase = PHASE_KILLING;
  node->exit_status = exit_status;
  node->ready = false;
  bool any = false;
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0) {
      child_kill(&node->children[i]);
      any = true;
    }
  if (!any)
    after_killing(node);
}

void node_fail(struct node *node, enum child_role role, const char *cause) {
  node->failures = node->ready ? 0 : node->failures + 1;
  node->event_us = clock_monotonic();
  segment_set_state(node->segment, NODE_RECOVERING);
  node_count_restart(node, role, cause);
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0)
      node_count_restart(node, node->children[i].role, "node");
  log_warn(node->log, "Restarting all processes with recovery");
  node_kill_all(node, -1);
}

/* A process found corruption. One that was in the live environment may have seen what another one's death left in the
 * shared regions, so the committer checks everything alone, and its word is final. */
static void fail_corrupt(struct node *node, enum child_role role, enum child_state state) {
  uint64_t now = clock_monotonic();
  bool again = node->corrupt_us && now - node->corrupt_us < CORRUPT_AGAIN_US;
  if (again || (role == ROLE_COMMITTER && state == CHILD_STARTING)) {
    log_error(node->log, "Stopping: the store cannot be served");
    segment_set_state(node->segment, NODE_FAILED);
    node_kill_all(node, NODE_EXIT_CORRUPT);
    return;
  }
  node->corrupt_us = now;
  node->verify = true;
  node_fail(node, role, "exit");
}

static void on_death(struct node *node, struct child *child, int status) {
  struct child dead = *child;
  char obituary[CHILD_OBITUARY_SIZE];
  bool normal = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  child_obituary(status, obituary);
  child_kill(child); /* what it started, and left behind */
  child_forget(child);
  if (dead.role == ROLE_BACKUP) {
    node_show(node);
    backup_child_ended(node, status);
    return;
  }
  if (node->phase == PHASE_KILLING)
    return;
  if (normal)
    log_info(node->log, "%s %ld ended", child_role_name(dead.role), (long)dead.pid);
  else
    log_error(node->log, "%s %ld %s", child_role_name(dead.role), (long)dead.pid, obituary);
  node_show(node);
  if (dead.role == ROLE_ARCHIVER) {
    archiver_ended(node, status);
  } else if (node->phase != PHASE_UP) {
    node_stop_death(node, dead.role, status);
  } else if (normal && dead.state == CHILD_DRAINING) {
    node_count_restart(node, dead.role, "reload");
    node_roll(node);
  } else if (WIFEXITED(status) && WEXITSTATUS(status) == NODE_EXIT_CORRUPT) {
    fail_corrupt(node, dead.role, dead.state);
  } else {
    node_fail(node, dead.role, WIFSIGNALED(status) ? "signal" : "exit");
  }
}

void node_reap(struct node *node) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    struct child *child = node->children, *end = child + node->child_count;
    while (child < end && child->pid != pid)
      child++;
    if (child < end) /* else an orphan of a child's that came to us as the subreaper */
      on_death(node, child, status);
  }
  if (pid < 0 && errno == ECHILD && node->phase == PHASE_KILLING)
    after_killing(node);
}

void node_hear(struct node *node, struct child *child) {
  if (!child_hear(child))
    return;
  child->state = CHILD_READY;
  size_t ready = 0;
  for (size_t i = 0; i < node->child_count; i++)
    ready +=
        node->children[i].pid > 0 && node->children[i].state == CHILD_READY && node->children[i].role != ROLE_ARCHIVER;
  if (!node->ready && ready == (size_t)node->config->workers + 1) {
    if (node->proven) /* the first start's last word is the committer's */
      log_info(node->log, "Committer and %zu workers are back after %.3f s", ready - 1,
               (double)(clock_monotonic() - node->event_us) / SECOND_US);
    node->ready = node->proven = true;
    node->failures = 0;
    notify_send(node->notify, "READY=1");
  }
  node_show(node);
  node_roll(node);
}

static struct child *committer(const struct node *node) {
  for (size_t i = 0; i < node->child_count; i++)
    if (node->children[i].pid > 0 && node->children[i].role == ROLE_COMMITTER)
      return &node->children[i];
  return NULL;
}

void node_wake_committer(const struct node *node) {
  const struct child *child = committer(node);
  if (child && child->state == CHILD_READY)
    kill(child->pid, SIGUSR1);
}

static void watch_committer(struct node *node, uint64_t now) {
  const struct child *child = committer(node);
  uint64_t promise = segment_deadline(node->segment);
  bool broken = child && child->state == CHILD_READY && promise && now > promise;
  node->overdue = broken ? node->overdue + 1 : 0;
  if (node->overdue < OVERDUE_TICKS)
    return;
  log_error(node->log, "committer %ld hangs: not heard of for %.0f s longer than it promised", (long)child->pid,
            (double)(now - promise) / SECOND_US);
  node_fail(node, ROLE_COMMITTER, "hung");
}

static bool is_stopping(const struct node *node) {
  return node->phase == PHASE_DRAINING || node->phase == PHASE_CLOSING || node->phase == PHASE_ARCHIVING;
}

void node_tick(struct node *node) {
  uint64_t now = clock_monotonic();
  bool due = node->deadline_us && now >= node->deadline_us;
  if (node->phase == PHASE_WAITING && due)
    start_all(node);
  else if (is_stopping(node) && due)
    node_stop_late(node);
  backup_tick(node);
  if (now < node->tick_us)
    return;
  node->tick_us = now + SECOND_US;
  node_show_backups(node);
  node_show_drills(node);
  node_show_time(node, now);
  node_show_nginx(node);
  if (node->phase == PHASE_UP && !node->ready)
    notify_send(node->notify, "EXTEND_TIMEOUT_USEC=30000000");
  if (node->phase == PHASE_UP)
    watch_committer(node, now);
  archiver_tick(node, now);
}

int node_timeout_ms(const struct node *node) {
  uint64_t now = clock_monotonic(), next = node->tick_us;
  bool timed = node->phase == PHASE_WAITING || is_stopping(node);
  if (timed && node->deadline_us && node->deadline_us < next)
    next = node->deadline_us;
  if (node->backup.step == BACKUP_HOLDING && next > now + HOLDING_US)
    next = now + HOLDING_US;
  return next <= now ? 0 : (int)((next - now + 999) / 1000);
}
