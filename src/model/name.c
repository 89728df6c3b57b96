#include "model/name.h"

/* C1 controls are U+0080 to U+009F, in UTF-8 c2 80 to c2 9f. */
static bool is_control(const unsigned char *p, const unsigned char *end) {
  return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p + 1 < end && p[1] < 0xa0);
}

static const char *segment_fault(const unsigned char *start, const unsigned char *end) {
  size_t len = (size_t)(end - start);
  if (len == 0)
    return "has an empty segment";
  if (len > NAME_SEGMENT_MAX)
    return "has a segment of more than 128 bytes";
  if (start[0] == '.' && (len == 1 || (len == 2 && start[1] == '.')))
    return "has a segment \".\" or \"..\"";
  return NULL;
}

const char *name_path_fault(struct span path) {
  if (path.len == 0)
    return "is empty";
  if (path.len > NAME_PATH_MAX)
    return "is longer than 1,024 bytes";
  const unsigned char *end = path.data + path.len, *start = path.data;
  unsigned segments = 1;
  for (const unsigned char *p = path.data; p < end; p++) {
    if (is_control(p, end))
      return "has a control character";
    if (*p != '/')
      continue;
    const char *fault = segment_fault(start, p);
    if (fault)
      return fault;
    start = p + 1;
    if (++segments > NAME_SEGMENTS_MAX)
      return "has more than 32 segments";
  }
  return segment_fault(start, end);
}

const char *name_predicate_fault(struct span predicate) {
  if (predicate.len == 0)
    return "is empty";
  if (predicate.len > NAME_PREDICATE_MAX)
    return "is longer than 128 bytes";
  const unsigned char *end = predicate.data + predicate.len;
  for (const unsigned char *p = predicate.data; p < end; p++) {
    if (is_control(p, end))
      return "has a control character";
    if (*p == '/')
      return "has a \"/\"";
  }
  return NULL;
}

bool name_is_reserved(struct span predicate) {
  static const char prefix[] = NAME_RESERVED;
  return predicate.len >= sizeof(prefix) - 1 && memcmp(predicate.data, prefix, sizeof(prefix) - 1) == 0;
}
