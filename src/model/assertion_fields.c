#include "model/assertion_fields.h"

#define FORM(name, first)                                                                                              \
  { name, "\"" name "\":", sizeof(name) - 1, sizeof(name) + 2, first }

const struct assertion_field_form assertion_fields[FIELD_COUNT] = {
    [FIELD_CONCEPT_PATH] = FORM("concept_path", '"'),
    [FIELD_CONFIDENCE] = FORM("confidence", 0),
    [FIELD_DERIVED_FROM] = FORM("derived_from", '['),
    [FIELD_OBSERVED_AT] = FORM("observed_at", '"'),
    [FIELD_PREDICATE] = FORM("predicate", '"'),
    [FIELD_SOURCE] = FORM("source", '"'),
    [FIELD_VALID_FROM] = FORM("valid_from", '"'),
    [FIELD_VALID_TO] = FORM("valid_to", '"'),
    [FIELD_VALUE] = FORM("value", 0),
};

/* The closing quote of the string whose inside begins at p; NULL if it does not end. */
static const unsigned char *string_end(const unsigned char *p, const unsigned char *end, bool *escaped) {
  for (; p < end && *p != '"'; p++)
    if (*p == '\\') {
      *escaped = true;
      if (++p == end)
        return NULL;
    }
  return p < end ? p : NULL;
}

/* Takes the value of a field, and the comma behind it, off *at; false if they are not there. */
static bool take_piece(const unsigned char **at, const unsigned char *end, enum assertion_field field,
                       struct assertion_pieces *out) {
  const unsigned char *start = *at, *p = start;
  char first = assertion_fields[field].first;
  bool escaped = false;
  if (first && (p == end || *p != (unsigned char)first))
    return false;
  switch (first) {
  case '"':
    p = string_end(++start, end, &escaped);
    if (!p)
      return false;
    out->fields[field] = span_of(start, (size_t)(p - start));
    out->escaped |= (unsigned)escaped << field;
    p++;
    break;
  case '[': /* of ids, so that no string has a bracket */
    p = memchr(p, ']', (size_t)(end - p));
    if (!p)
      return false;
    p++;
    out->fields[field] = span_of(start, (size_t)(p - start));
    break;
  default:
    while (p < end && *p != ',')
      p++;
    out->fields[field] = span_of(start, (size_t)(p - start));
    break;
  }
  if (p == end || *p != ',')
    return false;
  *at = p + 1;
  return true;
}

bool assertion_split(struct span body, struct assertion_pieces *out) {
  if (body.len < 2 || body.data[0] != '{' || body.data[body.len - 1] != '}')
    return false;
  const unsigned char *p = body.data + 1, *end = body.data + body.len - 1;
  *out = (struct assertion_pieces){0};
  for (int field = 0; field < FIELD_COUNT; field++) {
    const struct assertion_field_form *form = &assertion_fields[field];
    if ((size_t)(end - p) < form->key_len || memcmp(p, form->key, form->key_len) != 0)
      continue;
    p += form->key_len;
    if (field == FIELD_VALUE)
      out->fields[field] = span_of(p, (size_t)(end - p));
    else if (!take_piece(&p, end, (enum assertion_field)field, out))
      return false;
  }
  return out->fields[FIELD_CONCEPT_PATH].data && out->fields[FIELD_PREDICATE].data && out->fields[FIELD_VALUE].len > 0;
}
