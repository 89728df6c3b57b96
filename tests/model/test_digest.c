#include "tests/harness/harness.h"

#include "model/digest.h"
#include "model/sha256.h"

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

/* Every length up to four blocks, cut into parts at every place: once by the processor, once by libsodium. */
static void test_parts(void) {
  unsigned char data[260], digest[DIGEST_SIZE], expected[DIGEST_SIZE];
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof(data); i++)
    data[i] = (unsigned char)(i * 7 + 1);
  for (size_t len = 0; len <= sizeof(data); len++) {
    const struct span whole = span_of(data, len);
    sha256_parts_portable(expected, &whole, 1);
    for (size_t cut = 0; cut <= len; cut++) {
      const struct span parts[] = {span_of(data, cut),
                                   {NULL, 0},
                                   span_of(data + cut, (len - cut) / 2),
                                   span_of(data + cut + (len - cut) / 2, len - cut - (len - cut) / 2)};
      sha256_parts(digest, parts, HARNESS_COUNT(parts));
      wrong += memcmp(digest, expected, DIGEST_SIZE) != 0;
    }
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
      {"SHA-256 of parts is that of the whole, on every processor", test_parts},
      {"an id is 64 lower-case hex digits and nothing else", test_hex},
  };
  return harness_run("digest", cases, HARNESS_COUNT(cases));
}
