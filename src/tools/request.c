#include "tools/request.h"

#include <stdio.h>
#include <string.h>

#include "model/json.h"

enum { REQUEST_MAX = 64 << 20, TARGET_MAX = 1 << 20, JSON_ARENA_MAX = 1 << 30 };

static void begin_member(struct buf *body, const char *name) {
  if (body->len > 1)
    buf_add_byte(body, ',');
  json_quote(body, span_str(name));
  buf_add_byte(body, ':');
}

void request_begin(struct buf *body) {
  buf_init(body, REQUEST_MAX);
  buf_add_byte(body, '{');
}

void request_text(struct buf *body, const char *name, const char *text) {
  if (!text)
    return;
  begin_member(body, name);
  json_quote(body, span_str(text));
}

void request_raw(struct buf *body, const char *name, const char *json) {
  if (!json)
    return;
  begin_member(body, name);
  buf_add_str(body, json);
}

void request_flag(struct buf *body, const char *name, bool flag) {
  request_raw(body, name, flag ? "true" : NULL);
}

void request_count(struct buf *body, const char *name, struct option_count count) {
  if (!count.given)
    return;
  begin_member(body, name);
  buf_add_dec(body, count.value);
}

void request_texts(struct buf *body, const char *name, const struct option_list *list) {
  if (list->count == 0)
    return;
  begin_member(body, name);
  for (size_t i = 0; i < list->count; i++) {
    buf_add_byte(body, i ? ',' : '[');
    json_quote(body, span_str(list->items[i]));
  }
  buf_add_byte(body, ']');
}

void request_moment(struct buf *body, const char *name, const char *text) {
  if (text && *text && text[strspn(text, "0123456789")] == '\0' && (text[0] != '0' || text[1] == '\0'))
    request_raw(body, name, text);
  else
    request_text(body, name, text);
}

void request_end(struct buf *body) {
  buf_add_byte(body, '}');
}

bool request_is_json(const char *text, const char **reason, size_t *offset) {
  struct json_doc doc;
  struct json_fault fault = {.reason = "no memory for it"};
  struct err err;
  struct arena *arena = arena_create(JSON_ARENA_MAX);
  bool good = arena && json_parse(arena, span_str(text), &doc, &fault, &err) == 0;
  *reason = fault.reason;
  *offset = fault.offset;
  arena_free(arena);
  return good;
}

/* --- the target --- */

/* The NUL is in the buffer's memory but not in its length. */
static void terminate(struct buf *target) {
  buf_add_byte(target, '\0');
  if (!target->failed)
    target->len--;
}

/* Percent-encodes (RFC 3986 section 2) all but letters, digits and `kept`. */
static void add_escaped(struct buf *target, const char *text, const char *kept) {
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr(kept, *p);
    if (plain)
      buf_add_byte(target, *p);
    else
      buf_addf(target, "%%%02X", *p);
  }
}

void target_begin(struct buf *target, const char *path) {
  buf_init(target, TARGET_MAX);
  buf_add_str(target, path);
  terminate(target);
}

void target_segment(struct buf *target, const char *text) {
  buf_add_byte(target, '/');
  add_escaped(target, text, "-_~");
  terminate(target);
}

void target_text(struct buf *target, const char *name, const char *text) {
  if (!text)
    return;
  bool first = target->len == 0 || !memchr(target->data, '?', target->len);
  buf_addf(target, "%c%s=", first ? '?' : '&', name);
  add_escaped(target, text, "-._~/:");
  terminate(target);
}

void target_count(struct buf *target, const char *name, struct option_count count) {
  char text[24];
  if (!count.given)
    return;
  snprintf(text, sizeof(text), "%llu", (unsigned long long)count.value);
  target_text(target, name, text);
}
