#include "model/body.h"

/* The closing quote of the string whose inside begins at p; NULL if there is none. */
static const unsigned char *string_end(const unsigned char *p, const unsigned char *end) {
  for (; p < end && *p != '"'; p++)
    if (*p == '\\' && ++p == end)
      return NULL;
  return p < end ? p : NULL;
}

/* One past the value that begins at p; NULL if it does not end. */
static const unsigned char *value_end(const unsigned char *p, const unsigned char *end) {
  unsigned depth = 0;
  for (; p < end; p++) {
    switch (*p) {
    case '"':
      p = string_end(p + 1, end);
      if (!p)
        return NULL;
      break;
    case '[':
    case '{': depth++; break;
    case ']':
    case '}':
      if (depth == 0)
        return p;
      depth--;
      break;
    case ',':
      if (depth == 0)
        return p;
      break;
    default: break;
    }
  }
  return NULL;
}

bool body_begin(struct body_cursor *cursor, struct span body) {
  if (body.len < 2 || body.data[0] != '{' || body.data[body.len - 1] != '}')
    return false;
  cursor->at = body.data + 1;
  cursor->end = body.data + body.len;
  return true;
}

bool body_next(struct body_cursor *cursor, struct body_member *member, bool *more) {
  const unsigned char *p = cursor->at, *end = cursor->end;
  *more = false;
  if (*p == '}') { /* also of the empty object; the last byte of the body is a brace, so p is inside */
    cursor->at = p + 1;
    return cursor->at == end;
  }
  if (*p == ',')
    p++;
  if (*p != '"')
    return false;
  const unsigned char *name = ++p;
  p = string_end(p, end);
  if (!p)
    return false;
  member->name = span_of(name, (size_t)(p - name));
  if (end - p < 3 || p[1] != ':')
    return false;
  const unsigned char *value = p + 2;
  p = value_end(value, end);
  if (!p || p == value || *p == ']')
    return false;
  member->value = span_of(value, (size_t)(p - value));
  cursor->at = p;
  *more = true;
  return true;
}

bool body_value(struct span body, struct span *value) {
  struct body_cursor cursor;
  struct body_member member;
  bool more, found = false;
  if (!body_begin(&cursor, body))
    return false;
  while (body_next(&cursor, &member, &more)) {
    if (!more)
      return found;
    found = span_equal(member.name, span_str("value"));
    if (found)
      *value = member.value;
  }
  return false;
}
