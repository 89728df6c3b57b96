#include "supervisor/backup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "supervisor/node.h"

enum { HOLD_US = 30 * 1000 * 1000, STAMP_LEN = 15, WHY_SIZE = 128, LINE_SIZE = ERR_TEXT_SIZE + 16 };

#define PARTIAL ".partial-"

/* .partial-YYYYMMDD-HHMMSS: nothing else is written to at another process's word. */
static bool is_partial_name(const char *name) {
  const char *stamp = name + sizeof(PARTIAL) - 1;
  return strncmp(name, PARTIAL, sizeof(PARTIAL) - 1) == 0 && strlen(stamp) == STAMP_LEN &&
         strspn(stamp, "0123456789") == 8 && stamp[8] == '-' && strspn(stamp + 9, "0123456789") == 6;
}

/* Tells whoever asked, and lets log files be removed again. */
static void finish(struct node *node, const char *line) {
  node->backup.step = BACKUP_NONE;
  segment_set_log_hold(node->segment, false);
  control_tell(&node->control, line);
}

static void fail_with(struct node *node, const char *why) {
  char line[LINE_SIZE];
  log_error(node->log, "Backup failed: %s", why);
  snprintf(line, sizeof(line), "failed: %s\n", why);
  finish(node, line);
}

static void start_tool(struct node *node, enum backup_step step) {
  const struct config *config = node->config;
  char home[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX];
  struct err err;
  bool history = step == BACKUP_HISTORY;
  /* The history's home has a DB_CONFIG, which -D follows; the indexes' files lie all in one folder. */
  char *whole[] = {(char *)"db5.3_hotbackup", (char *)"-D", (char *)"-h", home, (char *)"-b", target, NULL};
  char *flat[] = {(char *)"db5.3_hotbackup", (char *)"-h", home, (char *)"-b", target, NULL};
  int rc = fileio_join(home, config->data_dir, history ? "." : "db/indexes", &err);
  if (rc == 0)
    rc = fileio_join(target, node->backup.target, history ? "." : "indexes", &err);
  if (rc == 0)
    rc = node_start_tool(node, history ? whole : flat, &err);
  node->backup.step = step;
  if (rc)
    fail_with(node, err.text);
}

int backup_begin(struct node *node, const char *name, bool indexes, struct err *err) {
  struct backup *backup = &node->backup;
  if (!is_partial_name(name))
    return err_set(err, ERR_INVALID, "no name of a backup that is being made");
  if (node->phase != PHASE_UP || !node->ready)
    return err_set(err, ERR_BUSY, "the node is not ready");
  if (backup->step != BACKUP_NONE)
    return err_set(err, ERR_BUSY, "another backup is being made");
  if (fileio_join(backup->target, node->config->backup_dir, name, err))
    return err->code;
  backup->indexes = indexes;
  backup->step = BACKUP_HOLDING;
  backup->deadline_us = clock_monotonic() + HOLD_US;
  segment_set_log_hold(node->segment, true);
  node_wake_committer(node);
  log_info(node->log, "Backup begins: %s", backup->target);
  return 0;
}

void backup_tick(struct node *node) {
  struct backup *backup = &node->backup;
  if (backup->step != BACKUP_HOLDING)
    return;
  if (node->phase != PHASE_UP || !node->ready)
    fail_with(node, "the node stopped or restarted meanwhile");
  else if (segment_log_held(node->segment))
    start_tool(node, backup->indexes ? BACKUP_INDEXES : BACKUP_HISTORY);
  else if (clock_monotonic() > backup->deadline_us)
    fail_with(node, "the committer does not hold the removal of log files");
}

void backup_child_ended(struct node *node, int status) {
  struct backup *backup = &node->backup;
  char obituary[CHILD_OBITUARY_SIZE], why[WHY_SIZE];
  bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  child_obituary(status, obituary);
  if (node->phase == PHASE_KILLING) {
    fail_with(node, "the node restarted meanwhile");
  } else if (good && backup->step == BACKUP_HISTORY) {
    log_info(node->log, "Backup: the history is copied");
    finish(node, backup->indexes ? "done indexes\n" : "done\n");
  } else if (node->phase != PHASE_UP) {
    fail_with(node, "the node stops");
  } else if (WIFSIGNALED(status)) {
    snprintf(why, sizeof(why), "db_hotbackup %s", obituary);
    fail_with(node, why);
    node_fail(node, ROLE_BACKUP, "signal");
  } else if (backup->step == BACKUP_INDEXES) {
    if (!good)
      log_warn(node->log, "Backup: the indexes could not be copied, and are left out: db_hotbackup %s", obituary);
    backup->indexes = good;
    start_tool(node, BACKUP_HISTORY);
  } else {
    snprintf(why, sizeof(why), "db_hotbackup %s; the node's log tells more", obituary);
    fail_with(node, why);
  }
}
