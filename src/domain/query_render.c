#include "domain/query_render.h"

#include <inttypes.h>

#include "domain/cursor.h"
#include "domain/render.h"
#include "domain/resolved_render.h"
#include "model/json.h"
#include "model/timeline.h"
#include "model/timestamp.h"

/* A time, or null where there is none. */
static void add_time(struct buf *out, bool there, int64_t us) {
  char time[TIMESTAMP_SIZE];
  if (!there) {
    buf_add_str(out, "null");
    return;
  }
  timestamp_format(us, time);
  buf_add_byte(out, '"');
  buf_add_str(out, time);
  buf_add_byte(out, '"');
}

/* The paths of the class; as of seq 0 there is the one that was asked for. */
static void add_class(const struct walk *walk, struct buf *out) {
  buf_add_str(out, ",\"aliases\":[");
  if (!walk->class)
    json_quote(out, walk->query->concept_path);
  for (size_t i = 0; walk->class && i < walk->class->count; i++) {
    if (i > 0)
      buf_add_byte(out, ',');
    json_quote(out, walk->class->paths[i]);
  }
  buf_add_byte(out, ']');
}

static void add_head(const struct walk *walk, const struct answer_moment *moment, struct buf *out) {
  buf_add_str(out, "{\"concept_path\":");
  json_quote(out, walk->query->concept_path);
  if (walk->query->aliases)
    add_class(walk, out);
  buf_add_str(out, ",\"lens\":\"");
  buf_add_str(out, walk->query->lens->name);
  buf_add_str(out, "\",\"as_of\":{\"seq\":");
  buf_add_dec(out, moment->seq);
  buf_add_str(out, ",\"timestamp\":");
  add_time(out, moment->seq > 0, (int64_t)moment->time_us);
  char history[HISTORY_NAME_SIZE];
  history_name(history, moment->mark->history_id, moment->mark->timeline, moment->mark->branch);
  buf_add_byte(out, '}');
  if (walk->query->decay) {
    buf_add_str(out, ",\"decayed_at\":");
    add_time(out, moment->seq > 0, moment->decayed_at);
  }
  buf_add_str(out, ",\"history\":\"");
  buf_add_str(out, history);
}

/* The item's entry; what the page did not keep is read again into `record`. */
static int load_item(const struct reader *reader, const struct page_item *item, struct buf *record, struct entry *entry,
                     struct err *err) {
  if (item->record.len > 0)
    return entry_peek(item->record, entry, err);
  bool found = false;
  int code = history_get(reader->store, item->rank.seq, record, entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", item->rank.seq);
  return code;
}

/* The assertion with its status: it is active unless the query asked for retracted ones, too. */
static int add_assertion(const struct walk *walk, struct retraction_book *book, const struct entry *entry,
                         struct buf *out, struct err *err) {
  const struct retraction_note *retraction = NULL;
  int code = book ? retraction_book_find(book, entry->seq, walk->scan.snapshot, &retraction, err) : 0;
  return code ? code : render_assertion_status(out, entry, retraction, err);
}

/* A retraction or reinstatement: {"kind","id","seq","timestamp",["recorded_by"],"request"}. */
static int add_event(const struct entry *entry, struct buf *out, struct err *err) {
  struct server_section server;
  int code = entry_parse_server(entry->server, &server, err);
  if (code)
    return code;
  buf_add_str(out, entry->kind == ENTRY_RETRACTION ? "{\"kind\":\"retraction\",\"id\":\""
                                                   : "{\"kind\":\"reinstatement\",\"id\":\"");
  buf_add_hex(out, entry->id, ID_SIZE);
  buf_add_str(out, "\",\"seq\":");
  buf_add_dec(out, entry->seq);
  buf_add_str(out, ",\"timestamp\":");
  add_time(out, true, (int64_t)entry->time_us);
  if (server.recorded_by.data) {
    buf_add_str(out, ",\"recorded_by\":");
    json_quote(out, server.recorded_by);
  }
  buf_add_str(out, ",\"request\":");
  buf_add_span(out, entry->body);
  buf_add_byte(out, '}');
  return 0;
}

/* The assertions of the page go to `out`, and to `resolved` the topics whose first assertion is one of them. */
static int add_items(struct walk *walk, const struct reader *reader, size_t count, struct buf *out,
                     struct buf *resolved, struct err *err) {
  struct retraction_book *book = NULL;
  struct buf record;
  buf_init(&record, ENTRY_MAX_SIZE);
  int code = walk->scan.all ? retraction_book_create(reader, &book, err) : 0;
  for (size_t i = 0; !code && i < count && !out->failed && !resolved->failed; i++) {
    const struct page_item *item = walk->page.items[i];
    struct topic *topic = walk->topics[item->topic];
    struct entry entry;
    if ((code = load_item(reader, item, &record, &entry, err)))
      break;
    if (i > 0)
      buf_add_byte(out, ',');
    code = entry.kind == ENTRY_ASSERTION ? add_assertion(walk, book, &entry, out, err) : add_event(&entry, out, err);
    if (code || walk->query->lens->events || item->rank.seq != topic->listed.seq || topic->candidates.head_count == 0)
      continue;
    if (resolved->len > 0)
      buf_add_byte(resolved, ',');
    code = resolved_render(walk, topic, resolved, err);
  }
  retraction_book_free(book);
  buf_free(&record);
  return code;
}

static int add_cursor(const struct walk *walk, const struct answer_moment *moment, size_t count, struct buf *out,
                      struct err *err) {
  if (count == walk->page.count) {
    buf_add_str(out, "null");
    return 0;
  }
  const struct page_item *last = walk->page.items[count - 1];
  const uint64_t anchor = walk->topics[last->topic]->anchor;
  struct cursor cursor = {.branch = moment->mark->branch,
                          .snapshot = moment->seq,
                          .decayed_at = walk->query->decay ? moment->decayed_at : 0,
                          .last = last->rank,
                          .topic_seq = anchor ? anchor : last->rank.seq};
  int code = cursor_digest(walk->query, cursor.digest, err);
  if (code)
    return code;
  buf_add_byte(out, '"');
  cursor_encode(&cursor, out);
  buf_add_byte(out, '"');
  return 0;
}

int query_render(struct walk *walk, const struct reader *reader, const struct answer_moment *moment, struct buf *out,
                 struct err *err) {
  const size_t limit = walk->query->limit;
  const size_t count = walk->page.count < limit ? walk->page.count : limit;
  struct buf resolved;
  buf_init(&resolved, out->max);
  add_head(walk, moment, out);
  buf_add_str(out, "\",\"assertions\":[");
  int code = add_items(walk, reader, count, out, &resolved, err);
  if (!code)
    code = buf_check(&resolved, "what is resolved", err);
  buf_add_str(out, "],\"resolved\":[");
  buf_add_span(out, buf_span(&resolved));
  buf_free(&resolved);
  buf_add_str(out, "],\"next_cursor\":");
  if (!code)
    code = add_cursor(walk, moment, count, out, err);
  buf_add_byte(out, '}');
  if (!code)
    code = buf_check(out, "the answer", err);
  return code == ERR_NOMEM ? err_context(err, "ask for fewer assertions (limit)") : code;
}
