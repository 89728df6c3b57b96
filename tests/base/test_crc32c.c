#include <string.h>

#include "base/crc32c.h"
#include "tests/harness/harness.h"

typedef uint32_t crc_fn(uint32_t, const void *, size_t);
static crc_fn *const ways[] = {crc32c, crc32c_portable};

/* RFC 3720 appendix B.4, read as little-endian words. */
static void known_answers(void) {
  unsigned char data[32];
  for (size_t w = 0; w < HARNESS_COUNT(ways); w++) {
    crc_fn *crc = ways[w];
    CU_ASSERT_EQUAL(crc(0, "123456789", 9), 0xe3069283U);
    CU_ASSERT_EQUAL(crc(0, "", 0), 0);
    memset(data, 0, 32);
    CU_ASSERT_EQUAL(crc(0, data, 32), 0x8a9136aaU);
    memset(data, 0xff, 32);
    CU_ASSERT_EQUAL(crc(0, data, 32), 0x62a8ab43U);
    for (unsigned char i = 0; i < 32; i++)
      data[i] = i;
    CU_ASSERT_EQUAL(crc(0, data, 32), 0x46dd794eU);
    for (unsigned char i = 0; i < 32; i++)
      data[i] = (unsigned char)(31 - i);
    CU_ASSERT_EQUAL(crc(0, data, 32), 0x113fdb5cU);
  }
}

static void both_ways_agree_and_continue(void) {
  unsigned char data[200];
  for (unsigned i = 0; i < sizeof(data); i++)
    data[i] = (unsigned char)(i * i * 7 + i);
  for (size_t from = 0; from < 9; from++)
    for (size_t to = from; to < sizeof(data); to++) {
      uint32_t whole = crc32c(0, data + from, to - from);
      size_t middle = (from + to) / 2;
      CU_ASSERT_EQUAL(crc32c_portable(0, data + from, to - from), whole);
      CU_ASSERT_EQUAL(crc32c(crc32c(0, data + from, middle - from), data + middle, to - middle), whole);
    }
}

int main(void) {
  static const struct test_case cases[] = {
      {"the vectors of RFC 3720 come out, with and without SSE4.2", known_answers},
      {"any length and alignment gives the same sum both ways, whole or in two parts", both_ways_agree_and_continue},
  };
  return harness_run("crc32c", cases, HARNESS_COUNT(cases));
}
