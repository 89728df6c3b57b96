/*
 * The names in an archive of log files (docs/storage.md), which prove themselves:
 * TARGET/HISTORY_ID/timeline-NNNN-BRANCH/log.NNNNNNNNNN-LENGTH-SHA256. The branch is part of a timeline's name since
 * two restores of one backup open two timelines of the same number.
 */
#ifndef STORE_ARCHIVE_NAME_H
#define STORE_ARCHIVE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "model/digest.h"
#include "model/timeline.h"

#define ARCHIVE_HEAD_FILE "head.json"
#define ARCHIVE_TEMPORARY ".new-" /* what the names of files begin with that are being written */

enum { ARCHIVE_NAME_SIZE = 128, ARCHIVE_FOLDER_SIZE = 80 };

/* HISTORY_ID/timeline-0001-0123456789abcdef */
void archive_folder_format(char out[ARCHIVE_FOLDER_SIZE], const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                           uint64_t branch);
bool archive_folder_parse(const char *name, unsigned char id[HISTORY_ID_SIZE], uint32_t *timeline, uint64_t *branch);

/* One of them: the first `length` bytes of log file `number`. */
struct archive_name {
  uint32_t number;
  uint64_t length;
  unsigned char digest[DIGEST_SIZE]; /* of these bytes */
};

void archive_name_format(char out[ARCHIVE_NAME_SIZE], const struct archive_name *name);
bool archive_name_parse(const char *text, struct archive_name *out);

/* log.NNNNNNNNNN.live: the log file that archive_mode=sync appends to. Its records' checksums tell how far it goes. */
void archive_live_format(char out[ARCHIVE_NAME_SIZE], uint32_t number);
bool archive_live_parse(const char *text, uint32_t *number);

#endif
