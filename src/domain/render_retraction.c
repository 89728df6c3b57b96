#include "domain/render_retraction.h"

#include <inttypes.h>

#include "model/json.h"
#include "model/retraction.h"
#include "model/timestamp.h"

enum { RENDER_PARSE_MAX = 8 << 20 };

int retraction_renderer_open(struct retraction_renderer *renderer, const struct reader *reader, struct err *err) {
  renderer->reader = reader;
  buf_init(&renderer->record, ENTRY_MAX_SIZE);
  renderer->parse = arena_create(RENDER_PARSE_MAX);
  return renderer->parse ? 0 : err_set(err, ERR_NOMEM, "no memory for retractions");
}

void retraction_renderer_close(struct retraction_renderer *renderer) {
  arena_free(renderer->parse);
  buf_free(&renderer->record);
}

/* Loads an entry of this kind, and begins its object: id under `name`, seq, time, who. */
static int begin(struct retraction_renderer *renderer, uint64_t seq, uint8_t kind, const char *name,
                 struct entry *entry, struct buf *out, struct err *err) {
  struct server_section server;
  char time[TIMESTAMP_SIZE];
  bool found = false;
  int code = history_get(renderer->reader->store, seq, &renderer->record, entry, &found, err);
  if (!code && (!found || entry->kind != kind))
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is of another kind", seq);
  if (!code)
    code = entry_parse_server(entry->server, &server, err);
  if (code)
    return code;
  arena_reset(renderer->parse);
  timestamp_format((int64_t)entry->time_us, time);
  buf_addf(out, "{\"%s\":\"", name);
  buf_add_hex(out, entry->id, ID_SIZE);
  buf_addf(out, "\",\"seq\":%" PRIu64 ",\"timestamp\":\"%s\"", seq, time);
  if (server.recorded_by.data) {
    buf_add_str(out, ",\"recorded_by\":");
    json_quote(out, server.recorded_by);
  }
  return 0;
}

static int add_reinstatement(struct retraction_renderer *renderer, const struct retraction_record *record,
                             struct buf *out, struct err *err) {
  struct reinstatement reinstatement;
  struct entry entry;
  int code = begin(renderer, record->reinstated_seq, ENTRY_REINSTATEMENT, "reinstatement_id", &entry, out, err);
  if (!code)
    code = reinstatement_read(renderer->parse, entry.body, &reinstatement, err);
  if (code)
    return code;
  buf_add_str(out, ",\"reason\":");
  json_quote(out, reinstatement.reason);
  buf_addf(out, ",\"reinstated_count\":%" PRIu64 "}", record->reactivated);
  return 0;
}

int render_retraction(struct retraction_renderer *renderer, const struct retraction_record *record, struct buf *out,
                      struct err *err) {
  struct retraction retraction;
  struct entry entry;
  int code = begin(renderer, record->seq, ENTRY_RETRACTION, "retraction_id", &entry, out, err);
  if (!code)
    code = retraction_read(renderer->parse, entry.body, &retraction, err);
  if (code)
    return code;
  buf_addf(out, ",\"status\":\"%s\",\"reason\":", record->reinstated_seq ? "reinstated" : "standing");
  json_quote(out, retraction.reason);
  buf_add_str(out, ",\"request\":");
  buf_add_span(out, entry.body);
  buf_addf(out, ",\"retracted_count\":%" PRIu64 ",\"cascaded_count\":%" PRIu64 ",\"reinstated\":", record->direct,
           record->cascaded);
  if (record->reinstated_seq)
    code = add_reinstatement(renderer, record, out, err);
  else
    buf_add_str(out, "null");
  buf_add_byte(out, '}');
  return code;
}
