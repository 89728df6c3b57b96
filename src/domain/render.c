#include "domain/render.h"

#include <inttypes.h>

#include "model/json.h"
#include "model/timestamp.h"

static void add_time(struct buf *out, uint64_t time_us) {
  char text[TIMESTAMP_SIZE];
  timestamp_format((int64_t)time_us, text);
  buf_add_str(out, text);
}

static void add_text(struct buf *out, const char *name, struct span text) {
  if (!text.data)
    return;
  buf_add_str(out, name);
  json_quote(out, text);
}

static void add_hex(struct buf *out, const char *name, struct span bytes) {
  if (!bytes.data)
    return;
  buf_add_str(out, name);
  buf_add_byte(out, '"');
  buf_add_hex(out, bytes.data, bytes.len);
  buf_add_byte(out, '"');
}

/* The members of a body after those of the server. Both are there once: an assertion's body holds the nine fields that
 * a client may set (contract section 1), and none of the server's has such a name. */
static int add_members(struct buf *out, const struct entry *entry, struct err *err) {
  if (entry->body.len < 3 || entry->body.data[0] != '{')
    return err_set(err, ERR_CORRUPT, "the body of entry %" PRIu64 " is no object with members", entry->seq);
  buf_add_byte(out, ',');
  buf_add(out, entry->body.data + 1, entry->body.len - 1);
  return 0;
}

int render_assertion(struct buf *out, const struct entry *entry, struct err *err) {
  return render_assertion_status(out, entry, NULL, err);
}

int render_assertion_status(struct buf *out, const struct entry *entry, const struct retraction_note *retraction,
                            struct err *err) {
  struct server_section server;
  int code = entry_parse_server(entry->server, &server, err);
  if (code)
    return code;
  buf_add_str(out, "{\"id\":\"");
  buf_add_hex(out, entry->id, ID_SIZE);
  buf_add_str(out, "\",\"seq\":");
  buf_add_dec(out, entry->seq);
  buf_add_str(out, ",\"timestamp\":\"");
  add_time(out, entry->time_us);
  if (retraction) {
    buf_add_str(out, "\",\"status\":\"retracted\",\"retraction\":");
    retraction_note_render(retraction, out);
  } else {
    buf_add_str(out, "\",\"status\":\"active\"");
  }
  add_text(out, ",\"recorded_by\":", server.recorded_by);
  add_hex(out, ",\"batch\":", server.batch);
  return add_members(out, entry, err);
}

static const char *const kind_names[] = {
    [ENTRY_ASSERTION] = "assertion",
    [ENTRY_RETRACTION] = "retraction",
    [ENTRY_REINSTATEMENT] = "reinstatement",
    [ENTRY_ERASURE] = "erasure",
    [ENTRY_NOOP] = "noop",
};

int render_feed_entry(struct buf *out, const struct entry *entry, struct err *err) {
  if (entry->kind == 0 || entry->kind >= sizeof(kind_names) / sizeof(kind_names[0]))
    return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is of unknown kind %u", entry->seq, entry->kind);
  struct server_section server;
  int code = entry_parse_server(entry->server, &server, err);
  if (code)
    return code;
  buf_add_str(out, "{\"kind\":\"");
  buf_add_str(out, kind_names[entry->kind]);
  buf_add_str(out, "\",\"seq\":");
  buf_add_dec(out, entry->seq);
  buf_add_str(out, ",\"timestamp\":\"");
  add_time(out, entry->time_us);
  buf_add_str(out, "\",\"id\":\"");
  buf_add_hex(out, entry->id, ID_SIZE);
  buf_add_byte(out, '"');
  add_hex(out, ",\"salt\":", server.salt);
  add_text(out, ",\"recorded_by\":", server.recorded_by);
  add_hex(out, ",\"batch\":", server.batch);
  add_text(out, ",\"key_scope\":", server.key_scope);
  add_hex(out, ",\"key_hash\":", server.key_hash);
  if (server.has_index) {
    buf_add_str(out, ",\"index\":");
    buf_add_dec(out, server.index);
  }
  add_hex(out, ",\"signature\":", server.signature);
  add_hex(out, ",\"section_digest\":", server.section_digest);
  if (entry->kind == ENTRY_ASSERTION)
    return add_members(out, entry, err);
  /* Requests have members (a retraction's `batch`) that the server section has too. */
  buf_add_str(out, ",\"request\":");
  buf_add_span(out, entry->body);
  buf_add_byte(out, '}');
  return 0;
}
