#include "tests/harness/harness.h"

#include "model/digest.h"

/* FIPS 180-4 examples (csrc.nist.gov, "SHA256.pdf"), and the empty text. */
static void test_known(void) {
  static const char *const pairs[][2] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  unsigned char digest[DIGEST_SIZE], expected[DIGEST_SIZE];
  for (size_t i = 0; i < HARNESS_COUNT(pairs); i++) {
    CU_ASSERT_EQUAL(digest_from_hex(expected, span_str(pairs[i][1])), 0);
    digest_sha256(digest, span_str(pairs[i][0]));
    CU_ASSERT(memcmp(digest, expected, DIGEST_SIZE) == 0);
  }
}

/* Every length up to four blocks, with the value at every place: as if the body with V had been written out. */
static void test_parts(void) {
  static const unsigned char salt[SALT_SIZE] = {1, 2, 3};
  unsigned char data[260], text[400], salted[300], v[DIGEST_SIZE], digest[DIGEST_SIZE], expected[DIGEST_SIZE];
  static const char digits[] = "0123456789abcdef";
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof(data); i++)
    data[i] = (unsigned char)(i * 7 + 1);
  memcpy(salted, salt, SALT_SIZE);
  for (size_t len = 1; len <= sizeof(data); len++)
    for (size_t at = 0; at < len; at += 5) {
      size_t count = (len - at) / 2;
      memcpy(salted + SALT_SIZE, data + at, count);
      digest_sha256(expected, span_of(salted, SALT_SIZE + count));
      digest_value(v, salt, span_of(data + at, count));
      wrong += memcmp(v, expected, DIGEST_SIZE) != 0;
      size_t n = at;
      memcpy(text, data, at);
      text[n++] = '"';
      for (size_t i = 0; i < DIGEST_SIZE; i++, n += 2) {
        text[n] = (unsigned char)digits[v[i] >> 4];
        text[n + 1] = (unsigned char)digits[v[i] & 15];
      }
      text[n++] = '"';
      memcpy(text + n, data + at + count, len - at - count);
      digest_sha256(expected, span_of(text, n + len - at - count));
      digest_content(digest, span_of(data, len), span_of(data + at, count), salt);
      wrong += memcmp(digest, expected, DIGEST_SIZE) != 0;
    }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void test_hex(void) {
  unsigned char id[ID_SIZE];
  const char *hex = "00ff10a0123456789abcdef000000000000000000000000000000000000000fe";
  CU_ASSERT_EQUAL(digest_from_hex(id, span_str(hex)), 0);
  CU_ASSERT(id[0] == 0x00 && id[1] == 0xff && id[2] == 0x10 && id[3] == 0xa0 && id[ID_SIZE - 1] == 0xfe);
  CU_ASSERT_EQUAL(digest_from_hex(id, span_of(hex, 63)), -1);
  CU_ASSERT_EQUAL(digest_from_hex(id, span_of(hex, 0)), -1);
  static const char wrong[] = "AFGg/:`@ ";
  for (size_t i = 0; i < sizeof(wrong); i++)
    for (size_t at = 0; at < ID_HEX_SIZE; at += 21) {
      char text[ID_HEX_SIZE];
      memcpy(text, hex, sizeof(text));
      text[at] = wrong[i];
      CU_ASSERT_EQUAL(digest_from_hex(id, span_of(text, sizeof(text))), -1);
    }
}

int main(void) {
  static const struct test_case cases[] = {
      {"SHA-256 is that of FIPS 180-4", test_known},
      {"the digest of a body is that of the body with V in the value's place", test_parts},
      {"an id is 64 lower-case hex digits and nothing else", test_hex},
  };
  return harness_run("digest", cases, HARNESS_COUNT(cases));
}
