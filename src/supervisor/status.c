#include <stdio.h>
#include <unistd.h>

#include "base/backup_status.h"
#include "base/drill_status.h"
#include "supervisor/node.h"
#include "supervisor/pids.h"

static const char *const state_labels[CHILD_STATE_COUNT] = {
    [CHILD_STARTING] = "state=\"starting\"",
    [CHILD_READY] = "state=\"ready\"",
    [CHILD_DRAINING] = "state=\"draining\"",
};

void node_show(struct node *node) {
  struct metrics *metrics = segment_metrics(node->segment);
  struct err err;
  for (int state = 0; state < CHILD_STATE_COUNT; state++) {
    uint64_t count = 0;
    for (size_t i = 0; i < node->child_count; i++)
      count += node->children[i].pid > 0 && node->children[i].role == ROLE_WORKER &&
               node->children[i].state == (enum child_state)state;
    metric_set(metrics_cell(metrics, METRIC_WORKERS, state_labels[state]), count);
  }
  if (pids_write(getpid(), node->children, node->child_count, node->nginx, &err) != 0)
    log_warn(node->log, "%s", err.text);
}

void node_show_time(struct node *node, uint64_t now) {
  metric_set(metrics_cell(segment_metrics(node->segment), METRIC_UPTIME, ""), now - segment_started(node->segment));
}

void node_show_backups(struct node *node) {
  struct metrics *metrics = segment_metrics(node->segment);
  struct backup_status status;
  backup_status_read(node->config->data_dir, &status);
  metric_set(metrics_cell(metrics, METRIC_LAST_BACKUP_TIMESTAMP, ""), status.last_us);
  metric_set(metrics_cell(metrics, METRIC_BACKUP_FAILURES_TOTAL, ""), backup_status_failures(&status));
}

void node_show_drills(struct node *node) {
  struct metrics *metrics = segment_metrics(node->segment);
  struct drill_status status;
  drill_status_read(node->config->home, &status);
  metric_set(metrics_cell(metrics, METRIC_LAST_DRILL_TIMESTAMP, ""), status.last_us);
  metric_set(metrics_cell(metrics, METRIC_LAST_DRILL_SUCCESS, ""), status.passed);
  metric_set(metrics_cell(metrics, METRIC_LAST_DRILL_RTO, ""), status.rto_us);
  metric_set(metrics_cell(metrics, METRIC_LAST_DRILL_RPO, ""), status.rpo_us);
}

void node_show_nginx(struct node *node) {
  pid_t nginx = pids_nginx();
  if (nginx == node->nginx)
    return;
  node->nginx = nginx;
  node_show(node);
}

void node_show_restarts(struct node *node) {
  static const enum child_role roles[] = {ROLE_COMMITTER, ROLE_WORKER, ROLE_ARCHIVER};
  static const char *const causes[] = {"signal", "exit", "hung", "node", "reload"};
  char labels[96];
  for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++)
    for (size_t c = 0; c < sizeof(causes) / sizeof(causes[0]); c++) {
      snprintf(labels, sizeof(labels), "role=\"%s\",cause=\"%s\"", child_role_name(roles[r]), causes[c]);
      metrics_cell(segment_metrics(node->segment), METRIC_PROCESS_RESTARTS_TOTAL, labels);
    }
}

void node_count_restart(struct node *node, enum child_role role, const char *cause) {
  char labels[96];
  snprintf(labels, sizeof(labels), "role=\"%s\",cause=\"%s\"", child_role_name(role), cause);
  metric_add(metrics_cell(segment_metrics(node->segment), METRIC_PROCESS_RESTARTS_TOTAL, labels), 1);
}
