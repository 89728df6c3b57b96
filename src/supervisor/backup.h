/*
 * The copying part of an online backup: db_hotbackup (db5.3-util) as a child of the node, once over the indexes and
 * then over the history, so that the copied indexes are never ahead. Whoever asked makes a backup of the copies
 * (src/ops/). The tool joins the live environments, so its abnormal end is that of any process of the node: what it
 * left in the shared regions (a range of pages closed to writers, which no later checkpoint gets past) only a recovery
 * clears.
 */
#ifndef SUPERVISOR_BACKUP_H
#define SUPERVISOR_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fileio.h"

struct node;

enum backup_step {
  BACKUP_NONE,
  BACKUP_HOLDING, /* waits until the committer holds the removal of log files */
  BACKUP_INDEXES,
  BACKUP_HISTORY
};

struct backup {
  enum backup_step step;
  bool indexes;                 /* are wanted, and as yet good */
  char target[FILEIO_PATH_MAX]; /* BACKUP_DIR/.partial-STAMP, made by whoever asked */
  uint64_t deadline_us;         /* of BACKUP_HOLDING */
};

/* Begins copying into the folder `name` (.partial-STAMP) of the backup folder: its sub-folder indexes, then itself.
 * ERR_BUSY while another one runs or the node is not ready; ERR_INVALID for another name. The end is told by
 * control_tell(). */
NODISCARD int backup_begin(struct node *node, const char *name, bool indexes, struct err *err);
/* Does what is due. */
void backup_tick(struct node *node);
/* The tool ended, with this wait status. */
void backup_child_ended(struct node *node, int status);

#endif
