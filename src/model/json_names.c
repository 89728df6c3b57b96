#include "model/json_names.h"

#include <stdlib.h>

/* Up to here every pair is compared, without memory. */
enum { FEW_NAMES = 12 };

struct name {
  struct span bytes; /* unescaped */
  uint32_t token;
};

static int compare_names(const void *a, const void *b) {
  const struct name *x = a, *y = b;
  int order = span_compare(x->bytes, y->bytes);
  return order ? order : (x->token > y->token) - (x->token < y->token);
}

/* Compares the raw names of a small object pair by pair. False, with *duplicate unset, if one is escaped. */
static bool check_few(const struct json_doc *doc, uint32_t token, uint32_t *duplicate) {
  struct span names[FEW_NAMES];
  uint32_t count = doc->tokens[token].count;
  uint32_t name = token + 1;
  uint64_t seen = 0; /* a set of 64 buckets: most objects need no comparison at all */
  *duplicate = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct json_token *t = &doc->tokens[name];
    if (t->escaped)
      return false;
    names[i] = json_raw(doc, name);
    size_t len = names[i].len;
    unsigned hash = len ? (unsigned)len + names[i].data[0] * 7u + names[i].data[len - 1] * 13u : 0;
    uint64_t bucket = UINT64_C(1) << (hash & 63);
    if (seen & bucket)
      for (uint32_t k = 0; k < i; k++)
        if (span_equal(names[k], names[i])) {
          *duplicate = name;
          return true;
        }
    seen |= bucket;
    name = doc->tokens[name + 1].next;
  }
  return true;
}

int json_names_check(struct arena *arena, const struct json_doc *doc, uint32_t token, uint32_t *duplicate,
                     struct err *err) {
  uint32_t count = doc->tokens[token].count;
  if (count <= FEW_NAMES && check_few(doc, token, duplicate))
    return 0;
  *duplicate = 0;
  struct name *names = arena_calloc(arena, count, sizeof(*names));
  if (!names)
    return err_set(err, ERR_NOMEM, "no memory for the names of an object");
  uint32_t name = token + 1;
  for (uint32_t i = 0; i < count; i++) {
    int code = json_string(arena, doc, name, &names[i].bytes, err);
    if (code)
      return code;
    names[i].token = name;
    name = doc->tokens[name + 1].next;
  }
  qsort(names, count, sizeof(*names), compare_names);
  for (uint32_t i = 1; i < count; i++)
    if (span_equal(names[i - 1].bytes, names[i].bytes) && (*duplicate == 0 || names[i].token < *duplicate))
      *duplicate = names[i].token;
  return 0;
}
