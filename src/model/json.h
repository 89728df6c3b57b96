/*
 * Strict JSON (RFC 8259, UTF-8 only): one pass over the bytes into a flat array of tokens, which every later step
 * walks. json-c, even when strict, lets pass what must not be stored (NaN, duplicate members, text after NUL), so
 * nothing that a client sends reaches another parser before this one has accepted it.
 */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_MAX_DEPTH = 32, JSON_MAX_WRAP = 2, JSON_MAX_TOKENS = 1000000 };

/* A value, or the name of a member (a string token followed by the member's value). */
struct json_token {
  uint8_t type;   /* enum json_type */
  bool escaped;   /* string: has a backslash */
  uint32_t start; /* first byte in the text; of a string: after its quote */
  uint32_t end;   /* one past the last byte; of a string: at its closing quote */
  uint32_t count; /* array: elements; object: members */
  uint32_t next;  /* index of the token after this one and all inside it */
};

struct json_doc {
  struct span text;                /* borrowed */
  const struct json_token *tokens; /* in the arena; 0 is the root */
  uint32_t count;
};

/* Where and why bytes are not strict JSON. */
struct json_fault {
  size_t offset;      /* of the first byte that is wrong */
  const char *reason; /* constant text: "duplicate member name", "lone surrogate" … */
  bool too_large;     /* more than JSON_MAX_TOKENS values */
};

/*
 * Parses all of `text`: exactly one value, surrounded by white space at most. Refuses bad UTF-8 (overlong forms,
 * surrogates, above U+10FFFF), lone surrogate escapes, control characters in strings, duplicate member names (compared
 * after unescaping, at every level), depth over JSON_MAX_DEPTH (`[]` is depth 1), trailing bytes, a byte order mark,
 * text of 4 GiB and more. Numbers are checked for their grammar only. Returns 0; ERR_INVALID with *fault set;
 * ERR_NOMEM. The cost is linear, n log n in the members of an object.
 */
NODISCARD int json_parse(struct arena *arena, struct span text, struct json_doc *doc, struct json_fault *fault,
                         struct err *err);
/* The same for a text whose values lie `wrap` (0 to JSON_MAX_WRAP) levels deep in it and may have JSON_MAX_DEPTH levels
 * themselves: 1 for an object with a client's value in it, 2 for an array of such. */
NODISCARD int json_parse_wrapped(struct arena *arena, struct span text, unsigned wrap, struct json_doc *doc,
                                 struct json_fault *fault, struct err *err);

/* The raw bytes of a token: of a string without its quotes, still escaped. */
struct span json_raw(const struct json_doc *doc, uint32_t token);
/* A string's bytes unescaped (may hold NUL): borrowed from the text where there is no escape, else from the arena. */
NODISCARD int json_string(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span *out,
                          struct err *err);
/* Unescapes the inside of a string that a parser accepted, into the arena. */
NODISCARD int json_unescape(struct arena *arena, struct span raw, struct span *out, struct err *err);
/* Finds the value of the member `name` of the object `token`; false if there is none. `name` must not need escapes; an
 * escaped spelling of it in the text is found too. */
bool json_member(const struct json_doc *doc, uint32_t token, const char *name, uint32_t *value);

/* Appends `s` as the inside of a JSON string in RFC 8785 form (section 3.2.2.2), without quotes. */
void json_escape(struct buf *out, struct span s);
/* The same with quotes around it. */
void json_quote(struct buf *out, struct span s);

#endif
