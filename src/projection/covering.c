#include "projection/covering.h"

#include "base/bytes.h"

enum { ITEM_HEADER = 3 };

static const char head[] = "{\"concept_path\":\"";
static const char before_predicate[] = ",\"predicate\":\"";
static const char before_source[] = ",\"source\":\"";

/* What is left of a body without path, predicate and source. */
struct splice {
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
  if (a->source.len > 0) {
    size_t between = sizeof(before_source) - 1;
    if (!inside(body, a->source) || a->source.data != end + between || memcmp(end, before_source, between) != 0)
      return false;
    end = a->source.data + a->source.len + 1;
  }
  out->end = span_of(end, (size_t)(body.data + body.len - end));
  return true;
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

/* The items of the server section that answers show. */
static int describe_server(struct gather *gather, const struct server_section *server, struct span *out,
                           struct err *err) {
  size_t len = item_size(server->recorded_by) + item_size(server->batch);
  *out = (struct span){NULL, 0};
  if (len == 0)
    return 0;
  unsigned char *items = gather_alloc(gather, len, err);
  if (!items)
    return err->code;
  add_item(add_item(items, ITEM_RECORDED_BY, server->recorded_by), ITEM_BATCH, server->batch);
  *out = span_of(items, len);
  return 0;
}

int covering_describe(struct gather *gather, const struct item *item, struct pack_row *row, struct err *err) {
  const struct entry *entry = item->entry;
  struct splice splice;
  row->seq = entry->seq;
  row->time_us = entry->time_us;
  row->id = entry->id;
  row->spliced = cut(entry->body, &item->assertion, &splice);
  row->middle = row->spliced ? splice.middle : (struct span){NULL, 0};
  row->end = row->spliced ? splice.end : entry->body;
  int rc = describe_server(gather, &item->server, &row->server, err);
  row->covered = entry->flags == 0 && row->server.len + row->middle.len + row->end.len <= CONCEPT_COVERED_MAX;
  return rc;
}

/* Puts the body together again. */
static void join(const struct pack_row *row, struct span path, struct span predicate, struct span source,
                 struct buf *body) {
  buf_reset(body);
  buf_add(body, head, sizeof(head) - 1);
  buf_add_span(body, path);
  buf_add_byte(body, '"');
  buf_add_span(body, row->middle);
  buf_add(body, before_predicate, sizeof(before_predicate) - 1);
  buf_add_span(body, predicate);
  buf_add_byte(body, '"');
  if (source.len) {
    buf_add(body, before_source, sizeof(before_source) - 1);
    buf_add_span(body, source);
    buf_add_byte(body, '"');
  }
  buf_add_span(body, row->end);
}

void covering_record(const struct pack_row *row, struct span path, struct span predicate, struct span source,
                     struct buf *body, struct buf *record) {
  if (row->spliced)
    join(row, path, predicate, source, body);
  buf_reset(record);
  entry_encode(record, ENTRY_ASSERTION, 0, row->seq, row->time_us, row->id, row->server,
               row->spliced ? buf_span(body) : row->end);
}
