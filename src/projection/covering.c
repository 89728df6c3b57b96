#include "projection/covering.h"

#include "base/bytes.h"

enum { AT_TIME = 1, AT_ID = 9, AT_SERVER_LEN = 41, AT_SERVER = 42, ITEM_HEADER = 3 };

static const char head[] = "{\"concept_path\":\"";
static const char before_predicate[] = ",\"predicate\":\"";
static const char before_source[] = ",\"source\":\"";

/* What is left of a body without path, predicate and source. */
struct splice {
  bool has_source;
  struct span middle, end;
};

/* Whether the `len` bytes before `at`, not before `from`, are `text`. */
static bool preceded(const unsigned char *from, const unsigned char *at, const char *text, size_t len) {
  return (size_t)(at - from) >= len && memcmp(at - len, text, len) == 0;
}

/* Whether `part` is a string inside the body, where it stands as it is, and its quote follows. */
static bool inside(struct span body, struct span part) {
  return part.data > body.data && part.data + part.len < body.data + body.len && part.data[part.len] == '"';
}

/* Cuts the body; false if it is not put together as it should be, or if a string in it is escaped. */
static bool cut(struct span body, const struct assertion *a, struct splice *out) {
  if (!inside(body, a->concept_path) || !inside(body, a->predicate) ||
      a->concept_path.data != body.data + sizeof(head) - 1 || memcmp(body.data, head, sizeof(head) - 1) != 0)
    return false;
  const unsigned char *middle = a->concept_path.data + a->concept_path.len + 1;
  const unsigned char *end = a->predicate.data + a->predicate.len + 1;
  if (a->predicate.data < middle ||
      !preceded(middle, a->predicate.data, before_predicate, sizeof(before_predicate) - 1))
    return false;
  out->middle = span_of(middle, (size_t)(a->predicate.data - middle) - (sizeof(before_predicate) - 1));
  out->has_source = a->source.len > 0;
  if (out->has_source) {
    size_t between = sizeof(before_source) - 1;
    if (!inside(body, a->source) || a->source.data != end + between || memcmp(end, before_source, between) != 0)
      return false;
    end = a->source.data + a->source.len + 1;
  }
  out->end = span_of(end, (size_t)(body.data + body.len - end));
  return out->middle.len <= UINT8_MAX;
}

static unsigned char *add(unsigned char *p, struct span s) {
  if (s.len)
    memcpy(p, s.data, s.len);
  return p + s.len;
}

static unsigned char *add_item(unsigned char *p, uint8_t type, struct span item) {
  if (!item.data)
    return p;
  *p = type;
  put_u16(p + 1, (uint16_t)item.len);
  return add(p + ITEM_HEADER, item);
}

static size_t item_size(struct span item) {
  return item.data ? ITEM_HEADER + item.len : 0;
}

struct span covering_encode(struct gather *gather, const struct item *item, struct err *err) {
  static const unsigned char nothing[1];
  const struct entry *entry = item->entry;
  size_t server = item_size(item->server.recorded_by) + item_size(item->server.batch);
  struct splice splice;
  bool spliced = cut(entry->body, &item->assertion, &splice);
  size_t body = spliced ? 1 + splice.middle.len + splice.end.len : entry->body.len;
  size_t len = AT_SERVER + server + body;
  if (entry->flags != 0 || server > UINT8_MAX || len > CONCEPT_COVERED_MAX)
    return span_of(nothing, 0);
  unsigned char *value = gather_alloc(gather, len, err);
  if (!value)
    return (struct span){NULL, 0};
  value[0] = (unsigned char)(spliced ? COVERING_SPLICED | (splice.has_source ? COVERING_SOURCE : 0) : 0);
  put_u64(value + AT_TIME, entry->time_us);
  memcpy(value + AT_ID, entry->id, ID_SIZE);
  value[AT_SERVER_LEN] = (unsigned char)server;
  unsigned char *p = add_item(value + AT_SERVER, ITEM_RECORDED_BY, item->server.recorded_by);
  p = add_item(p, ITEM_BATCH, item->server.batch);
  if (spliced) {
    *p = (unsigned char)splice.middle.len;
    add(add(p + 1, splice.middle), splice.end);
  } else {
    add(p, entry->body);
  }
  return span_of(value, len);
}

/* Puts the body together again. */
static bool join(struct span rest, bool has_source, struct span path, struct span predicate, struct span source,
                 struct buf *body) {
  if (rest.len == 0 || rest.len - 1 < rest.data[0] || has_source != (source.len > 0))
    return false;
  struct span middle = span_of(rest.data + 1, rest.data[0]);
  struct span end = span_of(middle.data + middle.len, rest.len - 1 - middle.len);
  buf_add(body, head, sizeof(head) - 1);
  buf_add_span(body, path);
  buf_add_byte(body, '"');
  buf_add_span(body, middle);
  buf_add(body, before_predicate, sizeof(before_predicate) - 1);
  buf_add_span(body, predicate);
  buf_add_byte(body, '"');
  if (has_source) {
    buf_add(body, before_source, sizeof(before_source) - 1);
    buf_add_span(body, source);
    buf_add_byte(body, '"');
  }
  buf_add_span(body, end);
  return true;
}

bool covering_decode(struct span value, struct span path, struct span predicate, struct span source, uint64_t seq,
                     struct buf *body, struct buf *record) {
  if (value.len < AT_SERVER || value.len - AT_SERVER < value.data[AT_SERVER_LEN])
    return false;
  struct span server = span_of(value.data + AT_SERVER, value.data[AT_SERVER_LEN]);
  struct span rest = span_of(server.data + server.len, value.len - AT_SERVER - server.len);
  if (value.data[0] & COVERING_SPLICED) {
    buf_reset(body);
    if (!join(rest, value.data[0] & COVERING_SOURCE, path, predicate, source, body))
      return false;
    rest = buf_span(body);
  }
  buf_reset(record);
  entry_encode(record, ENTRY_ASSERTION, 0, seq, get_u64(value.data + AT_TIME), value.data + AT_ID, server, rest);
  return true;
}
