/* Which moments can be restored: of every timeline that backups and an archive hold, from which entry to which. */
#ifndef OPS_RESTORABLE_H
#define OPS_RESTORABLE_H

#include "ops/backup.h"
#include "ops/point.h"

/* Of one timeline. */
struct restorable_window {
  char history[HISTORY_NAME_SIZE]; /* with the timeline and its branch */
  uint32_t timeline;
  char backup[BACKUP_NAME_SIZE]; /* to restore from */
  uint64_t backup_seq;           /* its last entry */
  uint64_t oldest_us;            /* time of entry 1; 0: there are no entries */
  uint64_t newest_seq, newest_us;
  bool broken;         /* later entries are there, or should be, and cannot be reached */
  char why[POINT_WHY]; /* why not further */
};

struct restorable {
  struct restorable_window *windows; /* by history and timeline; owned */
  size_t count;
  size_t unusable; /* backups that are damaged, and timelines of the archive that no backup leads to; each is logged */
};

/* Looks at the backups in `backup_dir` and, if `archive` is not NULL, what follows them there. Of each timeline the
 * newest backup that is whole by its manifest counts. *out is the caller's (restorable_free), also after an error. */
NODISCARD int restorable_find(const struct config *config, const struct log *log, const char *backup_dir,
                              const char *archive, struct restorable *out, struct err *err);
void restorable_free(struct restorable *restorable);

#endif
