/*
 * Where the entries after a backup are: an archive of log files, or a plain folder of them (the data/wal of a home
 * whose database is lost, one that was set aside).
 */
#ifndef OPS_LOG_SOURCES_H
#define OPS_LOG_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/fileio.h"
#include "base/log.h"
#include "model/timeline.h"

enum { LOG_SOURCE_WHY = 512 };

/* The log files of one timeline, as Berkeley DB names them. */
struct log_source {
  char dir[FILEIO_PATH_MAX];
  uint32_t timeline;        /* 0: not known, it may be of several */
  char why[LOG_SOURCE_WHY]; /* what is wrong behind its last file; "": nothing */
};

struct log_sources {
  char target[FILEIO_PATH_MAX];  /* as it was named */
  char scratch[FILEIO_PATH_MAX]; /* removed at the end; "": none */
  struct log_source *items;      /* by timeline, ascending; owned */
  size_t count;
};

/* Looks at `target`. `history_id`: of an archive, whose logs. `timeline`: the newest to look at; 0: all. ERR_NOTFOUND
 * if there are no logs of it. The caller ends with log_sources_close(), also after an error. */
NODISCARD int log_sources_open(const struct config *config, const struct log *log, const char *target,
                               const unsigned char history_id[HISTORY_ID_SIZE], uint32_t timeline,
                               struct log_sources *out, struct err *err);
/* Takes one that is all zero. */
void log_sources_close(struct log_sources *sources);
/* The logs of a timeline; NULL if there are none. */
const struct log_source *log_sources_find(const struct log_sources *sources, uint32_t timeline);

#endif
