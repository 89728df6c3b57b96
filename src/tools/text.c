#include "tools/text.h"

#include <locale.h>
#include <stdint.h>
#include <wchar.h>

#include "model/utf8.h"

/* Printable by the locale, and yet not what a reader takes it for. */
static const struct {
  uint32_t first, last;
} hidden[] = {
    {0x00ad, 0x00ad}, /* soft hyphen */
    {0x061c, 0x061c}, /* Arabic letter mark */
    {0x115f, 0x1160}, /* Hangul fillers */
    {0x180b, 0x180f}, /* Mongolian selectors */
    {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffc}, {0xe0000, 0xe0fff}, /* tags */
};

void text_locale(void) {
  if (!setlocale(LC_CTYPE, "C.UTF-8"))
    setlocale(LC_CTYPE, "");
}

/* The code point of a sequence that utf8_sequence found to be one. */
static uint32_t decode(const unsigned char *p, size_t len) {
  if (len == 1)
    return p[0];
  uint32_t code = p[0] & (0xffU >> (len + 1));
  for (size_t i = 1; i < len; i++)
    code = code << 6 | (p[i] & 0x3fU);
  return code;
}

/* Columns of a character; -1 if it must not be shown as it is. */
static int columns_of(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0))
    return -1;
  if (code < 0x7f)
    return 1;
  for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
    if (code >= hidden[i].first && code <= hidden[i].last)
      return -1;
  return wcwidth((wchar_t)code);
}

static void escape(struct buf *out, uint32_t code) {
  if (code < 0x80)
    buf_addf(out, "\\x%02x", (unsigned)code);
  else
    buf_addf(out, code > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)code);
}

void text_show(struct buf *out, struct span s) {
  const unsigned char *p = s.data, *end = s.len ? s.data + s.len : s.data;
  while (p < end) {
    size_t len = utf8_sequence(p, end);
    if (len == 0) {
      buf_addf(out, "\\x%02x", *p++);
      continue;
    }
    uint32_t code = decode(p, len);
    if (columns_of(code) < 0)
      escape(out, code);
    else
      buf_add(out, p, len);
    p += len;
  }
}

/* Columns of the character at p and its length in bytes. */
static size_t step(const unsigned char *p, const unsigned char *end, size_t *len) {
  *len = utf8_sequence(p, end);
  if (*len == 0) {
    *len = 1;
    return 1;
  }
  int columns = columns_of(decode(p, *len));
  return columns > 0 ? (size_t)columns : 0;
}

size_t text_columns(struct span shown) {
  size_t columns = 0;
  for (size_t at = 0, len; at < shown.len; at += len)
    columns += step(shown.data + at, shown.data + shown.len, &len);
  return columns;
}

struct span text_head(struct span shown, size_t columns) {
  size_t at = 0, used = 0;
  for (size_t len; at < shown.len; at += len) {
    used += step(shown.data + at, shown.data + shown.len, &len);
    if (used > columns)
      break;
  }
  return span_of(shown.data, at);
}
