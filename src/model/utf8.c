#include "model/utf8.h"

static bool is_continuation(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

/* The second byte's bounds forbid overlong forms, surrogates and what is above U+10FFFF (RFC 3629, section 4). */
size_t utf8_sequence(const unsigned char *p, const unsigned char *end) {
  size_t left = (size_t)(end - p);
  unsigned char c = p[0];
  if (c < 0x80)
    return 1;
  if (c < 0xc2 || c > 0xf4 || left < 2 || !is_continuation(p[1]))
    return 0;
  if (c < 0xe0)
    return 2;
  if (left < 3 || !is_continuation(p[2]))
    return 0;
  if (c < 0xf0)
    return (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ? 0 : 3;
  if (left < 4 || !is_continuation(p[3]))
    return 0;
  return (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

bool utf8_valid(struct span s) {
  const unsigned char *p = s.data, *end = p + s.len;
  while (p < end) {
    size_t len = utf8_sequence(p, end);
    if (len == 0)
      return false;
    p += len;
  }
  return true;
}

size_t utf8_put(unsigned char out[4], unsigned long code) {
  if (code < 0x80) {
    out[0] = (unsigned char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (unsigned char)(0xc0 | code >> 6);
    out[1] = (unsigned char)(0x80 | (code & 0x3f));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (unsigned char)(0xe0 | code >> 12);
    out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (unsigned char)(0x80 | (code & 0x3f));
    return 3;
  }
  out[0] = (unsigned char)(0xf0 | code >> 18);
  out[1] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
  out[2] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
  out[3] = (unsigned char)(0x80 | (code & 0x3f));
  return 4;
}
