#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { BUF_FIRST_CAP = 64 };

void buf_init(struct buf *b, size_t max) {
  *b = (struct buf){.max = max};
}

void buf_free(struct buf *b) {
  if (!b)
    return;
  free(b->data);
  buf_init(b, b->max);
}

void buf_reset(struct buf *b) {
  b->len = 0;
  b->failed = false;
}

/* Makes room for `len` more bytes; false, and the buffer failed, if there can be none. */
static bool buf_reserve(struct buf *b, size_t len) {
  if (b->failed)
    return false;
  if (b->data && len <= b->cap - b->len)
    return true;
  if (b->len > b->max || len > b->max - b->len) {
    b->failed = true;
    return false;
  }
  size_t need = b->len + len;
  size_t cap = b->cap < BUF_FIRST_CAP ? BUF_FIRST_CAP : b->cap;
  while (cap < need)
    cap = cap > SIZE_MAX / 2 ? need : cap * 2;
  if (cap > b->max)
    cap = b->max;
  /* One byte more than is counted, for the NUL of vsnprintf. */
  unsigned char *data = cap == SIZE_MAX ? NULL : realloc(b->data, cap + 1);
  if (!data) {
    b->failed = true;
    return false;
  }
  b->data = data;
  b->cap = cap;
  return true;
}

unsigned char *buf_extend(struct buf *b, size_t len) {
  if (!buf_reserve(b, len))
    return NULL;
  unsigned char *p = b->data + b->len;
  b->len += len;
  return p;
}

void buf_add(struct buf *b, const void *data, size_t len) {
  if (len == 0)
    return;
  unsigned char *p = buf_extend(b, len);
  if (p)
    memcpy(p, data, len);
}

void buf_add_span(struct buf *b, struct span s) {
  buf_add(b, s.data, s.len);
}

void buf_add_str(struct buf *b, const char *s) {
  buf_add(b, s, strlen(s));
}

void buf_add_byte(struct buf *b, unsigned char c) {
  unsigned char *p = buf_extend(b, 1);
  if (p)
    *p = c;
}

void buf_add_u16(struct buf *b, uint16_t v) {
  unsigned char *p = buf_extend(b, 2);
  if (p)
    put_u16(p, v);
}

void buf_add_u32(struct buf *b, uint32_t v) {
  unsigned char *p = buf_extend(b, 4);
  if (p)
    put_u32(p, v);
}

void buf_add_u64(struct buf *b, uint64_t v) {
  unsigned char *p = buf_extend(b, 8);
  if (p)
    put_u64(p, v);
}

void buf_add_dec(struct buf *b, uint64_t v) {
  unsigned char digits[20];
  size_t at = sizeof(digits);
  do {
    digits[--at] = (unsigned char)('0' + v % 10);
    v /= 10;
  } while (v);
  buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_add_hex(struct buf *b, const void *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  const unsigned char *in = data;
  if (len > SIZE_MAX / 2) {
    b->failed = true;
    return;
  }
  unsigned char *p = buf_extend(b, 2 * len);
  for (size_t i = 0; p && i < len; i++) {
    p[2 * i] = (unsigned char)digits[in[i] >> 4];
    p[2 * i + 1] = (unsigned char)digits[in[i] & 15];
  }
}

void buf_addf(struct buf *b, const char *fmt, ...) {
  char small[256];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(small, sizeof(small), fmt, ap);
  va_end(ap);
  if (n < 0) {
    b->failed = true;
    return;
  }
  size_t len = (size_t)n;
  if (len < sizeof(small)) {
    buf_add(b, small, len);
    return;
  }
  char *p = (char *)buf_extend(b, len);
  if (!p)
    return;
  va_start(ap, fmt);
  vsnprintf(p, len + 1, fmt, ap);
  va_end(ap);
}

void buf_drop_front(struct buf *b, size_t len) {
  if (len == 0)
    return;
  memmove(b->data, b->data + len, b->len - len);
  b->len -= len;
}

int buf_check(const struct buf *b, const char *what, struct err *err) {
  if (b->failed)
    return err_set(err, ERR_NOMEM, "%s is larger than %zu bytes", what, b->max);
  return 0;
}
