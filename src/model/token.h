/*
 * Access tokens and the file that lists them (contract section 2, "Access"): who may call, with which role, and for
 * which sources they may speak. A line of the file is
 *   NAME <tab> ROLE <tab> HASH [<tab> SOURCE]...
 * with HASH the BLAKE2b-256 of the token in hex: the token itself is nowhere but with its owner. Empty lines and lines
 * that begin with # are skipped.
 */
#ifndef MODEL_TOKEN_H
#define MODEL_TOKEN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/digest.h"

/* What a caller may do; each role includes those before it. */
enum role { ROLE_NONE, ROLE_READER, ROLE_WRITER, ROLE_ADMIN };

enum {
  TOKEN_NAME_MAX = 64,
  TOKEN_SOURCES_MAX = 16,
  TOKENS_MAX = 1024,
  TOKENS_FILE_MAX = 1 << 20,
  TOKEN_TEXT_SIZE = 64 /* room for the text of a new token, with its NUL */
};

struct token {
  struct span name; /* visible ASCII */
  enum role role;
  unsigned char hash[DIGEST_SIZE];
  const struct span *sources; /* it may speak for these concept paths and what is below them */
  size_t source_count;        /* 0: for any source */
};

struct tokens {
  struct token *items;
  size_t count;
};

/* "reader", "writer", "admin"; ROLE_NONE if it is none of them. */
enum role role_find(struct span name);
const char *role_name(enum role role);

/* NULL if it is a name for a token, else what is wrong with it (constant text). */
const char *token_name_fault(struct span name);
/* Takes the whole file apart; spans borrow from `text`, arrays are in the arena. ERR_INVALID names the line. ERR_NOMEM.
 */
NODISCARD int tokens_parse(struct arena *arena, struct span text, struct tokens *out, struct err *err);
/* Appends the token's line. */
void token_put_line(struct buf *out, const struct token *token);

/* Makes a new token, 256 random bits as text, NUL-terminated. */
void token_make(char text[TOKEN_TEXT_SIZE]);
void token_hash(unsigned char hash[DIGEST_SIZE], struct span text);
/* The one whose hash this is, else NULL. Looks at all of them, in a time that tells nothing about any. */
const struct token *tokens_find(const struct tokens *tokens, const unsigned char hash[DIGEST_SIZE]);
/* Whether a token that is bound to these sources may speak for `source` (len 0: anonymous). */
bool token_speaks_for(const struct span *sources, size_t source_count, struct span source);

#endif
