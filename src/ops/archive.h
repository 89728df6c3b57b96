/*
 * An archive of log files, as the archiver writes it (store/archive_name.h has the names). Names prove themselves:
 * length and digest of each object stand in its own. What restores from one asks for the run of its timeline, from the
 * first log file that its backup needs, and copies it: nothing is copied that is not proven.
 *
 *   archive_open(target)  archive_find(history, timeline, branch)  archive_run(first number)  archive_copy(run, folder)
 *
 * The first log file in a backup is not always the first that it needs: where the log was about to change files, the
 * recovery of the copy may have begun a file of its own. So begin with the oldest one that leads there.
 *
 * An archive that lies elsewhere is brought into a folder first (ops/archive_target.h).
 */
#ifndef OPS_ARCHIVE_H
#define OPS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fileio.h"
#include "store/archive_name.h"

/* The first `length` bytes of a log file. */
struct archive_object {
  struct archive_name name; /* of a live one, the digest is zero */
  bool live;                /* what archive_mode=sync appends to: as long as its records are sound */
};

/* What is archived of one timeline. */
struct archive_line {
  char folder[FILEIO_PATH_MAX];
  unsigned char history_id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
  struct archive_object *objects; /* the longest of each number, by number, ascending; at least one */
  size_t count;
};

struct archive {
  char target[FILEIO_PATH_MAX];
  struct archive_line *lines; /* by history, then number of the timeline, then branch */
  size_t count;
};

/* Told of what lies there and has no place in an archive; `file` is relative to the target. Borrowed. */
typedef void archive_reporter(void *ctx, const char *file, const char *problem);

/* Lists the archive in a folder by names and sizes; reads no object but the live ones, whose records are walked. An
 * object whose size is not the one in its name is told to `report` (may be NULL) and left out, as is what is no object;
 * what is being written is passed over. ERR_NOTFOUND if there is no such folder, or no timeline in it. *out is the
 * caller's (archive_close). */
NODISCARD int archive_open(const char *target, archive_reporter *report, void *ctx, struct archive *out,
                           struct err *err);
void archive_close(struct archive *archive);
/* Whether a folder looks like an archive: it has a folder of a history with one of a timeline. */
bool archive_is(const char *path);

/* NULL if it has nothing of that timeline. */
const struct archive_line *archive_find(const struct archive *archive, const unsigned char id[HISTORY_ID_SIZE],
                                        uint32_t timeline, uint64_t branch);
/* NULL if it has no such log file. */
const struct archive_object *archive_line_object(const struct archive_line *line, uint32_t number);

/* Log files `first`..`last` of one timeline, without a gap. */
struct archive_run {
  const struct archive_line *line; /* borrowed */
  uint32_t first, last;            /* 0: empty */
  uint64_t last_length;            /* bytes that are archived of the last one */
  uint64_t bytes;                  /* of all */
};

/* The longest run that begins with log file `first`; an empty one if that is not there. A file is followed by the next
 * one only if it is archived to its end: the next one's header says where the last record of the one before begins.
 * ERR_CORRUPT if a header cannot be read as one. */
NODISCARD int archive_run(const struct archive_line *line, uint32_t first, struct archive_run *out, struct err *err);
/* The longest run of a timeline, the later one of two. */
NODISCARD int archive_run_longest(const struct archive_line *line, struct archive_run *out, struct err *err);

/* Proves an object: size and digest; of a live one, what was walked is still sound. ERR_CORRUPT with its path. */
NODISCARD int archive_check(const struct archive_line *line, const struct archive_object *object, struct err *err);

/* Copies log files `from`..run->last into DIR as log.NNNNNNNNNN, each proven while it is copied, synced, replacing
 * files of that name; the folder is synced at the end. ERR_CORRUPT: one is not what its name says; then those before it
 * are there and it is not. */
NODISCARD int archive_copy(const struct archive_run *run, uint32_t from, const char *dir, struct err *err);

/* --- for archive_target.c --- */

/* Lists line->folder into line->objects; a folder that is not there has none. */
NODISCARD int archive_line_list(struct archive_line *line, struct err *err);
NODISCARD int archive_line_add(struct archive_line *line, const struct archive_object *object, struct err *err);
/* Sorts, and keeps the longest of each number. */
void archive_line_sort(struct archive_line *line);

/* --- archive_head.c --- */

/* What head.json tells of a timeline's newest objects. A hint for people and for choosing a moment: nothing is proven
 * by it. */
struct archive_head {
  uint64_t last_seq, time_us; /* of the last entry that is archived */
  uint32_t number;            /* how far that reaches: log file and bytes of it */
  uint64_t length;
  uint64_t archived_us; /* when it was written */
};

/* *found is false if there is none, or it is not well-formed. */
NODISCARD int archive_head_read(const char *folder, struct archive_head *out, bool *found, struct err *err);
/* The text of head.json. */
void archive_head_format(const struct archive_head *head, struct buf *out);

#endif
