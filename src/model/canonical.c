#include "model/canonical.h"

#include <stdlib.h>

#include "model/number.h"

/* Up to here an object's members are sorted on the stack. */
enum { FEW_MEMBERS = 16 };

/* Where a value stands: built into a JSON Pointer only if something is wrong with it. */
struct place {
  const struct place *parent; /* NULL: the value that was asked for */
  struct span name;           /* of a member; data NULL: an element */
  uint32_t index;
};

struct writer {
  struct arena *arena;
  const struct json_doc *doc;
  struct span pointer;
  struct field_errors *errors;
  struct buf *out;
  struct err *err;
};

struct member {
  struct span name; /* unescaped */
  uint32_t name_token;
};

static int write_value(const struct writer *w, uint32_t token, const struct place *place);

static struct span pointer_of(const struct writer *w, const struct place *place) {
  if (!place->parent)
    return w->pointer;
  struct span parent = pointer_of(w, place->parent);
  return place->name.data ? field_pointer(w->arena, parent, place->name)
                          : field_pointer_index(w->arena, parent, place->index);
}

/* The order of UTF-16 code units. It is that of the bytes, but for U+10000 and up (lead bytes f0 and more), whose
 * surrogates (d800 to dfff) come before U+E000 to U+FFFF (lead bytes ee and ef). */
static int compare_utf16(struct span a, struct span b) {
  size_t n = a.len < b.len ? a.len : b.len, i = 0;
  while (i < n && a.data[i] == b.data[i])
    i++;
  if (i == n)
    return (a.len > b.len) - (a.len < b.len);
  unsigned char x = a.data[i], y = b.data[i];
  if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
    return x >= 0xf0 ? -1 : 1;
  return x < y ? -1 : 1;
}

static int compare_members(const void *a, const void *b) {
  return compare_utf16(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void sort_few(struct member *members, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    struct member member = members[i];
    uint32_t k = i;
    for (; k > 0 && compare_utf16(member.name, members[k - 1].name) < 0; k--)
      members[k] = members[k - 1];
    members[k] = member;
  }
}

static int write_number(const struct writer *w, uint32_t token, const struct place *place) {
  char text[40];
  size_t len = number_canonical(json_raw(w->doc, token), text);
  if (len == 0)
    field_errors_add(w->errors, pointer_of(w, place), NULL, "is a number that cannot be kept exactly");
  buf_add(w->out, text, len);
  return 0;
}

static int write_string(const struct writer *w, uint32_t token) {
  struct span s;
  buf_add_byte(w->out, '"');
  if (w->doc->tokens[token].escaped) {
    int code = json_string(w->arena, w->doc, token, &s, w->err);
    if (code)
      return code;
    json_escape(w->out, s);
  } else {
    buf_add_span(w->out, json_raw(w->doc, token)); /* without escapes it is canonical already */
  }
  buf_add_byte(w->out, '"');
  return 0;
}

static int write_array(const struct writer *w, uint32_t token, const struct place *place) {
  struct place element = {.parent = place};
  uint32_t value = token + 1, count = w->doc->tokens[token].count;
  buf_add_byte(w->out, '[');
  for (; element.index < count; element.index++) {
    if (element.index > 0)
      buf_add_byte(w->out, ',');
    int code = write_value(w, value, &element);
    if (code)
      return code;
    value = w->doc->tokens[value].next;
  }
  buf_add_byte(w->out, ']');
  return 0;
}

static int write_members(const struct writer *w, const struct member *members, uint32_t count,
                         const struct place *place) {
  for (uint32_t i = 0; i < count; i++) {
    struct place member = {.parent = place, .name = members[i].name};
    if (memchr(members[i].name.data, 0, members[i].name.len))
      field_errors_add(w->errors, pointer_of(w, &member), NULL, "is a member name with a NUL in it");
    if (i > 0)
      buf_add_byte(w->out, ',');
    int code = write_string(w, members[i].name_token);
    if (code)
      return code;
    buf_add_byte(w->out, ':');
    code = write_value(w, members[i].name_token + 1, &member);
    if (code)
      return code;
  }
  return 0;
}

static int write_object(const struct writer *w, uint32_t token, const struct place *place) {
  struct member few[FEW_MEMBERS], *members = few;
  uint32_t count = w->doc->tokens[token].count, name = token + 1;
  if (count > FEW_MEMBERS) {
    members = arena_calloc(w->arena, count, sizeof(*members));
    if (!members)
      return err_set(w->err, ERR_NOMEM, "no memory for the members of an object");
  }
  for (uint32_t i = 0; i < count; i++) {
    members[i].name_token = name;
    int code = json_string(w->arena, w->doc, name, &members[i].name, w->err);
    if (code)
      return code;
    name = w->doc->tokens[name + 1].next;
  }
  if (count > FEW_MEMBERS)
    qsort(members, count, sizeof(*members), compare_members);
  else
    sort_few(members, count);
  buf_add_byte(w->out, '{');
  int code = write_members(w, members, count, place);
  buf_add_byte(w->out, '}');
  return code;
}

/* Recursion ends at the parser's limit of depth. */
static int write_value(const struct writer *w, uint32_t token, const struct place *place) {
  switch (w->doc->tokens[token].type) {
  case JSON_NUMBER: return write_number(w, token, place);
  case JSON_STRING: return write_string(w, token);
  case JSON_ARRAY: return write_array(w, token, place);
  case JSON_OBJECT: return write_object(w, token, place);
  default: buf_add_span(w->out, json_raw(w->doc, token)); return 0;
  }
}

int canonical_value(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                    struct field_errors *errors, struct buf *out, struct err *err) {
  struct writer w = {.arena = arena, .doc = doc, .pointer = pointer, .errors = errors, .out = out, .err = err};
  const struct place root = {0};
  int code = write_value(&w, token, &root);
  return code ? code : buf_check(out, "canonical JSON", err);
}
