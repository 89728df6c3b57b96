#include "tests/model/vectors.h"

#include <stdio.h>
#include <stdlib.h>

/* Where `needle` begins in `s`, or s.len. */
static size_t find(struct span s, struct span needle) {
  for (size_t at = 0; at + needle.len <= s.len; at++)
    if (memcmp(s.data + at, needle.data, needle.len) == 0)
      return at;
  return s.len;
}

static struct span from(struct span s, size_t at) {
  return at < s.len ? span_of(s.data + at, s.len - at) : span_of(s.data + s.len, 0);
}

bool vectors_next_block(struct span *rest, const char *name, struct span *block) {
  char fence[64];
  int len = snprintf(fence, sizeof(fence), "\n```%s\n", name);
  size_t start = find(*rest, span_of(fence, (size_t)len));
  if (start == rest->len)
    return false;
  *rest = from(*rest, start + (size_t)len);
  size_t end = find(*rest, span_str("\n```"));
  *block = span_of(rest->data, end);
  *rest = from(*rest, end);
  return true;
}

bool vectors_next_line(struct span *block, const char *separator, struct span *left, struct span *right) {
  if (block->len == 0)
    return false;
  size_t end = find(*block, span_str("\n"));
  struct span line = span_of(block->data, end);
  *block = from(*block, end + 1);
  size_t cut = find(line, span_str(separator));
  *left = span_of(line.data, cut);
  *right = from(line, cut + strlen(separator));
  return true;
}

struct span vectors_field(struct span block, const char *name) {
  struct span left, right;
  while (vectors_next_line(&block, " = ", &left, &right))
    if (span_equal(left, span_str(name)))
      return right;
  return (struct span){NULL, 0};
}

size_t vectors_hex(struct span digits, unsigned char *out, size_t size) {
  size_t len = 0;
  for (; len < size && 2 * len + 1 < digits.len; len++) {
    char pair[3] = {(char)digits.data[2 * len], (char)digits.data[2 * len + 1], 0};
    out[len] = (unsigned char)strtoul(pair, NULL, 16);
  }
  return len;
}

unsigned long long vectors_number(struct span digits) {
  unsigned long long value = 0;
  for (size_t i = 0; i < digits.len; i++)
    value = value * 10 + (unsigned long long)(digits.data[i] - '0');
  return value;
}
