#include "model/json.h"
#include "model/utf8.h"

struct span json_raw(const struct json_doc *doc, uint32_t token) {
  const struct json_token *t = &doc->tokens[token];
  return span_of(doc->text.data + t->start, t->end - t->start);
}

static unsigned hex_value(unsigned char c) {
  return c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - 'a' + 10u;
}

static unsigned long unit_at(const unsigned char *p) {
  return (unsigned long)hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]);
}

/* Writes the character that the escape at *at stands for, and passes it; the escape was checked by the parser. */
static size_t unescape_one(const unsigned char **at, unsigned char out[4]) {
  const unsigned char *p = *at + 1;
  unsigned char c = *p++;
  size_t len = 1;
  switch (c) {
  case 'b': out[0] = '\b'; break;
  case 'f': out[0] = '\f'; break;
  case 'n': out[0] = '\n'; break;
  case 'r': out[0] = '\r'; break;
  case 't': out[0] = '\t'; break;
  case 'u': {
    unsigned long code = unit_at(p);
    p += 4;
    if (code >= 0xd800 && code <= 0xdbff) {
      code = 0x10000 + ((code - 0xd800) << 10) + (unit_at(p + 2) - 0xdc00);
      p += 6;
    }
    len = utf8_put(out, code);
    break;
  }
  default: out[0] = c; break;
  }
  *at = p;
  return len;
}

int json_unescape(struct arena *arena, struct span raw, struct span *out, struct err *err) {
  unsigned char *data = arena_alloc(arena, raw.len ? raw.len : 1); /* no escape is shorter than what it stands for */
  if (!data)
    return err_set(err, ERR_NOMEM, "no memory for a string of %zu bytes", raw.len);
  const unsigned char *p = raw.data, *end = p + raw.len;
  size_t len = 0;
  while (p < end) {
    unsigned char bytes[4];
    if (*p != '\\') {
      data[len++] = *p++;
      continue;
    }
    size_t count = unescape_one(&p, bytes);
    memcpy(data + len, bytes, count);
    len += count;
  }
  *out = span_of(data, len);
  return 0;
}

int json_string(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span *out, struct err *err) {
  struct span raw = json_raw(doc, token);
  if (doc->tokens[token].escaped)
    return json_unescape(arena, raw, out, err);
  *out = raw;
  return 0;
}

/* Whether a raw, escaped string stands for `name`. */
static bool escaped_equals(struct span raw, struct span name) {
  const unsigned char *p = raw.data, *end = p + raw.len;
  size_t at = 0;
  while (p < end) {
    unsigned char bytes[4];
    size_t len = 1;
    if (*p == '\\')
      len = unescape_one(&p, bytes);
    else
      bytes[0] = *p++;
    if (len > name.len - at || memcmp(name.data + at, bytes, len) != 0)
      return false;
    at += len;
  }
  return at == name.len;
}

bool json_member(const struct json_doc *doc, uint32_t token, const char *name, uint32_t *value) {
  struct span wanted = span_str(name);
  uint32_t member = token + 1;
  for (uint32_t i = 0; i < doc->tokens[token].count; i++) {
    struct span raw = json_raw(doc, member);
    if (doc->tokens[member].escaped ? escaped_equals(raw, wanted) : span_equal(raw, wanted)) {
      *value = member + 1;
      return true;
    }
    member = doc->tokens[member + 1].next;
  }
  return false;
}

/* The letter of a two-character escape; 'u' for a control character without one, 0 for what stands for itself. */
static char escape_letter(unsigned char c) {
  switch (c) {
  case '\b': return 'b';
  case '\t': return 't';
  case '\n': return 'n';
  case '\f': return 'f';
  case '\r': return 'r';
  case '"': return '"';
  case '\\': return '\\';
  default: return c < 0x20 ? 'u' : 0;
  }
}

void json_escape(struct buf *out, struct span s) {
  static const char digits[] = "0123456789abcdef";
  size_t plain = 0; /* where the run begins that needs no escape */
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = s.data[i];
    char letter = escape_letter(c);
    if (!letter)
      continue;
    char escape[6] = {'\\', letter, '0', '0', digits[c >> 4], digits[c & 15]};
    buf_add(out, s.data + plain, i - plain);
    buf_add(out, escape, letter == 'u' ? 6 : 2);
    plain = i + 1;
  }
  buf_add(out, s.len ? s.data + plain : s.data, s.len - plain);
}

void json_quote(struct buf *out, struct span s) {
  buf_add_byte(out, '"');
  json_escape(out, s);
  buf_add_byte(out, '"');
}
