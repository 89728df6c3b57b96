/*
 * Where archive_target points: a folder, or a place that rclone reaches. What is put there is complete under its name
 * or not there at all; a folder must exist (an archive is not begun in the place of a disk that is not mounted).
 */
#ifndef OPS_ARCHIVE_TARGET_H
#define OPS_ARCHIVE_TARGET_H

#include "base/config.h"
#include "ops/archive.h"

struct archive_target {
  bool remote;
  char path[FILEIO_PATH_MAX];   /* of the folder, or rclone's REMOTE:PATH */
  char config[FILEIO_PATH_MAX]; /* of rclone; "": its own */
};

/* `where` is a path or rclone:REMOTE:PATH, as in archive_target. */
NODISCARD int archive_target_set(struct archive_target *target, const char *where, const struct config *config,
                                 struct err *err);

/* What there is of one timeline: as archive_open() lists it, but with the live files of a remote target left out.
 * Nothing there is no error. line->objects is the caller's (free). ERR_NOTFOUND if the target itself is not there. */
NODISCARD int archive_target_list(const struct archive_target *target, const unsigned char id[HISTORY_ID_SIZE],
                                  uint32_t timeline, uint64_t branch, struct archive_line *line, struct err *err);

/* Puts the first `length` bytes of WAL_DIR/log.NUMBER there, durably, and removes the shorter ones that are in the
 * list. `and_live`: the live file too. *out becomes its name. */
NODISCARD int archive_target_put(const struct archive_target *target, const struct archive_line *line,
                                 const char *wal_dir, uint32_t number, uint64_t length, bool and_live,
                                 struct archive_name *out, struct err *err);
/* The SHA-256 of the first `length` bytes of a file: what stands in the name of an object. */
NODISCARD int archive_digest(const char *path, uint64_t length, unsigned char out[DIGEST_SIZE], struct err *err);
/* Removes the live file of a number, if there is one; of a folder alone. */
NODISCARD int archive_target_drop_live(const struct archive_target *target, const struct archive_line *line,
                                       uint32_t number, struct err *err);
NODISCARD int archive_target_put_head(const struct archive_target *target, const struct archive_line *line,
                                      const struct archive_head *head, struct err *err);

/* A folder to archive_open(): the target itself, or for a remote one `scratch` (which exists), everything of the
 * history copied to it. *folder is one of them. `id` NULL: all histories. */
NODISCARD int archive_target_fetch(const struct archive_target *target, const unsigned char *id, const char *scratch,
                                   const char **folder, struct err *err);

#endif
