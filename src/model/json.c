#include "model/json.h"

#include <inttypes.h>

#include "model/json_names.h"
#include "model/utf8.h"

enum { DEPTH_LIMIT = JSON_MAX_DEPTH + JSON_MAX_WRAP };

struct parser {
  const unsigned char *start, *p, *end;
  struct arena *arena;
  struct json_token *tokens;
  uint32_t count, capacity;
  unsigned depth, max_depth;
  uint32_t open[DEPTH_LIMIT]; /* tokens of the containers that are open */
  struct json_fault *fault;
  struct err *err;
};

/* What a byte means inside a string. */
enum string_class { PLAIN, QUOTE, ESCAPE, CONTROL, MULTIBYTE };

/* clang-format off */
static const uint8_t string_class[256] = {
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 00 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 10 */
    0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 20 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 30 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 40 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, /* 50 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 60 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 70 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* 80 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* 90 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* a0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* b0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* c0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* d0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* e0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* f0 */
};
/* clang-format on */

static int refuse(struct parser *ps, const unsigned char *at, const char *reason) {
  *ps->fault = (struct json_fault){.offset = (size_t)(at - ps->start), .reason = reason};
  return err_set(ps->err, ERR_INVALID, "byte %zu: %s", ps->fault->offset, reason);
}

/* Refuses what stands at `at`, which may be the end. */
static int refuse_unexpected(struct parser *ps, const unsigned char *at, const char *reason) {
  return refuse(ps, at, at == ps->end ? "unexpected end of text" : reason);
}

/* --- tokens --- */

static int grow(struct parser *ps) {
  if (ps->count >= JSON_MAX_TOKENS) {
    int code = refuse(ps, ps->p, "too many values");
    ps->fault->too_large = true;
    return code;
  }
  uint32_t capacity = ps->capacity > JSON_MAX_TOKENS / 2 ? JSON_MAX_TOKENS : ps->capacity * 2;
  struct json_token *tokens = arena_alloc(ps->arena, capacity * sizeof(*tokens));
  if (!tokens)
    return err_set(ps->err, ERR_NOMEM, "no memory for %" PRIu32 " JSON values", capacity);
  memcpy(tokens, ps->tokens, ps->count * sizeof(*tokens));
  ps->tokens = tokens;
  ps->capacity = capacity;
  return 0;
}

/* Adds a token that ends at ps->p. */
static int add_token(struct parser *ps, enum json_type type, bool escaped, const unsigned char *start,
                     const unsigned char *end) {
  if (ps->count == ps->capacity) {
    int code = grow(ps);
    if (code)
      return code;
  }
  ps->tokens[ps->count] = (struct json_token){.type = (uint8_t)type,
                                              .escaped = escaped,
                                              .start = (uint32_t)(start - ps->start),
                                              .end = (uint32_t)(end - ps->start),
                                              .next = ps->count + 1};
  ps->count++;
  return 0;
}

static void skip_space(struct parser *ps) {
  const unsigned char *p = ps->p;
  while (p < ps->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  ps->p = p;
}

/* --- scalars --- */

static bool is_digit(const unsigned char *p, const unsigned char *end) {
  return p < end && *p >= '0' && *p <= '9';
}

/* The four hex digits of a \u escape at p; -1, with *bad where they go wrong. */
static long hex4(const unsigned char *p, const unsigned char *end, const unsigned char **bad) {
  long value = 0;
  for (int i = 0; i < 4; i++, p++) {
    int digit = -1;
    if (is_digit(p, end))
      digit = *p - '0';
    else if (p < end && ((*p >= 'a' && *p <= 'f') || (*p >= 'A' && *p <= 'F')))
      digit = (*p | 0x20) - 'a' + 10;
    if (digit < 0) {
      *bad = p;
      return -1;
    }
    value = value << 4 | digit;
  }
  return value;
}

static bool is_high_surrogate(long unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(long unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Passes the escape whose backslash is at *at. */
static int scan_escape(struct parser *ps, const unsigned char **at) {
  const unsigned char *p = *at + 1, *end = ps->end, *bad = NULL;
  if (p == end || *p == 0 || !strchr("\"\\/bfnrtu", *p))
    return refuse_unexpected(ps, p, "unknown escape");
  if (*p != 'u') {
    *at = p + 1;
    return 0;
  }
  long unit = hex4(p + 1, end, &bad);
  if (unit < 0)
    return refuse_unexpected(ps, bad, "\\u needs four hex digits");
  if (is_low_surrogate(unit))
    return refuse(ps, *at, "lone surrogate");
  p += 5;
  if (is_high_surrogate(unit)) {
    if (end - p < 2 || p[0] != '\\' || p[1] != 'u')
      return refuse(ps, *at, "lone surrogate");
    long low = hex4(p + 2, end, &bad);
    if (low < 0)
      return refuse_unexpected(ps, bad, "\\u needs four hex digits");
    if (!is_low_surrogate(low))
      return refuse(ps, *at, "lone surrogate");
    p += 6;
  }
  *at = p;
  return 0;
}

/* Takes the string whose quote is at ps->p. */
static int take_string(struct parser *ps) {
  const unsigned char *start = ps->p + 1, *p = start, *end = ps->end;
  bool escaped = false;
  for (;;) {
    while (p < end && string_class[*p] == PLAIN)
      p++;
    if (p == end)
      return refuse_unexpected(ps, p, NULL);
    switch (string_class[*p]) {
    case QUOTE: ps->p = p + 1; return add_token(ps, JSON_STRING, escaped, start, p);
    case ESCAPE: {
      int code = scan_escape(ps, &p);
      if (code)
        return code;
      escaped = true;
      break;
    }
    case MULTIBYTE: {
      size_t len = utf8_sequence(p, end);
      if (len == 0)
        return refuse(ps, p, "not UTF-8");
      p += len;
      break;
    }
    default: return refuse(ps, p, "control character in a string");
    }
  }
}

/* Passes one or more digits. */
static int scan_digits(struct parser *ps, const unsigned char **at) {
  const unsigned char *p = *at;
  if (!is_digit(p, ps->end))
    return refuse_unexpected(ps, p, "a digit is missing");
  while (is_digit(p, ps->end))
    p++;
  *at = p;
  return 0;
}

static int take_number(struct parser *ps) {
  const unsigned char *p = ps->p, *end = ps->end;
  int code = 0;
  p += *p == '-';
  if (p < end && *p == '0') {
    p++;
    if (is_digit(p, end))
      return refuse(ps, p, "a number must not begin with 0");
  } else {
    code = scan_digits(ps, &p);
  }
  if (!code && p < end && *p == '.') {
    p++;
    code = scan_digits(ps, &p);
  }
  if (!code && p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '+' || *p == '-'))
      p++;
    code = scan_digits(ps, &p);
  }
  if (code)
    return code;
  const unsigned char *start = ps->p;
  ps->p = p;
  return add_token(ps, JSON_NUMBER, false, start, p);
}

static int take_literal(struct parser *ps, const char *word, enum json_type type) {
  const unsigned char *start = ps->p, *p = start;
  for (; *word; word++, p++)
    if (p == ps->end || *p != (unsigned char)*word)
      return refuse_unexpected(ps, p, "not a JSON value");
  ps->p = p;
  return add_token(ps, type, false, start, p);
}

/* --- containers --- */

/* Takes a member's name and its colon. */
static int take_name(struct parser *ps) {
  skip_space(ps);
  if (ps->p == ps->end || *ps->p != '"')
    return refuse_unexpected(ps, ps->p, "a member name is missing");
  int code = take_string(ps);
  if (code)
    return code;
  skip_space(ps);
  if (ps->p == ps->end || *ps->p != ':')
    return refuse_unexpected(ps, ps->p, "a colon is missing");
  ps->p++;
  return 0;
}

/* Closes the innermost container, whose last bracket is at ps->p. */
static int close_container(struct parser *ps) {
  uint32_t index = ps->open[--ps->depth];
  struct json_token *token = &ps->tokens[index];
  ps->p++;
  token->end = (uint32_t)(ps->p - ps->start);
  token->next = ps->count;
  if (token->type == JSON_ARRAY || token->count < 2)
    return 0;
  const struct json_doc doc = {span_of(ps->start, (size_t)(ps->end - ps->start)), ps->tokens, ps->count};
  uint32_t duplicate;
  int code = json_names_check(ps->arena, &doc, index, &duplicate, ps->err);
  if (code || duplicate == 0)
    return code;
  return refuse(ps, ps->start + ps->tokens[duplicate].start - 1, "duplicate member name");
}

/* Opens the container at ps->p. *complete tells whether it was closed at once. */
static int open_container(struct parser *ps, enum json_type type, bool *complete) {
  if (ps->depth >= ps->max_depth)
    return refuse(ps, ps->p, "nested too deep");
  int code = add_token(ps, type, false, ps->p, ps->p + 1);
  if (code)
    return code;
  ps->open[ps->depth++] = ps->count - 1;
  ps->p++;
  skip_space(ps);
  *complete = ps->p < ps->end && *ps->p == (type == JSON_OBJECT ? '}' : ']');
  if (*complete)
    return close_container(ps);
  return type == JSON_OBJECT ? take_name(ps) : 0;
}

/* Takes the value at ps->p; of a container that is not empty only what stands before its first value. */
static int take_value(struct parser *ps, bool *complete) {
  skip_space(ps);
  *complete = true;
  if (ps->p == ps->end)
    return refuse_unexpected(ps, ps->p, NULL);
  switch (*ps->p) {
  case '{': return open_container(ps, JSON_OBJECT, complete);
  case '[': return open_container(ps, JSON_ARRAY, complete);
  case '"': return take_string(ps);
  case 't': return take_literal(ps, "true", JSON_TRUE);
  case 'f': return take_literal(ps, "false", JSON_FALSE);
  case 'n': return take_literal(ps, "null", JSON_NULL);
  default: break;
  }
  if (*ps->p == '-' || is_digit(ps->p, ps->end))
    return take_number(ps);
  return refuse(ps, ps->p, "not a JSON value");
}

/* After a value: closes what ends here. *more tells that another value follows. */
static int take_separators(struct parser *ps, bool *more) {
  *more = false;
  while (ps->depth > 0) {
    struct json_token *container = &ps->tokens[ps->open[ps->depth - 1]];
    bool object = container->type == JSON_OBJECT;
    container->count++;
    skip_space(ps);
    if (ps->p < ps->end && *ps->p == ',') {
      ps->p++;
      *more = true;
      return object ? take_name(ps) : 0;
    }
    if (ps->p == ps->end || *ps->p != (object ? '}' : ']'))
      return refuse_unexpected(ps, ps->p, object ? "a comma or } is missing" : "a comma or ] is missing");
    int code = close_container(ps);
    if (code)
      return code;
  }
  return 0;
}

static int parse(struct parser *ps) {
  bool more = true;
  while (more) {
    bool complete;
    int code = take_value(ps, &complete);
    if (!code && complete)
      code = take_separators(ps, &more);
    if (code)
      return code;
  }
  skip_space(ps);
  return ps->p == ps->end ? 0 : refuse(ps, ps->p, "text after the value");
}

int json_parse_wrapped(struct arena *arena, struct span text, unsigned wrap, struct json_doc *doc,
                       struct json_fault *fault, struct err *err) {
  static const unsigned char nothing[1] = {0};
  const unsigned char *start = text.data ? text.data : nothing;
  struct parser ps = {.start = start,
                      .p = start,
                      .end = start + text.len,
                      .arena = arena,
                      .max_depth = JSON_MAX_DEPTH + (wrap < JSON_MAX_WRAP ? wrap : JSON_MAX_WRAP),
                      .fault = fault,
                      .err = err};
  *fault = (struct json_fault){0};
  if (text.len >= UINT32_MAX) {
    int code = refuse(&ps, start, "4 GiB or more");
    fault->too_large = true;
    return code;
  }
  /* One value in 8 bytes is what assertions have; denser texts make it grow. */
  size_t guess = text.len / 8 + 16;
  ps.capacity = guess < JSON_MAX_TOKENS ? (uint32_t)guess : JSON_MAX_TOKENS;
  ps.tokens = arena_alloc(arena, ps.capacity * sizeof(*ps.tokens));
  if (!ps.tokens)
    return err_set(err, ERR_NOMEM, "no memory for %" PRIu32 " JSON values", ps.capacity);
  int code = parse(&ps);
  if (code)
    return code;
  *doc = (struct json_doc){.text = span_of(start, text.len), .tokens = ps.tokens, .count = ps.count};
  return 0;
}

int json_parse(struct arena *arena, struct span text, struct json_doc *doc, struct json_fault *fault, struct err *err) {
  return json_parse_wrapped(arena, text, 0, doc, fault, err);
}
