#include "tools/feed_line.h"

#include "model/json.h"

/* What a client may say of an assertion (contract section 1). */
static const char *const client_fields[] = {"concept_path", "confidence", "derived_from", "observed_at", "predicate",
                                            "source",       "valid_from", "valid_to",     "value"};

static const char entry_head[] = "{\"kind\":\"";

static bool has_head(struct span line, const char *head, size_t len) {
  return line.len >= len && memcmp(line.data, head, len) == 0;
}

enum feed_line feed_line_read(struct arena *arena, struct span line, struct buf *out) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  uint32_t kind, value;
  /* A line of a client never has this member, so a look at its first bytes is enough for nearly all. */
  if (!has_head(line, entry_head, sizeof(entry_head) - 1) || json_parse_wrapped(arena, line, 1, &doc, &fault, &err) ||
      !json_member(&doc, 0, "kind", &kind))
    return FEED_NONE;
  if (!span_equal(json_raw(&doc, kind), span_str("assertion")))
    return FEED_EVENT;
  bool first = true;
  for (size_t i = 0; i < sizeof(client_fields) / sizeof(client_fields[0]); i++) {
    if (!json_member(&doc, 0, client_fields[i], &value))
      continue;
    struct span raw = json_raw(&doc, value);
    bool string = doc.tokens[value].type == JSON_STRING;
    buf_addf(out, "%c\"%s\":%s", first ? '{' : ',', client_fields[i], string ? "\"" : "");
    buf_add_span(out, raw);
    buf_add_str(out, string ? "\"" : "");
    first = false;
  }
  buf_add_str(out, first ? "{}" : "}");
  return FEED_ASSERTION;
}

/* The digits after `"seq":` where they follow the kind at once, as the node writes them. */
static bool seq_in_head(struct span line, uint64_t *seq) {
  static const char member[] = "\",\"seq\":";
  if (!has_head(line, entry_head, sizeof(entry_head) - 1))
    return false;
  size_t at = sizeof(entry_head) - 1;
  while (at < line.len && line.data[at] >= 'a' && line.data[at] <= 'z')
    at++;
  struct span rest = span_of(line.data + at, line.len - at);
  if (!has_head(rest, member, sizeof(member) - 1))
    return false;
  uint64_t value = 0;
  size_t digit = sizeof(member) - 1;
  for (; digit < rest.len && rest.data[digit] >= '0' && rest.data[digit] <= '9'; digit++) {
    if (value > (UINT64_MAX - 9) / 10)
      return false;
    value = value * 10 + (uint64_t)(rest.data[digit] - '0');
  }
  *seq = value;
  return digit > sizeof(member) - 1 && digit < rest.len && rest.data[digit] == ',';
}

bool feed_line_seq(struct arena *arena, struct span line, uint64_t *seq) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  uint32_t value;
  if (seq_in_head(line, seq))
    return true;
  if (json_parse_wrapped(arena, line, 1, &doc, &fault, &err) || !json_member(&doc, 0, "seq", &value) ||
      doc.tokens[value].type != JSON_NUMBER)
    return false;
  struct span digits = json_raw(&doc, value);
  *seq = 0;
  for (size_t i = 0; i < digits.len; i++) {
    if (digits.data[i] < '0' || digits.data[i] > '9' || *seq > (UINT64_MAX - 9) / 10)
      return false;
    *seq = *seq * 10 + (uint64_t)(digits.data[i] - '0');
  }
  return true;
}
