#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "model/timestamp.h"
#include "ops/dump.h"

enum { HEAD_ARENA = 16 << 20, BATCH_SIZE = 16, WRAP = 1 };

/* --- writing --- */

static void put_hex(struct buf *out, const char *name, const void *data, size_t len) {
  buf_addf(out, ",\"%s\":\"", name);
  buf_add_hex(out, data, len);
  buf_add_byte(out, '"');
}

void dump_put_head(struct buf *out, const struct dump_head *head) {
  char text[HISTORY_NAME_SIZE], time[TIMESTAMP_SIZE];
  const struct timeline *current = history_meta_current(&head->meta);
  history_name(text, head->meta.id, current->number, current->branch);
  buf_addf(out, "{\"stemedb_dump\":%d,\"history\":\"%s\"", DUMP_FORMAT, text);
  put_hex(out, "history_id", head->meta.id, HISTORY_ID_SIZE);
  buf_add_str(out, ",\"timelines\":[");
  for (uint32_t i = 0; i < head->meta.count; i++) {
    const struct timeline *t = &head->meta.timelines[i];
    timestamp_format((int64_t)t->time_us, time);
    buf_addf(out,
             "%s{\"number\":%" PRIu32 ",\"branch\":\"%016" PRIx64 "\",\"branched_at_seq\":%" PRIu64
             ",\"timestamp\":\"%s\"}",
             i ? "," : "", t->number, t->branch, t->branched_at_seq, time);
  }
  buf_addf(out, "],\"entries\":%" PRIu64 "%s}\n", head->entries, head->partial ? ",\"partial\":true" : "");
}

void dump_put_end(struct buf *out, const struct dump_end *end, const uint64_t (*missing)[2], size_t missing_count) {
  buf_addf(out,
           "{\"stemedb_dump_end\":%d,\"entries\":%" PRIu64 ",\"assertion_count\":%" PRIu64 ",\"last_seq\":%" PRIu64,
           DUMP_FORMAT, end->entries, end->assertion_count, end->last_seq);
  if (end->has_root)
    put_hex(out, "history_root", end->root, DIGEST_SIZE);
  if (missing_count > 0)
    buf_add_str(out, ",\"missing\":[");
  for (size_t i = 0; i < missing_count; i++)
    buf_addf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", missing[i][0], missing[i][1]);
  buf_add_str(out, missing_count > 0 ? "]}\n" : "}\n");
}

void dump_head_free(struct dump_head *head) {
  history_meta_free(&head->meta);
}

/* --- reading --- */

static int wrong(struct err *err, const char *what) {
  return err_set(err, ERR_INVALID, "%s is missing or malformed", what);
}

static int parse(struct arena *arena, struct span line, struct json_doc *doc, struct err *err) {
  struct json_fault fault;
  int rc = json_parse_wrapped(arena, line, WRAP, doc, &fault, err);
  if (!rc && doc->tokens[0].type != JSON_OBJECT)
    rc = err_set(err, ERR_INVALID, "the line is no object");
  return rc;
}

static bool take_number(const struct json_doc *doc, uint32_t object, const char *name, uint64_t most, uint64_t *out) {
  uint32_t token;
  uint64_t n = 0;
  if (!json_member(doc, object, name, &token) || doc->tokens[token].type != JSON_NUMBER)
    return false;
  struct span raw = json_raw(doc, token);
  for (size_t i = 0; i < raw.len; i++)
    if (raw.data[i] < '0' || raw.data[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
        __builtin_add_overflow(n, (uint64_t)(raw.data[i] - '0'), &n))
      return false;
  *out = n;
  return n <= most;
}

static int digit(unsigned char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `len` bytes in lower-case hex. */
static bool take_hex(const struct json_doc *doc, uint32_t object, const char *name, unsigned char *out, size_t len) {
  uint32_t token;
  if (!json_member(doc, object, name, &token) || doc->tokens[token].type != JSON_STRING)
    return false;
  struct span raw = json_raw(doc, token);
  if (raw.len != 2 * len)
    return false;
  for (size_t i = 0; i < len; i++) {
    int high = digit(raw.data[2 * i]), low = digit(raw.data[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

static bool take_time(const struct json_doc *doc, uint32_t object, uint64_t *out) {
  uint32_t token;
  int64_t us;
  const char *reason;
  if (!json_member(doc, object, "timestamp", &token) || doc->tokens[token].type != JSON_STRING ||
      !timestamp_parse(json_raw(doc, token), &us, &reason) || us < 0)
    return false;
  *out = (uint64_t)us;
  return true;
}

static bool take_timeline(const struct json_doc *doc, uint32_t token, struct timeline *out) {
  unsigned char branch[8];
  uint64_t number;
  if (doc->tokens[token].type != JSON_OBJECT || !take_number(doc, token, "number", UINT32_MAX, &number) ||
      !take_hex(doc, token, "branch", branch, sizeof(branch)) ||
      !take_number(doc, token, "branched_at_seq", UINT64_MAX, &out->branched_at_seq) ||
      !take_time(doc, token, &out->time_us))
    return false;
  out->number = (uint32_t)number;
  out->branch = 0;
  for (size_t i = 0; i < sizeof(branch); i++)
    out->branch = out->branch << 8 | branch[i];
  return true;
}

/* Through the codec, which knows what makes a table. */
static int take_timelines(const struct json_doc *doc, struct dump_head *out, struct err *err) {
  struct history_meta meta = {0};
  struct buf value;
  uint32_t list;
  if (!json_member(doc, 0, "timelines", &list) || doc->tokens[list].type != JSON_ARRAY ||
      doc->tokens[list].count == 0 || doc->tokens[list].count > TIMELINES_MAX)
    return wrong(err, "timelines");
  memcpy(meta.id, out->meta.id, sizeof(meta.id));
  meta.timelines = calloc(doc->tokens[list].count, sizeof(*meta.timelines));
  if (!meta.timelines)
    return err_set(err, ERR_NOMEM, "no memory for timelines");
  buf_init(&value, 1 << 20);
  int rc = 0;
  for (uint32_t t = list + 1; !rc && t < doc->tokens[list].next; t = doc->tokens[t].next)
    if (!take_timeline(doc, t, &meta.timelines[meta.count++]))
      rc = wrong(err, "a timeline");
  if (!rc) {
    history_meta_encode(&meta, &value);
    rc = buf_check(&value, "timelines", err);
  }
  if (!rc && history_meta_decode(buf_span(&value), &out->meta, err))
    rc = wrong(err, "timelines");
  buf_free(&value);
  history_meta_free(&meta);
  return rc;
}

int dump_read_head(struct span line, struct dump_head *out, struct err *err) {
  struct arena *arena = arena_create(HEAD_ARENA);
  struct json_doc doc;
  uint64_t format = 0;
  uint32_t token;
  *out = (struct dump_head){0};
  int rc = arena ? parse(arena, line, &doc, err) : err_set(err, ERR_NOMEM, "no memory for a dump");
  if (!rc && !take_number(&doc, 0, "stemedb_dump", UINT64_MAX, &format))
    rc = err_set(err, ERR_INVALID, "this is no dump of StemeDB");
  if (!rc && format != DUMP_FORMAT)
    rc = err_set(err, ERR_INVALID, "a dump of format %" PRIu64 ", which this StemeDB does not read", format);
  if (!rc && !take_hex(&doc, 0, "history_id", out->meta.id, HISTORY_ID_SIZE))
    rc = wrong(err, "history_id");
  if (!rc && !take_number(&doc, 0, "entries", UINT64_MAX - 1, &out->entries))
    rc = wrong(err, "entries");
  if (!rc) {
    out->partial = json_member(&doc, 0, "partial", &token) && doc.tokens[token].type == JSON_TRUE;
    rc = take_timelines(&doc, out, err);
  }
  arena_free(arena);
  return rc;
}

static int read_end(const struct json_doc *doc, struct dump_end *out, struct err *err) {
  *out = (struct dump_end){0};
  if (!take_number(doc, 0, "entries", UINT64_MAX, &out->entries))
    return wrong(err, "entries");
  if (!take_number(doc, 0, "assertion_count", UINT64_MAX, &out->assertion_count))
    return wrong(err, "assertion_count");
  if (!take_number(doc, 0, "last_seq", UINT64_MAX, &out->last_seq))
    return wrong(err, "last_seq");
  out->has_root = take_hex(doc, 0, "history_root", out->root, DIGEST_SIZE);
  return 0;
}

/* Bytes of an item of the server section, kept in the arena; absent: data NULL. */
static int take_item(struct arena *arena, const struct json_doc *doc, const char *name, size_t len, struct span *out,
                     struct err *err) {
  uint32_t token;
  if (!json_member(doc, 0, name, &token))
    return 0;
  if (len == 0) { /* text */
    if (doc->tokens[token].type != JSON_STRING)
      return wrong(err, name);
    return json_string(arena, doc, token, out, err);
  }
  unsigned char *bytes = arena_alloc(arena, len);
  if (!bytes)
    return err_set(err, ERR_NOMEM, "no memory for an entry");
  if (!take_hex(doc, 0, name, bytes, len))
    return wrong(err, name);
  *out = span_of(bytes, len);
  return 0;
}

/* The signature's length is its own. */
static size_t hex_length(const struct json_doc *doc, const char *name) {
  uint32_t token;
  return json_member(doc, 0, name, &token) ? json_raw(doc, token).len / 2 : 0;
}

static int take_server(struct arena *arena, const struct json_doc *doc, struct buf *out, bool *erased,
                       struct err *err) {
  struct server_section s = {0};
  uint64_t index = 0;
  uint32_t token;
  int rc = 0;
  size_t signature = hex_length(doc, "signature");
  if ((rc = take_item(arena, doc, "recorded_by", 0, &s.recorded_by, err)) ||
      (rc = take_item(arena, doc, "batch", BATCH_SIZE, &s.batch, err)) ||
      (rc = take_item(arena, doc, "key_scope", 0, &s.key_scope, err)) ||
      (rc = take_item(arena, doc, "key_hash", DIGEST_SIZE, &s.key_hash, err)) ||
      (rc = take_item(arena, doc, "salt", SALT_SIZE, &s.salt, err)) ||
      (signature > 0 && (rc = take_item(arena, doc, "signature", signature, &s.signature, err))) ||
      (rc = take_item(arena, doc, "section_digest", DIGEST_SIZE, &s.section_digest, err)))
    return rc;
  if (json_member(doc, 0, "index", &token)) {
    s.has_index = true;
    if (!take_number(doc, 0, "index", UINT32_MAX, &index))
      return wrong(err, "index");
    s.index = (uint32_t)index;
  }
  *erased = s.section_digest.data != NULL;
  entry_put_server(out, &s);
  return buf_check(out, "the server's items", err);
}

static bool is_servers(struct span name) {
  static const char *const names[] = {"kind",  "seq",       "timestamp", "id",    "salt",      "recorded_by",
                                      "batch", "key_scope", "key_hash",  "index", "signature", "section_digest"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (span_equal(name, span_str(names[i])))
      return true;
  return false;
}

/* The body as it was stored: of an assertion what follows the server's members, in the bytes of the line. */
static int take_body(const struct json_doc *doc, uint8_t kind, struct buf *out, struct err *err) {
  uint32_t token;
  if (kind != ENTRY_ASSERTION) {
    if (!json_member(doc, 0, "request", &token) || doc->tokens[token].type != JSON_OBJECT)
      return wrong(err, "request");
    buf_add_span(out, json_raw(doc, token));
    return buf_check(out, "a body", err);
  }
  token = 1;
  while (token < doc->tokens[0].next && is_servers(json_raw(doc, token)))
    token = doc->tokens[token + 1].next;
  if (token >= doc->tokens[0].next)
    return wrong(err, "the assertion");
  uint32_t from = doc->tokens[token].start - 1, to = doc->tokens[0].end;
  buf_add_byte(out, '{');
  buf_add(out, doc->text.data + from, to - from);
  return buf_check(out, "a body", err);
}

static uint8_t take_kind(const struct json_doc *doc) {
  static const char *const names[] = {[ENTRY_ASSERTION] = "assertion",
                                      [ENTRY_RETRACTION] = "retraction",
                                      [ENTRY_REINSTATEMENT] = "reinstatement",
                                      [ENTRY_ERASURE] = "erasure",
                                      [ENTRY_NOOP] = "noop"};
  uint32_t token;
  if (json_member(doc, 0, "kind", &token) && doc->tokens[token].type == JSON_STRING)
    for (uint8_t kind = ENTRY_ASSERTION; kind <= ENTRY_NOOP; kind++)
      if (span_equal(json_raw(doc, token), span_str(names[kind])))
        return kind;
  return 0;
}

static int read_entry(struct arena *arena, const struct json_doc *doc, struct buf *record, struct err *err) {
  unsigned char id[ID_SIZE];
  uint64_t seq = 0, time_us = 0;
  struct buf server, body;
  bool erased = false;
  uint8_t kind = take_kind(doc);
  if (kind == 0)
    return wrong(err, "kind");
  if (!take_number(doc, 0, "seq", UINT64_MAX - 1, &seq) || seq == 0)
    return wrong(err, "seq");
  if (!take_time(doc, 0, &time_us))
    return wrong(err, "timestamp");
  if (!take_hex(doc, 0, "id", id, ID_SIZE))
    return wrong(err, "id");
  buf_init(&server, ENTRY_MAX_SIZE);
  buf_init(&body, ENTRY_MAX_SIZE);
  int rc = take_server(arena, doc, &server, &erased, err);
  if (!rc)
    rc = take_body(doc, kind, &body, err);
  if (!rc && server.len + body.len > ENTRY_MAX_SIZE - ENTRY_OVERHEAD)
    rc = err_set(err, ERR_INVALID, "the entry is larger than one can be");
  if (!rc) {
    entry_encode(record, kind, erased ? ENTRY_FLAG_ERASED : 0, seq, time_us, id, buf_span(&server), buf_span(&body));
    rc = buf_check(record, "an entry", err);
  }
  buf_free(&server);
  buf_free(&body);
  return rc;
}

int dump_read_line(struct arena *arena, struct span line, struct buf *record, struct dump_end *end, bool *is_end,
                   struct err *err) {
  struct json_doc doc;
  uint32_t token;
  int rc = parse(arena, line, &doc, err);
  if (rc)
    return rc;
  *is_end = json_member(&doc, 0, "stemedb_dump_end", &token);
  return *is_end ? read_end(&doc, end, err) : read_entry(arena, &doc, record, err);
}
