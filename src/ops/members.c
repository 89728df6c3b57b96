#include "ops/members.h"

#include <string.h>

int members_missing(struct err *err, const char *name) {
  return err_set(err, ERR_CORRUPT, "%s is missing, or not of its form", name);
}

int members_text(const struct json_doc *doc, uint32_t token, const char *name, char *out, size_t size,
                 struct err *err) {
  uint32_t value;
  if (!json_member(doc, token, name, &value) || doc->tokens[value].type != JSON_STRING || doc->tokens[value].escaped)
    return members_missing(err, name);
  struct span raw = json_raw(doc, value);
  if (raw.len >= size)
    return members_missing(err, name);
  memcpy(out, raw.data, raw.len);
  out[raw.len] = '\0';
  return 0;
}

int members_count(const struct json_doc *doc, uint32_t token, const char *name, uint64_t *out, struct err *err) {
  uint32_t value;
  uint64_t n = 0;
  if (!json_member(doc, token, name, &value) || doc->tokens[value].type != JSON_NUMBER)
    return members_missing(err, name);
  struct span raw = json_raw(doc, value);
  for (size_t i = 0; i < raw.len; i++)
    if (raw.data[i] < '0' || raw.data[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
        __builtin_add_overflow(n, (uint64_t)(raw.data[i] - '0'), &n))
      return members_missing(err, name);
  *out = n;
  return 0;
}
