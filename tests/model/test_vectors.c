#include "tests/harness/harness.h"

#include "base/bytes.h"
#include "base/fileio.h"
#include "model/assertion.h"
#include "model/canonical.h"
#include "model/digest.h"
#include "model/entry.h"
#include "model/proof.h"
#include "model/retraction.h"
#include "tests/model/vectors.h"

enum { RECORD_MAX = 4096, ENTRY_COUNT = 5, LEAVES = 8 };

/* One ```entry block, decoded. */
struct example {
  struct span block;
  unsigned kind, flags;
  unsigned long long seq, time_us;
  unsigned char content[DIGEST_SIZE], id[ID_SIZE], leaf[DIGEST_SIZE], server_digest[DIGEST_SIZE];
  unsigned char server[512], record[RECORD_MAX];
  size_t server_len, record_len;
};

static struct buf file;

static size_t field_hex(struct span block, const char *name, unsigned char *out, size_t size) {
  return vectors_hex(vectors_field(block, name), out, size);
}

static void read_example(struct span block, struct example *out) {
  out->block = block;
  out->kind = (unsigned)vectors_number(vectors_field(block, "kind"));
  out->flags = (unsigned)vectors_number(vectors_field(block, "flags"));
  out->seq = vectors_number(vectors_field(block, "seq"));
  out->time_us = vectors_number(vectors_field(block, "time_us"));
  CU_ASSERT_EQUAL(field_hex(block, "D", out->content, DIGEST_SIZE), DIGEST_SIZE);
  CU_ASSERT_EQUAL(field_hex(block, "id", out->id, ID_SIZE), ID_SIZE);
  CU_ASSERT_EQUAL(field_hex(block, "leaf", out->leaf, DIGEST_SIZE), DIGEST_SIZE);
  CU_ASSERT_EQUAL(field_hex(block, "server_digest", out->server_digest, DIGEST_SIZE), DIGEST_SIZE);
  out->server_len = field_hex(block, "server", out->server, sizeof(out->server));
  out->record_len = field_hex(block, "record", out->record, sizeof(out->record));
}

static size_t read_examples(struct example examples[ENTRY_COUNT]) {
  struct span rest = buf_span(&file), block;
  size_t count = 0;
  while (count < ENTRY_COUNT && vectors_next_block(&rest, "entry", &block))
    read_example(block, &examples[count++]);
  CU_ASSERT_EQUAL(count, ENTRY_COUNT);
  return count;
}

static void test_digests(void) {
  struct example examples[ENTRY_COUNT];
  size_t count = read_examples(examples);
  for (size_t i = 0; i < count; i++) {
    const struct example *e = &examples[i];
    struct span body = vectors_field(e->block, "body"), text = vectors_field(e->block, "value");
    unsigned char salt[SALT_SIZE] = {0}, v[DIGEST_SIZE], content[DIGEST_SIZE], id[ID_SIZE], leaf[DIGEST_SIZE];
    unsigned char expected_v[DIGEST_SIZE], server[DIGEST_SIZE];
    struct span value = {NULL, 0};
    if (text.data) {
      field_hex(e->block, "salt", salt, SALT_SIZE);
      field_hex(e->block, "V", expected_v, DIGEST_SIZE);
      digest_value(v, salt, text);
      CU_ASSERT(memcmp(v, expected_v, DIGEST_SIZE) == 0);
      value = span_of(body.data + body.len - 1 - text.len, text.len);
    }
    digest_content(content, body, value, salt);
    CU_ASSERT(memcmp(content, e->content, DIGEST_SIZE) == 0);
    digest_id(id, (uint8_t)e->kind, content, e->seq, e->time_us);
    CU_ASSERT(memcmp(id, e->id, ID_SIZE) == 0);
    if (!(e->flags & ENTRY_FLAG_ERASED)) {
      digest_sha256(server, span_of(e->server, e->server_len));
      CU_ASSERT(memcmp(server, e->server_digest, DIGEST_SIZE) == 0);
    }
    digest_leaf(leaf, (uint8_t)e->kind, e->seq, e->time_us, id, e->server_digest, content);
    CU_ASSERT(memcmp(leaf, e->leaf, DIGEST_SIZE) == 0);
  }
}

static void test_records(void) {
  struct example examples[ENTRY_COUNT];
  size_t count = read_examples(examples);
  for (size_t i = 0; i < count; i++) {
    const struct example *e = &examples[i];
    struct span record = span_of(e->record, e->record_len), body = vectors_field(e->block, "body");
    struct server_section section;
    struct entry entry;
    struct err err;
    unsigned char leaf[DIGEST_SIZE];
    struct buf out;
    CU_ASSERT_EQUAL_FATAL(entry_decode(record, &entry, &err), 0);
    CU_ASSERT_EQUAL(entry.kind, e->kind);
    CU_ASSERT_EQUAL(entry.flags, e->flags);
    CU_ASSERT_EQUAL(entry.seq, e->seq);
    CU_ASSERT_EQUAL(entry.time_us, e->time_us);
    CU_ASSERT(memcmp(entry.id, e->id, ID_SIZE) == 0);
    CU_ASSERT(span_equal(entry.server, span_of(e->server, e->server_len)));
    CU_ASSERT(span_equal(entry.body, body));
    CU_ASSERT_EQUAL(entry_verify(&entry, leaf, &err), 0);
    CU_ASSERT(memcmp(leaf, e->leaf, DIGEST_SIZE) == 0);
    memset(leaf, 0, sizeof(leaf));
    CU_ASSERT_EQUAL(entry_leaf(&entry, leaf, &err), 0);
    CU_ASSERT(memcmp(leaf, e->leaf, DIGEST_SIZE) == 0);

    buf_init(&out, RECORD_MAX);
    CU_ASSERT_EQUAL_FATAL(entry_parse_server(entry.server, &section, &err), 0);
    entry_put_server(&out, &section);
    CU_ASSERT(span_equal(buf_span(&out), entry.server));
    buf_reset(&out);
    entry_encode(&out, entry.kind, entry.flags, entry.seq, entry.time_us, entry.id, entry.server, body);
    CU_ASSERT(span_equal(buf_span(&out), record));
    buf_free(&out);
  }
}

/* RFC 9162, section 2.1.1. */
static void root_of(unsigned char out[DIGEST_SIZE], unsigned char leaves[][DIGEST_SIZE], size_t count) {
  if (count == 1) {
    memcpy(out, leaves[0], DIGEST_SIZE);
    return;
  }
  size_t k = 1;
  while (2 * k < count)
    k *= 2;
  unsigned char left[DIGEST_SIZE], right[DIGEST_SIZE];
  root_of(left, leaves, k);
  root_of(right, leaves + k, count - k);
  digest_node(out, left, right);
}

/* The leaves that the vectors of roots and proofs are over. */
static void make_leaves(unsigned char leaves[LEAVES][DIGEST_SIZE]) {
  struct example examples[ENTRY_COUNT];
  read_examples(examples);
  for (unsigned char i = 0; i < LEAVES; i++) {
    unsigned char data[2] = {0, (unsigned char)(i + 1)};
    if (i < 3)
      memcpy(leaves[i], examples[i].leaf, DIGEST_SIZE);
    else
      digest_sha256(leaves[i], span_of(data, sizeof(data)));
  }
}

static void test_roots(void) {
  unsigned char leaves[LEAVES][DIGEST_SIZE], root[DIGEST_SIZE], expected[DIGEST_SIZE];
  struct span rest = buf_span(&file), block, left, right;
  make_leaves(leaves);
  size_t count = 0;
  CU_ASSERT_FATAL(vectors_next_block(&rest, "roots", &block));
  for (; vectors_next_line(&block, " -> ", &left, &right); count++) {
    if (count == 0)
      digest_sha256(root, span_of("", 0));
    else
      root_of(root, leaves, count);
    CU_ASSERT_EQUAL(vectors_number(left), count);
    CU_ASSERT_EQUAL(vectors_hex(right, expected, DIGEST_SIZE), DIGEST_SIZE);
    CU_ASSERT(memcmp(root, expected, DIGEST_SIZE) == 0);
  }
  CU_ASSERT_EQUAL(count, LEAVES + 1);
}

/* Takes "first second" and the proof of one line; false at the end. */
static bool next_proof(struct span *block, uint64_t *first, uint64_t *second, struct merkle_proof *proof) {
  struct span left, right;
  proof->count = 0;
  if (!vectors_next_line(block, " ->", &left, &right))
    return false;
  const unsigned char *space = memchr(left.data, ' ', left.len);
  CU_ASSERT_PTR_NOT_NULL_FATAL(space);
  size_t at = (size_t)(space - left.data);
  *first = vectors_number(span_of(left.data, at));
  *second = vectors_number(span_of(space + 1, left.len - at - 1));
  for (; right.len > 0; right = span_of(right.data + 1 + ID_HEX_SIZE, right.len - 1 - ID_HEX_SIZE)) {
    CU_ASSERT_FATAL(right.len > ID_HEX_SIZE && proof->count < PROOF_NODES_MAX);
    CU_ASSERT_EQUAL(vectors_hex(span_of(right.data + 1, ID_HEX_SIZE), proof->node[proof->count++], DIGEST_SIZE),
                    DIGEST_SIZE);
  }
  return true;
}

/* No other proof does: with a bit flipped anywhere, a node less or a node more, or of another place. */
static void check_inclusion(const struct merkle_proof *proof, uint64_t seq, uint64_t size,
                            unsigned char leaves[LEAVES][DIGEST_SIZE]) {
  unsigned char root[DIGEST_SIZE];
  struct merkle_proof other = *proof;
  root_of(root, leaves, size);
  CU_ASSERT(proof_includes(proof, seq, leaves[seq - 1], size, root));
  for (uint64_t s = 0; s <= LEAVES; s++)
    CU_ASSERT(s == seq || !proof_includes(proof, s, leaves[seq - 1], size, root));
  CU_ASSERT_FALSE(proof_includes(proof, seq, leaves[seq % LEAVES], size, root));
  for (size_t i = 0; i < proof->count; i++) {
    other.node[i][i] ^= 1;
    CU_ASSERT_FALSE(proof_includes(&other, seq, leaves[seq - 1], size, root));
    other.node[i][i] ^= 1;
  }
  other.count = proof->count + 1;
  memcpy(other.node[proof->count], root, DIGEST_SIZE);
  CU_ASSERT_FALSE(proof_includes(&other, seq, leaves[seq - 1], size, root));
  other.count = proof->count - 1;
  CU_ASSERT(proof->count == 0 || !proof_includes(&other, seq, leaves[seq - 1], size, root));
}

static void check_prefix(const struct merkle_proof *proof, uint64_t from, uint64_t to,
                         unsigned char leaves[LEAVES][DIGEST_SIZE]) {
  unsigned char from_root[DIGEST_SIZE], to_root[DIGEST_SIZE];
  struct merkle_proof other = *proof;
  root_of(from_root, leaves, from);
  root_of(to_root, leaves, to);
  CU_ASSERT(proof_is_prefix(proof, from, from_root, to, to_root));
  for (uint64_t s = 0; s <= LEAVES; s++)
    CU_ASSERT(s == from || !proof_is_prefix(proof, s, from_root, to, to_root));
  to_root[0] ^= 1;
  CU_ASSERT_FALSE(proof_is_prefix(proof, from, from_root, to, to_root));
  to_root[0] ^= 1;
  from_root[31] ^= 1;
  CU_ASSERT_FALSE(proof_is_prefix(proof, from, from_root, to, to_root));
  from_root[31] ^= 1;
  for (size_t i = 0; i < proof->count; i++) {
    other.node[i][i] ^= 1;
    CU_ASSERT_FALSE(proof_is_prefix(&other, from, from_root, to, to_root));
    other.node[i][i] ^= 1;
  }
  other.count = proof->count + 1;
  memcpy(other.node[proof->count], to_root, DIGEST_SIZE);
  CU_ASSERT_FALSE(proof_is_prefix(&other, from, from_root, to, to_root));
  other.count = proof->count - 1;
  CU_ASSERT(proof->count == 0 || !proof_is_prefix(&other, from, from_root, to, to_root));
}

static void test_proofs(void) {
  unsigned char leaves[LEAVES][DIGEST_SIZE];
  struct span rest = buf_span(&file), block;
  uint64_t first = 0, second = 0;
  struct merkle_proof proof;
  size_t count = 0;
  make_leaves(leaves);
  CU_ASSERT_FATAL(vectors_next_block(&rest, "inclusion", &block));
  for (; next_proof(&block, &first, &second, &proof); count++)
    check_inclusion(&proof, first, second, leaves);
  CU_ASSERT_FATAL(vectors_next_block(&rest, "consistency", &block));
  for (; next_proof(&block, &first, &second, &proof); count++)
    check_prefix(&proof, first, second, leaves);
  CU_ASSERT_EQUAL(count, LEAVES * (LEAVES + 1));
}

static void test_numbers(void) {
  struct span rest = buf_span(&file), block, sent, expected;
  size_t count = 0;
  CU_ASSERT_FATAL(vectors_next_block(&rest, "numbers", &block));
  for (; vectors_next_line(&block, " -> ", &sent, &expected); count++) {
    char out[40];
    bool kept = canonical_number(sent, out);
    CU_ASSERT(kept != span_equal(expected, span_str("refused")));
    CU_ASSERT(!kept || span_equal(expected, span_str(out)));
  }
  CU_ASSERT(count > 90);
}

static void test_doubles(void) {
  struct span rest = buf_span(&file), block, bits, expected;
  size_t count = 0;
  CU_ASSERT_FATAL(vectors_next_block(&rest, "doubles", &block));
  for (; vectors_next_line(&block, " -> ", &bits, &expected); count++) {
    unsigned char bytes[8];
    double value;
    char out[40], again[40];
    CU_ASSERT_EQUAL(vectors_hex(bits, bytes, sizeof(bytes)), sizeof(bytes));
    uint64_t word = get_u64(bytes);
    memcpy(&value, &word, sizeof(value));
    canonical_double(value, out);
    CU_ASSERT(span_equal(expected, span_str(out)));
    CU_ASSERT(canonical_number(span_str(out), again));
    CU_ASSERT_STRING_EQUAL(out, again);
  }
  CU_ASSERT(count > 30);
}

static void test_values(void) {
  struct span rest = buf_span(&file), block, sent, expected;
  struct arena *arena = arena_create(1 << 20);
  struct field_errors errors;
  struct json_fault fault;
  struct json_doc doc;
  struct err err;
  struct buf out;
  size_t count = 0;
  CU_ASSERT_FATAL(arena != NULL && vectors_next_block(&rest, "values", &block));
  buf_init(&out, 1 << 20);
  field_errors_init(&errors, arena);
  for (; vectors_next_line(&block, " -> ", &sent, &expected); count++) {
    buf_reset(&out);
    CU_ASSERT_EQUAL_FATAL(json_parse(arena, sent, &doc, &fault, &err), 0);
    CU_ASSERT_EQUAL(canonical_value(arena, &doc, 0, span_str(""), &errors, &out, &err), 0);
    CU_ASSERT(span_equal(buf_span(&out), expected));
  }
  CU_ASSERT_EQUAL(count, 6);
  CU_ASSERT_EQUAL(errors.count, 0);
  buf_free(&out);
  arena_free(arena);
}

static void test_bodies(void) {
  struct span rest = buf_span(&file), block, sent, expected;
  struct arena *arena = arena_create(1 << 20);
  struct field_errors errors;
  struct assertion_draft draft;
  struct assertion assertion;
  struct json_fault fault;
  struct json_doc doc;
  struct err err;
  size_t count = 0;
  CU_ASSERT_FATAL(arena != NULL && vectors_next_block(&rest, "bodies", &block));
  field_errors_init(&errors, arena);
  for (; vectors_next_line(&block, " -> ", &sent, &expected); count++) {
    CU_ASSERT_EQUAL_FATAL(json_parse(arena, sent, &doc, &fault, &err), 0);
    CU_ASSERT_EQUAL(assertion_validate(arena, &doc, 0, span_str(""), &errors, &draft, &err), 0);
    CU_ASSERT_EQUAL_FATAL(errors.count, 0);
    CU_ASSERT(span_equal(draft.body, expected));
    CU_ASSERT_EQUAL(assertion_read(arena, draft.body, &assertion, &err), 0);
    CU_ASSERT(span_equal(assertion.value, draft.value));
  }
  CU_ASSERT_EQUAL(count, 3);
  arena_free(arena);
}

/* One block of requests, each with the canonical body that it becomes. */
static void check_requests(const char *kind, bool retracts, size_t expected_count) {
  struct span rest = buf_span(&file), block, sent, expected;
  struct arena *arena = arena_create(1 << 20);
  static struct field_errors errors;
  struct json_fault fault;
  struct json_doc doc;
  struct err err;
  size_t count = 0;
  CU_ASSERT_FATAL(arena != NULL && vectors_next_block(&rest, kind, &block));
  field_errors_init(&errors, arena);
  for (; vectors_next_line(&block, " -> ", &sent, &expected); count++) {
    struct retraction_draft retraction = {0};
    struct reinstatement_draft reinstatement = {0};
    CU_ASSERT_EQUAL_FATAL(json_parse(arena, sent, &doc, &fault, &err), 0);
    int code = retracts ? retraction_validate(arena, &doc, 0, span_str(""), &errors, &retraction, &err)
                        : reinstatement_validate(arena, &doc, 0, span_str(""), &errors, &reinstatement, &err);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_EQUAL_FATAL(errors.count, 0);
    CU_ASSERT(span_equal(retracts ? retraction.body : reinstatement.body, expected));
  }
  CU_ASSERT_EQUAL(count, expected_count);
  arena_free(arena);
}

static void test_requests(void) {
  check_requests("retractions", true, 2);
  check_requests("reinstatements", false, 1);
}

int main(void) {
  static const struct test_case cases[] = {
      {"numbers are canonical, or refused, as in the test vectors", test_numbers},
      {"computed doubles are written as in the test vectors", test_doubles},
      {"values are canonical as in the test vectors", test_values},
      {"bodies of assertions are canonical as in the test vectors", test_bodies},
      {"bodies of retractions and reinstatements are canonical as in the test vectors", test_requests},
      {"digests, ids and leaves are those of the test vectors", test_digests},
      {"records are read and written as in the test vectors", test_records},
      {"Merkle roots are those of the test vectors", test_roots},
      {"proofs of the test vectors prove what they say and nothing else", test_proofs},
  };
  buf_init(&file, 1 << 20);
  struct err err;
  bool found = false;
  if (fileio_read_file(DOCS_DIR "/test-vectors.md", &file, &found, &err) || !found)
    return 99;
  int status = harness_run("vectors", cases, HARNESS_COUNT(cases));
  buf_free(&file);
  return status;
}
