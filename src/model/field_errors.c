#include "model/field_errors.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum { DETAIL_MAX = 512 };

void field_errors_init(struct field_errors *errors, struct arena *arena) {
  errors->arena = arena;
  errors->count = 0;
}

/* Details may quote a client's text, so what did not fit must not end inside a UTF-8 sequence. */
static size_t whole_characters(const char *text, size_t len) {
  size_t at = len;
  while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
    at--;
  return at > 0 && (unsigned char)text[at - 1] >= 0xc0 ? at - 1 : at;
}

void field_errors_add(struct field_errors *errors, struct span pointer, const char *name, const char *fmt, ...) {
  if (errors->count++ >= FIELD_ERRORS_MAX)
    return;
  char text[DETAIL_MAX];
  va_list args;
  va_start(args, fmt);
  int written = vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  size_t len = written < 0 ? 0 : (size_t)written;
  if (len >= sizeof(text))
    len = whole_characters(text, sizeof(text) - 1);

  struct field_error *item = &errors->items[errors->count - 1];
  item->pointer = name ? field_pointer(errors->arena, pointer, span_str(name)) : arena_copy(errors->arena, pointer);
  item->detail = arena_copy(errors->arena, span_of(text, len));
}

struct span field_pointer(struct arena *arena, struct span parent, struct span name) {
  if (name.len > (SIZE_MAX - 1 - parent.len) / 2)
    return (struct span){NULL, 0};
  unsigned char *data = arena_alloc(arena, parent.len + 1 + 2 * name.len);
  if (!data)
    return (struct span){NULL, 0};
  if (parent.len)
    memcpy(data, parent.data, parent.len);
  unsigned char *p = data + parent.len;
  *p++ = '/';
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = name.data[i];
    if (c == '~' || c == '/') {
      *p++ = '~';
      c = c == '~' ? '0' : '1';
    }
    *p++ = c;
  }
  return span_of(data, (size_t)(p - data));
}

struct span field_pointer_index(struct arena *arena, struct span parent, size_t index) {
  char digits[24];
  int len = snprintf(digits, sizeof(digits), "%zu", index);
  return field_pointer(arena, parent, span_of(digits, (size_t)len));
}
