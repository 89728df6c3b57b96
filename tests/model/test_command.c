#include "tests/harness/harness.h"

#include "model/command.h"

static const unsigned char ids[2 * ID_SIZE] = {1, 2, 3};
static const unsigned char key_hash[DIGEST_SIZE] = {7, 7};

static void put_example(struct buf *out, bool with_key) {
  struct command_entry first = {.kind = 1,
                                .content = {5},
                                .server = span_str("server"),
                                .body = span_str("{\"a\":1}"),
                                .derived = ids,
                                .derived_count = 2,
                                .position = 9};
  struct command_entry second = {.kind = 2, .server = span_of("", 0), .body = span_str("{}"), .position = 10};
  size_t start = out->len;
  command_begin(out, COMMAND_ASSERT, 77, with_key ? span_of("bob\0assert", 10) : span_of("", 0), key_hash, 2);
  command_put_entry(out, &first);
  command_put_entry(out, &second);
  command_end(out, start);
}

static void check_example(struct span frame, bool with_key) {
  struct command command;
  struct command_entry entry;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(command_parse(frame, &command, &err), 0);
  CU_ASSERT_EQUAL(command.type, COMMAND_ASSERT);
  CU_ASSERT_EQUAL(command.tag, 77);
  CU_ASSERT_EQUAL(command.count, 2);
  CU_ASSERT_EQUAL(command.key_scope.len, with_key ? 10u : 0u);
  if (with_key)
    CU_ASSERT(memcmp(command.key_hash, key_hash, DIGEST_SIZE) == 0);
  struct span rest = command.entries;
  CU_ASSERT_EQUAL_FATAL(command_next_entry(&rest, &entry, &err), 0);
  CU_ASSERT_EQUAL(entry.kind, 1);
  CU_ASSERT_EQUAL(entry.content[0], 5);
  CU_ASSERT(span_equal(entry.server, span_str("server")));
  CU_ASSERT(span_equal(entry.body, span_str("{\"a\":1}")));
  CU_ASSERT_EQUAL(entry.derived_count, 2);
  CU_ASSERT(memcmp(entry.derived, ids, sizeof(ids)) == 0);
  CU_ASSERT_EQUAL(entry.position, 9);
  CU_ASSERT_EQUAL_FATAL(command_next_entry(&rest, &entry, &err), 0);
  CU_ASSERT_EQUAL(entry.kind, 2);
  CU_ASSERT_EQUAL(entry.derived_count, 0);
  CU_ASSERT_EQUAL(rest.len, 0);
  CU_ASSERT_EQUAL(command_next_entry(&rest, &entry, &err), ERR_INVALID);
}

static void test_commands(void) {
  struct buf out;
  buf_init(&out, 4096);
  put_example(&out, false);
  check_example(buf_span(&out), false);
  size_t first = out.len, size;
  struct err err;
  put_example(&out, true); /* a second frame behind the first */
  CU_ASSERT_EQUAL(command_frame_size(buf_span(&out), &size, &err), 0);
  CU_ASSERT_EQUAL(size, first);
  check_example(span_of(out.data + first, out.len - first), true);
  buf_free(&out);
}

static void test_cancel(void) {
  struct buf out;
  struct command command;
  struct err err;
  buf_init(&out, 4096);
  command_put_cancel(&out, 5);
  CU_ASSERT_EQUAL(out.len, COMMAND_FRAME_HEADER);
  CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&out), &command, &err), 0);
  CU_ASSERT_EQUAL(command.type, COMMAND_CANCEL);
  CU_ASSERT_EQUAL(command.tag, 5);
  buf_free(&out);
}

static void test_frame_sizes(void) {
  struct buf out;
  struct err err;
  size_t size;
  buf_init(&out, 4096);
  put_example(&out, true);
  for (size_t len = 0; len < out.len; len++) {
    CU_ASSERT_EQUAL(command_frame_size(span_of(out.data, len), &size, &err), 0);
    CU_ASSERT_EQUAL(size, len < COMMAND_FRAME_HEADER ? 0 : out.len);
  }
  unsigned char header[COMMAND_FRAME_HEADER] = {0, 0, 0, 8};
  CU_ASSERT_EQUAL(command_frame_size(span_of(header, sizeof(header)), &size, &err), ERR_INVALID);
  memset(header, 0xff, 4);
  CU_ASSERT_EQUAL(command_frame_size(span_of(header, sizeof(header)), &size, &err), ERR_INVALID);
  buf_free(&out);
}

static void test_replies(void) {
  struct buf out;
  struct reply reply;
  struct err err;
  struct commit_receipt receipts[2] = {{.seq = 5, .time_us = 50, .id = {1}}, {.seq = 6, .time_us = 51, .id = {2}}};
  struct commit_receipt receipt;
  buf_init(&out, 4096);
  reply_put_ready(&out);
  CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
  CU_ASSERT_EQUAL(reply.type, REPLY_READY);

  buf_reset(&out);
  reply_put_committed(&out, 8, receipts, 2);
  CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
  CU_ASSERT(reply.type == REPLY_COMMITTED && reply.tag == 8 && !reply.replayed);
  CU_ASSERT(reply.first_seq == 5 && reply.count == 2);
  reply_receipt(&reply, 1, &receipt);
  out.len--; /* a receipt that is cut off */
  command_end(&out, 0);
  CU_ASSERT_EQUAL(reply_parse(buf_span(&out), &reply, &err), ERR_INVALID);
  CU_ASSERT(receipt.seq == 6 && receipt.time_us == 51 && receipt.id[0] == 2);

  buf_reset(&out);
  reply_put_replayed(&out, 9, 3, 2);
  CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
  CU_ASSERT(reply.type == REPLY_COMMITTED && reply.tag == 9 && reply.replayed);
  CU_ASSERT(reply.first_seq == 3 && reply.count == 2);
  buf_free(&out);
}

static void check_items(const struct reply *reply) {
  struct span rest = reply->items;
  struct refused_item item;
  struct err err;
  CU_ASSERT_EQUAL(reply->item_count, 2);
  CU_ASSERT_EQUAL_FATAL(reply_next_item(&rest, &item, &err), 0);
  CU_ASSERT_EQUAL(item.position, 3);
  CU_ASSERT(span_equal(item.pointer, span_str("/derived_from/2")));
  CU_ASSERT(span_equal(item.detail, span_str("no such assertion")));
  CU_ASSERT_EQUAL_FATAL(reply_next_item(&rest, &item, &err), 0);
  CU_ASSERT_EQUAL(item.position, 4);
  CU_ASSERT_EQUAL(item.pointer.len, 0);
  CU_ASSERT_EQUAL(reply_next_item(&rest, &item, &err), ERR_INVALID);
}

static void test_refusals(void) {
  struct refused_item items[2] = {{3, span_str("/derived_from/2"), span_str("no such assertion")},
                                  {4, span_of("", 0), span_str("x")}};
  struct buf out;
  struct reply reply;
  struct err err;
  buf_init(&out, 4096);
  reply_put_refused(&out, 1, REFUSAL_FIELDS, items, 2);
  CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
  CU_ASSERT(reply.type == REPLY_REFUSED && reply.refusal == REFUSAL_FIELDS);
  check_items(&reply);
  buf_reset(&out);
  reply_put_imported(&out, 2, 100, 7, 8, items, 2);
  CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
  CU_ASSERT(reply.type == REPLY_IMPORTED && reply.last_seq == 100 && reply.accepted == 7 && reply.duplicates == 8);
  check_items(&reply);
  buf_free(&out);
}

/* Cuts `frame` at every byte and puts the right length in front again. */
static void cut_everywhere(const struct buf *frame, bool is_reply) {
  struct buf cut;
  struct command command;
  struct command_entry entry;
  struct reply reply;
  struct refused_item item;
  struct err err;
  buf_init(&cut, 4096);
  for (size_t len = COMMAND_FRAME_HEADER; len < frame->len; len++) {
    buf_reset(&cut);
    buf_add(&cut, frame->data, len);
    command_end(&cut, 0);
    uint32_t whole = 0;
    struct span rest = {0};
    if (is_reply && reply_parse(buf_span(&cut), &reply, &err) == 0)
      for (rest = reply.items; whole < reply.item_count && reply_next_item(&rest, &item, &err) == 0;)
        whole++;
    if (!is_reply && command_parse(buf_span(&cut), &command, &err) == 0)
      for (rest = command.entries; whole < command.count && command_next_entry(&rest, &entry, &err) == 0;)
        whole++;
    CU_ASSERT(whole < 2);
  }
  buf_free(&cut);
}

static void test_cut_frames(void) {
  struct refused_item items[2] = {{3, span_str("/a"), span_str("b")}, {4, span_str("/c"), span_str("d")}};
  struct buf out;
  struct reply reply;
  struct command command;
  struct err err;
  buf_init(&out, 4096);
  put_example(&out, true);
  cut_everywhere(&out, false);
  for (size_t len = 0; len < out.len; len++)
    CU_ASSERT_EQUAL(command_parse(span_of(out.data, len), &command, &err), ERR_INVALID);
  out.data[4] = 99;
  CU_ASSERT_EQUAL(command_parse(buf_span(&out), &command, &err), ERR_INVALID);
  CU_ASSERT_EQUAL(reply_parse(buf_span(&out), &reply, &err), ERR_INVALID);
  buf_reset(&out);
  reply_put_imported(&out, 2, 100, 7, 8, items, 2);
  cut_everywhere(&out, true);
  buf_free(&out);
}

static void test_retracted(void) {
  struct commit_receipt receipt = {.seq = 7, .time_us = 9};
  struct reply reply;
  struct err err;
  struct buf out;
  buf_init(&out, 4096);
  memset(receipt.id, 3, ID_SIZE);
  for (int replayed = 0; replayed <= 1; replayed++) {
    buf_reset(&out);
    reply_put_retracted(&out, 5, replayed, &receipt, UINT64_C(1) << 40, 2);
    CU_ASSERT_EQUAL_FATAL(reply_parse(buf_span(&out), &reply, &err), 0);
    CU_ASSERT_TRUE(reply.type == REPLY_RETRACTED && reply.tag == 5 && reply.replayed == (replayed != 0));
    CU_ASSERT_EQUAL(memcmp(&reply.receipt, &receipt, sizeof(receipt)), 0);
    CU_ASSERT_TRUE(reply.direct == UINT64_C(1) << 40 && reply.cascaded == 2);
  }
  cut_everywhere(&out, true);
  static const uint8_t types[] = {COMMAND_RETRACT, COMMAND_REINSTATE};
  for (size_t i = 0; i < 2; i++) {
    struct command command;
    struct command_entry entry = {.kind = 2, .body = span_str("{}")};
    buf_reset(&out);
    command_begin(&out, types[i], 6, (struct span){NULL, 0}, NULL, 1);
    command_put_entry(&out, &entry);
    command_end(&out, 0);
    CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&out), &command, &err), 0);
    CU_ASSERT_TRUE(command.type == types[i] && command.count == 1);
    CU_ASSERT_EQUAL(command_next_entry(&command.entries, &entry, &err), 0);
    CU_ASSERT_TRUE(span_equal(entry.body, span_str("{}")));
  }
  buf_free(&out);
}

static void test_full_buffer(void) {
  struct buf out;
  buf_init(&out, 40);
  put_example(&out, true);
  CU_ASSERT(out.failed);
  buf_free(&out);
}

int main(void) {
  static const struct test_case cases[] = {
      {"commands come back as they were written", test_commands},
      {"a cancel is a frame of its own", test_cancel},
      {"the size of a frame is known once its header is there", test_frame_sizes},
      {"replies come back as they were written", test_replies},
      {"refused items come back as they were written", test_refusals},
      {"retractions and what is replied come back as they were written", test_retracted},
      {"frames cut at any byte are refused", test_cut_frames},
      {"a frame larger than its buffer leaves it failed", test_full_buffer},
  };
  return harness_run("command", cases, HARNESS_COUNT(cases));
}
