/*
 * Where the entries after a backup are: an archive of log files (ops/archive.h), or a plain folder of them (the
 * data/wal of a home whose database is lost, one that was set aside). What is taken from an archive is copied first,
 * each object proven by its name meanwhile, and only when it is asked for.
 */
#ifndef OPS_LOG_SOURCES_H
#define OPS_LOG_SOURCES_H

#include "base/config.h"
#include "base/log.h"
#include "ops/archive.h"

enum { LOG_SOURCE_WHY = 900 };

/* The log files of one timeline, as Berkeley DB names them. */
struct log_source {
  const struct archive_line *line; /* NULL: a plain folder, whose files may be of several timelines */
  bool ready;                      /* what follows is there: */
  uint32_t first;                  /* log file that it begins with, of an archive */
  char dir[FILEIO_PATH_MAX];
  uint64_t bytes;
  char why[LOG_SOURCE_WHY]; /* what is wrong with it or behind it; "": nothing */
  uint64_t head_seq;        /* the last entry that the archiver says is there; 0: it says nothing */
};

struct log_sources {
  const struct config *config;
  const struct log *log;
  char target[FILEIO_PATH_MAX];  /* as it was named */
  char scratch[FILEIO_PATH_MAX]; /* removed at the end; "": none */
  bool archived;                 /* else a plain folder */
  struct archive archive;
  char problem[LOG_SOURCE_WHY]; /* the first one that the listing told of; "": none */
  struct log_source *items;     /* by number of the timeline, ascending; owned */
  size_t count;
};

/* Looks at `target`, a folder or rclone:REMOTE:PATH, of which a copy is made. `history_id`: whose logs; NULL: of all
 * that are there. `config` and `log` are borrowed. ERR_NOTFOUND if there are no logs; ERR_INVALID if they are all of
 * other histories. The caller ends with log_sources_close(), also after an error. */
NODISCARD int log_sources_open(const struct config *config, const struct log *log, const char *target,
                               const unsigned char history_id[HISTORY_ID_SIZE], struct log_sources *out,
                               struct err *err);
/* Takes one that is all zero. */
void log_sources_close(struct log_sources *sources);
/* The logs of a timeline, from log file `first` on (0, or not there: from the first one); NULL if there are none.
 * Damage is no error, (*out)->why tells. ERR_FULL: there is no room for a copy. */
NODISCARD int log_sources_get(struct log_sources *sources, uint32_t timeline, uint64_t branch, uint32_t first,
                              const struct log_source **out, struct err *err);
/* The greatest number of a timeline; 0: not known. */
uint32_t log_sources_greatest(const struct log_sources *sources);

#endif
