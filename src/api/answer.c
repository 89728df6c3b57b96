#include "api/answer.h"

#include "model/timeline.h"
#include "model/timestamp.h"

void answer_begin(struct exchange *exchange, int status) {
  exchange->response.status = status;
  exchange->response.content_type = "application/json";
  buf_reset(&exchange->response.headers);
  buf_reset(&exchange->response.body);
}

void answer_history(struct buf *out, const struct watermark *mark) {
  char name[HISTORY_NAME_SIZE];
  history_name(name, mark->history_id, mark->timeline, mark->branch);
  buf_addf(out, ",\"history\":\"%s\"", name);
}

void answer_timestamp(struct buf *out, const char *name, uint64_t seq, uint64_t time_us) {
  char text[TIMESTAMP_SIZE];
  if (seq == 0) {
    buf_addf(out, ",\"%s\":null", name);
    return;
  }
  timestamp_format((int64_t)time_us, text);
  buf_addf(out, ",\"%s\":\"%s\"", name, text);
}
