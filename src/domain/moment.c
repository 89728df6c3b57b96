#include "domain/moment.h"

#include <inttypes.h>

int moment_resolve(const struct reader *reader, const struct watermark *mark, const struct moment *moment,
                   uint64_t *seq, struct err *err) {
  uint64_t newest = mark->visible_seq;
  switch (moment->kind) {
  case MOMENT_SEQ:
    if (moment->seq > newest)
      return err_set(err, ERR_INVALID, "is above the newest seq, %" PRIu64, newest);
    *seq = moment->seq;
    return 0;
  case MOMENT_TIME:
    if (newest > 0 && (moment->time_us < 0 || (uint64_t)moment->time_us < mark->time_us))
      return history_seq_at(reader->store, moment->time_us, newest, seq, err);
    break;
  case MOMENT_NOW: break;
  }
  *seq = newest;
  return 0;
}

int moment_time(const struct reader *reader, const struct watermark *mark, uint64_t seq, uint64_t *time_us,
                struct err *err) {
  if (seq == mark->visible_seq) {
    *time_us = mark->time_us;
    return 0;
  }
  struct buf record;
  buf_init(&record, ENTRY_MAX_SIZE);
  struct entry entry;
  bool found = false;
  int code = history_get(reader->store, seq, &record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", seq);
  if (!code)
    *time_us = entry.time_us;
  buf_free(&record);
  return code;
}
