#include <string.h>

#include "model/token.h"
#include "tests/harness/harness.h"

#define HASH_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static int parse(struct arena *arena, const char *text, struct tokens *tokens, struct err *err) {
  return tokens_parse(arena, span_str(text), tokens, err);
}

static void a_file_lists_names_roles_and_sources(void) {
  struct arena *arena = arena_create(4 << 20);
  struct tokens tokens;
  struct err err;
  const char *file = "# who may call\n"
                     "reports\treader\t" HASH_A "\n"
                     "\n"
                     "acme\twriter\t" HASH_B "\tsource/acme\tsource/a b\n";
  CU_ASSERT_EQUAL_FATAL(parse(arena, file, &tokens, &err), 0);
  CU_ASSERT_EQUAL_FATAL(tokens.count, 2);
  CU_ASSERT_TRUE(span_equal(tokens.items[0].name, span_str("reports")));
  CU_ASSERT_EQUAL(tokens.items[0].role, ROLE_READER);
  CU_ASSERT_EQUAL(tokens.items[0].source_count, 0);
  CU_ASSERT_EQUAL_FATAL(tokens.items[1].source_count, 2);
  CU_ASSERT_TRUE(span_equal(tokens.items[1].sources[1], span_str("source/a b")));
  struct buf out;
  buf_init(&out, 4096);
  token_put_line(&out, &tokens.items[1]);
  CU_ASSERT_TRUE(span_equal(buf_span(&out), span_str("acme\twriter\t" HASH_B "\tsource/acme\tsource/a b\n")));
  buf_free(&out);
  arena_free(arena);
}

static void what_is_wrong_with_a_line_is_told_with_its_number(void) {
  static const struct {
    const char *text, *words;
  } cases[] = {
      {"a\treader\t" HASH_A "\nb c\treader\t" HASH_A, "line 2: a name is of visible ASCII"},
      {"a\towner\t" HASH_A, "line 1: a role is reader, writer or admin"},
      {"a\tnone\t" HASH_A, "line 1: a role is reader, writer or admin"},
      {"a\treader", "line 1: a hash has 64"},
      {"a\treader\t0123", "line 1: a hash has 64"},
      {"a\treader\t" HASH_A "0", "line 1: a hash has 64"},
      {"a\treader\t" HASH_A "\tsource//x", "line 1: a source is not a concept path"},
      {"a\treader\t" HASH_A "\tsource/\xff", "line 1: a source is not a concept path"},
      {"a\treader\t" HASH_A "\r\n", "line 1: a hash has 64"},
      {"a\treader\t" HASH_A "\n\na\tadmin\t" HASH_B, "line 3: this name is there twice"},
      {"\treader\t" HASH_A, "line 1: a name has 1 to 64"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct arena *arena = arena_create(4 << 20);
    struct tokens tokens;
    struct err err;
    CU_ASSERT_EQUAL(parse(arena, cases[i].text, &tokens, &err), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].words));
    arena_free(arena);
  }
}

static void a_token_is_found_by_its_hash_alone(void) {
  struct arena *arena = arena_create(4 << 20);
  struct tokens tokens;
  struct err err;
  char text[TOKEN_TEXT_SIZE], other[TOKEN_TEXT_SIZE];
  struct token token = {.name = span_str("x"), .role = ROLE_ADMIN};
  struct buf file;
  unsigned char hash[DIGEST_SIZE];
  token_make(text);
  token_make(other);
  CU_ASSERT_STRING_NOT_EQUAL(text, other);
  CU_ASSERT_EQUAL(strlen(text), 8 + 43);
  token_hash(token.hash, span_str(text));
  buf_init(&file, 4096);
  token_put_line(&file, &token);
  CU_ASSERT_EQUAL_FATAL(tokens_parse(arena, buf_span(&file), &tokens, &err), 0);
  token_hash(hash, span_str(text));
  CU_ASSERT_PTR_EQUAL(tokens_find(&tokens, hash), &tokens.items[0]);
  token_hash(hash, span_str(other));
  CU_ASSERT_PTR_NULL(tokens_find(&tokens, hash));
  /* The hash itself opens nothing. */
  token_hash(hash, span_of(token.hash, DIGEST_SIZE));
  CU_ASSERT_PTR_NULL(tokens_find(&tokens, hash));
  buf_free(&file);
  arena_free(arena);
}

static void a_bound_token_speaks_for_its_sources_and_what_is_below(void) {
  const struct span sources[] = {span_str("source/acme"), span_str("lab")};
  CU_ASSERT_TRUE(token_speaks_for(sources, 2, span_str("source/acme")));
  CU_ASSERT_TRUE(token_speaks_for(sources, 2, span_str("source/acme/north")));
  CU_ASSERT_TRUE(token_speaks_for(sources, 2, span_str("lab/7")));
  CU_ASSERT_FALSE(token_speaks_for(sources, 2, span_str("source/acme2")));
  CU_ASSERT_FALSE(token_speaks_for(sources, 2, span_str("source")));
  CU_ASSERT_FALSE(token_speaks_for(sources, 2, span_str("")));
  CU_ASSERT_TRUE(token_speaks_for(NULL, 0, span_str("")));
}

int main(void) {
  static const struct test_case cases[] = {
      {"a file lists names, roles and sources", a_file_lists_names_roles_and_sources},
      {"what is wrong with a line is told with its number", what_is_wrong_with_a_line_is_told_with_its_number},
      {"a token is found by its hash alone", a_token_is_found_by_its_hash_alone},
      {"a bound token speaks for its sources and what is below",
       a_bound_token_speaks_for_its_sources_and_what_is_below},
  };
  return harness_run("token", cases, HARNESS_COUNT(cases));
}
