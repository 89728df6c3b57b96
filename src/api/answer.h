/* The parts that JSON answers share. */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "api/http.h"

/* Begins an empty JSON answer with this status. */
void answer_begin(struct exchange *exchange, int status);
/* ,"history":"HISTORY_ID.TIMELINE-BRANCH" */
void answer_history(struct buf *out, const struct watermark *mark);
/* ,"NAME":"…Z", or null for seq 0, before which there is no time. */
void answer_timestamp(struct buf *out, const char *name, uint64_t seq, uint64_t time_us);

#endif
