#include "api/request.h"

#include <strings.h>

#include "model/utf8.h"

static int hex_value(unsigned char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* Decodes raw[from..to) of a query string in the arena. */
static int decode(struct arena *arena, struct span raw, size_t from, size_t to, struct span *out, struct err *err) {
  unsigned char *text = arena_alloc(arena, to - from + 1);
  size_t len = 0;
  if (!text)
    return err_set(err, ERR_NOMEM, "no memory for the query string");
  for (size_t i = from; i < to; i++) {
    unsigned char c = raw.data[i];
    if (c == '%') {
      int high = i + 2 < to ? hex_value(raw.data[i + 1]) : -1;
      int low = i + 2 < to ? hex_value(raw.data[i + 2]) : -1;
      if (high < 0 || low < 0)
        return err_set(err, ERR_INVALID, "query string: '%%' without two hex digits at byte %zu", i);
      c = (unsigned char)(high << 4 | low);
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    if (c == '\0')
      return err_set(err, ERR_INVALID, "query string: NUL before byte %zu", i + 1);
    text[len++] = c;
  }
  *out = span_of(text, len);
  if (!utf8_valid(*out))
    return err_set(err, ERR_INVALID, "query string: not UTF-8 between bytes %zu and %zu", from, to);
  return 0;
}

/* The first `c` in s[from..to), else `to`. */
static size_t find_byte(struct span s, size_t from, size_t to, char c) {
  const unsigned char *found = from < to ? memchr(s.data + from, c, to - from) : NULL;
  return found ? (size_t)(found - s.data) : to;
}

int request_parameters(struct arena *arena, struct span query_string, struct parameter **out, size_t *count,
                       struct err *err) {
  *count = 0;
  *out = NULL;
  if (query_string.len == 0)
    return 0;
  *out = arena_calloc(arena, REQUEST_PARAMETERS_MAX, sizeof(**out));
  if (!*out)
    return err_set(err, ERR_NOMEM, "no memory for the query string");
  for (size_t at = 0; at < query_string.len;) {
    size_t end = find_byte(query_string, at, query_string.len, '&');
    if (end > at) {
      if (*count == REQUEST_PARAMETERS_MAX)
        return err_set(err, ERR_INVALID, "query string: more than %d parameters", REQUEST_PARAMETERS_MAX);
      struct parameter *p = &(*out)[(*count)++];
      size_t equals = find_byte(query_string, at, end, '=');
      int rc = decode(arena, query_string, at, equals, &p->name, err);
      if (!rc)
        rc = decode(arena, query_string, equals < end ? equals + 1 : end, end, &p->value, err);
      if (rc)
        return rc;
    }
    at = end + 1;
  }
  return 0;
}

int request_key(const struct http_request *request, struct span *key, struct err *err) {
  *key = request->idempotency_key;
  if (!key->data)
    return 0;
  bool good = key->len >= 1 && key->len <= REQUEST_KEY_MAX;
  for (size_t i = 0; i < key->len; i++)
    good = good && key->data[i] > 0x20 && key->data[i] < 0x7f;
  if (!good)
    return err_set(err, ERR_INVALID, "Idempotency-Key must be 1 to %d visible ASCII characters", REQUEST_KEY_MAX);
  return 0;
}

static struct span trim(struct span s) {
  while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
    s.data++, s.len--;
  while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    s.len--;
  return s;
}

/* Takes the part of *rest up to `separator` (outside of quotes), trimmed; false at the end. */
static bool next_part(struct span *rest, char separator, struct span *part) {
  if (rest->len == 0)
    return false;
  size_t end = 0;
  for (bool quoted = false; end < rest->len && (quoted || rest->data[end] != (unsigned char)separator); end++) {
    if (rest->data[end] == '"')
      quoted = !quoted;
    else if (quoted && rest->data[end] == '\\' && end + 1 < rest->len)
      end++;
  }
  *part = trim(span_of(rest->data, end));
  size_t used = end < rest->len ? end + 1 : end;
  *rest = span_of(rest->data + used, rest->len - used);
  return true;
}

static bool equals_ignoring_case(struct span s, const char *word, size_t len) {
  return s.len == len && strncasecmp((const char *)s.data, word, len) == 0;
}

static bool is_one_of(struct span type, const char *types) {
  for (;;) {
    size_t len = strcspn(types, " ");
    if (equals_ignoring_case(type, types, len))
      return true;
    if (types[len] == '\0')
      return false;
    types += len + 1;
  }
}

/* The value of `part` if it is the parameter "NAME=value", without quotes around it. */
static bool parameter_value(struct span part, const char *name, struct span *value) {
  size_t len = strlen(name);
  if (part.len <= len || part.data[len] != '=' || !equals_ignoring_case(span_of(part.data, len), name, len))
    return false;
  *value = span_of(part.data + len + 1, part.len - len - 1);
  if (value->len >= 2 && value->data[0] == '"' && value->data[value->len - 1] == '"')
    *value = span_of(value->data + 1, value->len - 2);
  return true;
}

bool request_type_is(struct span content_type, const char *types) {
  struct span part, value;
  if (!next_part(&content_type, ';', &part) || !is_one_of(part, types))
    return false;
  while (next_part(&content_type, ';', &part))
    if (parameter_value(part, "charset", &value) && !equals_ignoring_case(value, "utf-8", 5) &&
        !equals_ignoring_case(value, "utf8", 4))
      return false;
  return true;
}

/* A quality (RFC 9110 section 12.4.2: "0.7") in thousandths; 1000 if it is not one. */
static int quality(struct span value) {
  int q = 0;
  int scale = 1000;
  if (value.len == 0 || value.len > 5 || (value.len > 1 && value.data[1] != '.'))
    return 1000;
  for (size_t i = 0; i < value.len; i++) {
    if (i == 1)
      continue;
    if (value.data[i] < '0' || value.data[i] > '9')
      return 1000;
    q += (value.data[i] - '0') * scale;
    scale /= 10;
  }
  return q > 1000 ? 1000 : q;
}

bool request_prefers(struct span accept, const char *types) {
  int wanted = 0;
  int json = 0;
  struct span range;
  while (next_part(&accept, ',', &range)) {
    struct span type, part, value;
    int q = 1000;
    if (!next_part(&range, ';', &type))
      continue;
    while (next_part(&range, ';', &part))
      if (parameter_value(part, "q", &value))
        q = quality(value);
    if (is_one_of(type, types))
      wanted = q > wanted ? q : wanted;
    else if (is_one_of(type, "application/json"))
      json = q > json ? q : json;
  }
  return wanted > 0 && wanted >= json;
}
