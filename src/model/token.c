#include "model/token.h"

#include <sodium.h>

#include "model/name.h"
#include "model/utf8.h"

enum { SECRET_SIZE = 32 };

static const char *const role_names[] = {
    [ROLE_NONE] = "none", [ROLE_READER] = "reader", [ROLE_WRITER] = "writer", [ROLE_ADMIN] = "admin"};

enum role role_find(struct span name) {
  for (int role = ROLE_READER; role <= ROLE_ADMIN; role++)
    if (span_equal(name, span_str(role_names[role])))
      return (enum role)role;
  return ROLE_NONE;
}

const char *role_name(enum role role) {
  return role_names[role];
}

const char *token_name_fault(struct span name) {
  if (name.len == 0 || name.len > TOKEN_NAME_MAX)
    return "a name has 1 to 64 characters";
  for (size_t i = 0; i < name.len; i++)
    if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
      return "a name is of visible ASCII characters";
  return name.data[0] == '#' ? "a name does not begin with #" : NULL;
}

/* Takes the part up to the next `end` byte off *rest. */
static struct span take_part(struct span *rest, unsigned char end) {
  const unsigned char *found = rest->len ? memchr(rest->data, end, rest->len) : NULL;
  struct span part = span_of(rest->data, found ? (size_t)(found - rest->data) : rest->len);
  size_t used = found ? part.len + 1 : part.len;
  *rest = span_of(rest->data + used, rest->len - used);
  return part;
}

static int read_sources(struct arena *arena, struct span rest, struct token *token, struct err *err) {
  struct span *sources = arena_calloc(arena, TOKEN_SOURCES_MAX, sizeof(*sources));
  if (!sources)
    return err_set(err, ERR_NOMEM, "no memory for tokens");
  while (rest.len > 0) {
    struct span source = take_part(&rest, '\t');
    if (token->source_count == TOKEN_SOURCES_MAX)
      return err_set(err, ERR_INVALID, "more than %d sources", TOKEN_SOURCES_MAX);
    if (!utf8_valid(source) || name_path_fault(source))
      return err_set(err, ERR_INVALID, "a source is not a concept path");
    sources[token->source_count++] = source;
  }
  token->sources = sources;
  return 0;
}

static int read_line(struct arena *arena, struct span line, struct token *token, struct err *err) {
  *token = (struct token){.name = take_part(&line, '\t')};
  const char *fault = token_name_fault(token->name);
  if (fault)
    return err_set(err, ERR_INVALID, "%s", fault);
  token->role = role_find(take_part(&line, '\t'));
  if (token->role == ROLE_NONE)
    return err_set(err, ERR_INVALID, "a role is reader, writer or admin");
  if (digest_from_hex(token->hash, take_part(&line, '\t')))
    return err_set(err, ERR_INVALID, "a hash has 64 lower-case hex digits");
  return line.len > 0 ? read_sources(arena, line, token, err) : 0;
}

static bool has_name(const struct tokens *tokens, struct span name) {
  for (size_t i = 0; i < tokens->count; i++)
    if (span_equal(tokens->items[i].name, name))
      return true;
  return false;
}

int tokens_parse(struct arena *arena, struct span text, struct tokens *out, struct err *err) {
  struct tokens tokens = {.items = arena_calloc(arena, TOKENS_MAX, sizeof(*tokens.items))};
  if (!tokens.items)
    return err_set(err, ERR_NOMEM, "no memory for tokens");
  for (unsigned number = 1; text.len > 0; number++) {
    struct span line = take_part(&text, '\n');
    if (line.len == 0 || line.data[0] == '#')
      continue;
    if (tokens.count == TOKENS_MAX)
      return err_set(err, ERR_INVALID, "more than %d tokens", TOKENS_MAX);
    struct token token;
    if (read_line(arena, line, &token, err))
      return err_context(err, "line %u", number);
    if (has_name(&tokens, token.name))
      return err_set(err, ERR_INVALID, "line %u: this name is there twice", number);
    tokens.items[tokens.count++] = token;
  }
  *out = tokens;
  return 0;
}

void token_put_line(struct buf *out, const struct token *token) {
  buf_add_span(out, token->name);
  buf_addf(out, "\t%s\t", role_name(token->role));
  buf_add_hex(out, token->hash, DIGEST_SIZE);
  for (size_t i = 0; i < token->source_count; i++) {
    buf_add_byte(out, '\t');
    buf_add_span(out, token->sources[i]);
  }
  buf_add_byte(out, '\n');
}

void token_make(char text[TOKEN_TEXT_SIZE]) {
  static const char prefix[] = "stemedb_"; /* so that one that leaked is recognised */
  unsigned char secret[SECRET_SIZE];
  randombytes_buf(secret, sizeof(secret));
  memcpy(text, prefix, sizeof(prefix) - 1);
  sodium_bin2base64(text + sizeof(prefix) - 1, TOKEN_TEXT_SIZE - (sizeof(prefix) - 1), secret, sizeof(secret),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_memzero(secret, sizeof(secret));
}

/* A token is 256 random bits, so no slow hash is needed to keep it from being guessed. */
void token_hash(unsigned char hash[DIGEST_SIZE], struct span text) {
  crypto_generichash(hash, DIGEST_SIZE, text.data, text.len, NULL, 0);
}

const struct token *tokens_find(const struct tokens *tokens, const unsigned char hash[DIGEST_SIZE]) {
  const struct token *found = NULL;
  for (size_t i = 0; i < tokens->count; i++)
    if (sodium_memcmp(tokens->items[i].hash, hash, DIGEST_SIZE) == 0)
      found = &tokens->items[i];
  return found;
}

bool token_speaks_for(const struct span *sources, size_t source_count, struct span source) {
  for (size_t i = 0; i < source_count; i++) {
    struct span s = sources[i];
    if (source.len >= s.len && memcmp(source.data, s.data, s.len) == 0 &&
        (source.len == s.len || source.data[s.len] == '/'))
      return true;
  }
  return source_count == 0;
}
