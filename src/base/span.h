/* A borrowed run of bytes: never owned, never NUL-terminated. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
  const unsigned char *data; /* may be NULL where len is 0 */
  size_t len;
};

/* The span of a NUL-terminated string, without its NUL. */
static inline struct span span_str(const char *s) {
  return (struct span){(const unsigned char *)s, strlen(s)};
}

/* The span of `len` bytes at `data`. */
static inline struct span span_of(const void *data, size_t len) {
  return (struct span){(const unsigned char *)data, len};
}

/* Whether both hold the same bytes. */
static inline bool span_equal(struct span a, struct span b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Bytewise order, a prefix first: <0, 0, >0. */
static inline int span_compare(struct span a, struct span b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int order = n ? memcmp(a.data, b.data, n) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
