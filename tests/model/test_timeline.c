#include "tests/harness/harness.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "model/timeline.h"

static void test_round_trip(void) {
  struct history_meta meta, back;
  struct err err;
  struct buf out;
  CU_ASSERT_EQUAL_FATAL(history_meta_create(&meta, &err), 0);
  CU_ASSERT_EQUAL(meta.count, 1);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->number, 1);
  CU_ASSERT_EQUAL(history_meta_branch(&meta, 77, 0, &err), 0);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->number, 2);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->branched_at_seq, 77);
  CU_ASSERT_EQUAL(history_meta_branch(&meta, 60, 9, &err), 0);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->number, 9);
  CU_ASSERT_EQUAL(history_meta_branch(&meta, 61, 3, &err), 0);
  CU_ASSERT_EQUAL(history_meta_current(&meta)->number, 10);
  buf_init(&out, 4096);
  history_meta_encode(&meta, &out);
  CU_ASSERT_EQUAL_FATAL(history_meta_decode(buf_span(&out), &back, &err), 0);
  CU_ASSERT_EQUAL(back.count, 4);
  CU_ASSERT(memcmp(back.id, meta.id, HISTORY_ID_SIZE) == 0);
  for (uint32_t i = 0; i < 4 && i < back.count; i++) {
    CU_ASSERT_EQUAL(back.timelines[i].number, meta.timelines[i].number);
    CU_ASSERT_EQUAL(back.timelines[i].branch, meta.timelines[i].branch);
    CU_ASSERT_EQUAL(back.timelines[i].branched_at_seq, meta.timelines[i].branched_at_seq);
    CU_ASSERT_EQUAL(back.timelines[i].time_us, meta.timelines[i].time_us);
  }
  buf_free(&out);
  history_meta_free(&back);
  history_meta_free(&meta);
}

static void test_known_bytes(void) {
  struct timeline timeline = {.number = 1, .branch = 0x0123456789abcdef, .branched_at_seq = 0, .time_us = 2};
  struct history_meta meta = {.count = 1, .timelines = &timeline};
  static const unsigned char expected[] = "STMh\1\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\0\0\0\1\0\0\0\1"
                                          "\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2";
  struct buf out;
  for (unsigned char i = 0; i < HISTORY_ID_SIZE; i++)
    meta.id[i] = i;
  buf_init(&out, 4096);
  history_meta_encode(&meta, &out);
  CU_ASSERT_EQUAL_FATAL(out.len, sizeof(expected) - 1 + 4);
  CU_ASSERT(memcmp(out.data, expected, sizeof(expected) - 1) == 0);
  CU_ASSERT_EQUAL(get_u32(out.data + out.len - 4), crc32c(0, expected, sizeof(expected) - 1));
  buf_free(&out);
}

static void test_corrupt(void) {
  struct history_meta meta, back;
  struct err err;
  struct buf out;
  CU_ASSERT_EQUAL_FATAL(history_meta_create(&meta, &err), 0);
  buf_init(&out, 4096);
  history_meta_encode(&meta, &out);
  for (size_t i = 0; i < out.len; i++) {
    CU_ASSERT_EQUAL(history_meta_decode(span_of(out.data, i), &back, &err), ERR_CORRUPT);
    out.data[i] ^= 4;
    CU_ASSERT_EQUAL(history_meta_decode(buf_span(&out), &back, &err), ERR_CORRUPT);
    out.data[i] ^= 4;
  }
  put_u32(out.data + 21, 0); /* no timelines, with a checksum that matches */
  put_u32(out.data + out.len - 4, crc32c(0, out.data, out.len - 4));
  CU_ASSERT_EQUAL(history_meta_decode(buf_span(&out), &back, &err), ERR_CORRUPT);
  put_u32(out.data + 21, 2);
  put_u32(out.data + out.len - 4, crc32c(0, out.data, out.len - 4));
  CU_ASSERT_EQUAL(history_meta_decode(buf_span(&out), &back, &err), ERR_CORRUPT);
  buf_free(&out);
  history_meta_free(&meta);
}

static void test_shared(void) {
  struct history_meta a, b, c;
  struct err err;
  uint32_t rows = 0;
  CU_ASSERT_EQUAL_FATAL(history_meta_create(&a, &err), 0);
  CU_ASSERT_EQUAL_FATAL(history_meta_create(&c, &err), 0);
  CU_ASSERT_EQUAL(history_meta_limit(&a, 0), UINT64_MAX);
  CU_ASSERT_EQUAL_FATAL(history_meta_branch(&a, 100, 0, &err), 0);
  CU_ASSERT_EQUAL_FATAL(history_meta_copy(&a, &b, &err), 0);
  CU_ASSERT_EQUAL(history_meta_shared(&a, &b, &rows), UINT64_MAX);
  CU_ASSERT_EQUAL(rows, 2);
  CU_ASSERT_EQUAL_FATAL(history_meta_branch(&b, 60, 0, &err), 0);
  CU_ASSERT_EQUAL(history_meta_limit(&b, 0), 60);
  CU_ASSERT_EQUAL(history_meta_limit(&b, 1), 60);
  CU_ASSERT_EQUAL(history_meta_limit(&a, 0), 100);
  CU_ASSERT_EQUAL(history_meta_shared(&a, &b, &rows), 60);
  CU_ASSERT_EQUAL(rows, 2);
  b.count = 1;
  CU_ASSERT_EQUAL(history_meta_shared(&a, &b, &rows), 100);
  CU_ASSERT_EQUAL(rows, 1);
  CU_ASSERT_EQUAL_FATAL(history_meta_branch(&b, 130, 0, &err), 0); /* another one of the same number */
  CU_ASSERT_EQUAL(history_meta_shared(&a, &b, &rows), 100);
  CU_ASSERT_EQUAL(rows, 1);
  CU_ASSERT_EQUAL(history_meta_shared(&a, &c, &rows), 0);
  CU_ASSERT_EQUAL(rows, 0);
  history_meta_free(&a);
  history_meta_free(&b);
  history_meta_free(&c);
}

static void test_full_table(void) {
  struct history_meta meta;
  struct err err;
  int code = history_meta_create(&meta, &err);
  for (int i = 1; code == 0 && i < TIMELINES_MAX; i++)
    code = history_meta_branch(&meta, 1, 0, &err);
  CU_ASSERT_EQUAL(code, 0);
  CU_ASSERT_EQUAL(history_meta_branch(&meta, 1, 0, &err), ERR_INVALID);
  CU_ASSERT_EQUAL(meta.count, TIMELINES_MAX);
  history_meta_free(&meta);
}

static void test_names(void) {
  unsigned char id[HISTORY_ID_SIZE] = {0xab, 0xcd}, back[HISTORY_ID_SIZE];
  char name[HISTORY_NAME_SIZE];
  uint32_t timeline;
  uint64_t branch;
  history_name(name, id, 12, 0x1f);
  CU_ASSERT_STRING_EQUAL(name, "abcd0000000000000000000000000000.12-000000000000001f");
  CU_ASSERT(history_name_parse(span_str(name), back, &timeline, &branch));
  CU_ASSERT(memcmp(id, back, HISTORY_ID_SIZE) == 0 && timeline == 12 && branch == 0x1f);
  for (size_t len = 0; len < strlen(name); len++)
    CU_ASSERT_FALSE(history_name_parse(span_of(name, len), back, &timeline, &branch));
  history_name(name, id, UINT32_MAX, UINT64_MAX);
  CU_ASSERT(history_name_parse(span_str(name), back, &timeline, &branch));
  CU_ASSERT(timeline == UINT32_MAX && branch == UINT64_MAX);
  static const char *const bad[] = {"abcd0000000000000000000000000000.4294967296-000000000000001f",
                                    "abcd0000000000000000000000000000.99999999999999999999999999-000000000000001f",
                                    "abcd0000000000000000000000000000.012-000000000000001f",
                                    "abcd0000000000000000000000000000.-000000000000001f",
                                    "ABCD0000000000000000000000000000.12-000000000000001f",
                                    "abcd0000000000000000000000000000.12-000000000000001F",
                                    "abcd0000000000000000000000000000.12-000000000000001f0",
                                    "abcd0000000000000000000000000000.12+000000000000001f",
                                    "abcd0000000000000000000000000000:12-000000000000001f"};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++)
    CU_ASSERT_FALSE(history_name_parse(span_str(bad[i]), back, &timeline, &branch));
}

int main(void) {
  static const struct test_case cases[] = {
      {"the table of timelines comes back as it was written", test_round_trip},
      {"the record of a history has the documented bytes", test_known_bytes},
      {"a damaged record is refused", test_corrupt},
      {"two tables share what both kept", test_shared},
      {"the table of timelines is bounded", test_full_table},
      {"names of histories are written and parsed", test_names},
  };
  return harness_run("timeline", cases, HARNESS_COUNT(cases));
}
