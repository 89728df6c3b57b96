#include <sodium.h>
#include <stdlib.h>

#include "api/import_report.h"
#include "tests/api/fake_stream.h"

#define GOOD "{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":1}"
#define MANY_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct import_case {
  struct call call;
  struct fake_stream fake;
};

static void open_case(struct import_case *c, struct span body) {
  if (sodium_init() < 0)
    abort();
  call_open(&c->call);
  call_publish(&c->call, 5);
  c->call.api.ready = true;
  c->call.config.import_chunk_lines = 3;
  fake_open(&c->fake, body, 5);
  struct http_request *request = call_begin(&c->call, HTTP_POST, "/v1/import");
  request->content_type = span_str("application/x-ndjson");
}

static void close_case(struct import_case *c) {
  fake_close(&c->fake);
  call_close(&c->call);
}

static bool is(const struct import_case *c, const char *pointer, const char *expected) {
  const char *text = call_text(&c->call, pointer);
  if (strcmp(text, expected) != 0)
    printf("# %s is %s, not %s\n", pointer, text, expected);
  return strcmp(text, expected) == 0;
}

static void an_import_goes_in_chunks(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD "\n" GOOD "\r\n\n" GOOD "\n  \t\n" GOOD "\n" GOOD "\n" GOOD));
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/accepted", "6"));
  CU_ASSERT_TRUE(is(&c, "/rejected", "0"));
  CU_ASSERT_TRUE(is(&c, "/duplicates", "0"));
  CU_ASSERT_TRUE(is(&c, "/last_seq", "11"));
  CU_ASSERT_TRUE(is(&c, "/errors", "[ ]"));
  CU_ASSERT_TRUE(is(&c, "/last_line", ""));
  CU_ASSERT_EQUAL(strlen(call_text(&c.call, "/batch")), 32);
  CU_ASSERT_EQUAL(c.fake.frames, 3);
  CU_ASSERT_EQUAL(c.fake.answered, 3);
  CU_ASSERT_EQUAL(c.fake.most_in_flight, 1);
  CU_ASSERT_EQUAL(c.fake.last_lines[0], 2);
  CU_ASSERT_EQUAL(c.fake.last_lines[2], 8);
  close_case(&c);
}

static void an_empty_import_is_fine(void) {
  static const char *const bodies[] = {"", "\n", "\n\r\n \n"};
  for (size_t i = 0; i < HARNESS_COUNT(bodies); i++) {
    struct import_case c;
    open_case(&c, span_str(bodies[i]));
    CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
    CU_ASSERT_TRUE(is(&c, "/accepted", "0"));
    CU_ASSERT_TRUE(is(&c, "/last_seq", "5"));
    CU_ASSERT_EQUAL(c.fake.frames, 0);
    close_case(&c);
  }
}

static void a_bad_line_never_stops_the_good_ones(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD "\n{\"concept_path\":1}\nnonsense\n[]\n" GOOD "\n{\"value\":NaN}\n" GOOD
                              "\n{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"confidence\":7}\n" GOOD));
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/accepted", "4"));
  CU_ASSERT_TRUE(is(&c, "/rejected", "5"));
  CU_ASSERT_TRUE(is(&c, "/errors/0/line", "2"));
  CU_ASSERT_PTR_NOT_NULL(strstr(call_text(&c.call, "/errors/0/detail"), "/concept_path: "));
  CU_ASSERT_PTR_NOT_NULL(strstr(call_text(&c.call, "/errors/0/detail"), "/predicate: "));
  CU_ASSERT_TRUE(is(&c, "/errors/1/line", "3"));
  CU_ASSERT_PTR_NOT_NULL(strstr(call_text(&c.call, "/errors/1/detail"), "at byte 1"));
  CU_ASSERT_TRUE(is(&c, "/errors/2/line", "4"));
  CU_ASSERT_TRUE(is(&c, "/errors/3/line", "6"));
  CU_ASSERT_TRUE(is(&c, "/errors/4/line", "8"));
  CU_ASSERT_TRUE(is(&c, "/errors/5", ""));
  close_case(&c);
}

static void the_committers_refusals_come_in_order(void) {
  struct import_case c;
  open_case(&c, span_str("{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"derived_from\":[\"" MANY_ID
                         "\"]}\n" GOOD "\n" GOOD "\nbad\nbad\nbad\n" GOOD "\n"));
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/accepted", "3"));
  CU_ASSERT_TRUE(is(&c, "/rejected", "4"));
  CU_ASSERT_TRUE(is(&c, "/errors/0/line", "1"));
  CU_ASSERT_TRUE(is(&c, "/errors/0/detail", "/derived_from/0: no such assertion"));
  CU_ASSERT_TRUE(is(&c, "/errors/1/line", "4"));
  CU_ASSERT_TRUE(is(&c, "/errors/3/line", "6"));
  close_case(&c);
}

static void a_line_that_is_too_long_is_skipped(void) {
  struct import_case c;
  struct buf body;
  buf_init(&body, 2 << 20);
  buf_add_str(&body, GOOD "\n");
  memset(buf_extend(&body, 600000), 'x', 600000);
  buf_add_str(&body, "\n" GOOD "\n");
  open_case(&c, buf_span(&body));
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/accepted", "2"));
  CU_ASSERT_TRUE(is(&c, "/rejected", "1"));
  CU_ASSERT_TRUE(is(&c, "/errors/0/line", "2"));
  close_case(&c);
  buf_free(&body);
}

static void only_the_first_hundred_errors_are_kept(void) {
  struct import_case c;
  struct buf body;
  buf_init(&body, 2 << 20);
  for (int i = 0; i < 500; i++)
    buf_add_str(&body, i % 2 ? GOOD "\n" : "bad\n");
  open_case(&c, buf_span(&body));
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/rejected", "250"));
  CU_ASSERT_TRUE(is(&c, "/errors/99/line", "199"));
  CU_ASSERT_TRUE(is(&c, "/errors/100", ""));
  close_case(&c);
  buf_free(&body);
}

static void errors_that_come_late_take_their_place(void) {
  struct import_report *report = calloc(1, sizeof(*report));
  for (uint64_t line = 1000; line > 0; line -= 5)
    report_add_error(report, line, span_str("x"));
  CU_ASSERT_EQUAL(report->error_count, 100);
  for (size_t i = 0; i < report->error_count; i++)
    CU_ASSERT_EQUAL(report->errors[i].line, 5 * (i + 1));
  report_add_error(report, 501, span_str("late"));
  CU_ASSERT_EQUAL(report->errors[99].line, 500);
  free(report);
}

static void a_long_detail_is_cut_between_characters(void) {
  struct import_report *report = calloc(1, sizeof(*report));
  struct buf text;
  buf_init(&text, 1 << 16);
  buf_add_byte(&text, 'x');
  while (text.len < 2 * REPORT_DETAIL_MAX)
    buf_add_str(&text, "€");
  report_add_error(report, 1, buf_span(&text));
  CU_ASSERT_EQUAL(report->errors[0].len % 3, 1);
  CU_ASSERT_TRUE(report->errors[0].len <= REPORT_DETAIL_MAX && report->errors[0].len > REPORT_DETAIL_MAX - 3);
  buf_free(&text);
  free(report);
}

static void a_cut_body_keeps_whole_chunks(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD "\nbad\n" GOOD "\n" GOOD "\nbad\n{\"concept"));
  c.fake.cut = true;
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 400);
  CU_ASSERT_STRING_EQUAL(c.fake.begun.content_type, "application/problem+json");
  CU_ASSERT_EQUAL(c.fake.frames, 1);
  CU_ASSERT_EQUAL(c.fake.answered, 1);
  CU_ASSERT_TRUE(is(&c, "/accepted", "2"));
  CU_ASSERT_TRUE(is(&c, "/rejected", "1"));
  CU_ASSERT_TRUE(is(&c, "/last_seq", "7"));
  CU_ASSERT_TRUE(is(&c, "/last_line", "3"));
  CU_ASSERT_TRUE(is(&c, "/errors/0/line", "2"));
  CU_ASSERT_TRUE(is(&c, "/errors/1", ""));
  CU_ASSERT_EQUAL(strlen(call_text(&c.call, "/batch")), 32);
  close_case(&c);
}

static void a_stop_keeps_whole_chunks(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n"));
  c.fake.piece = strlen(GOOD) + 1;
  c.fake.stop_at_read = 6;
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 503);
  CU_ASSERT_PTR_NOT_NULL(strstr((const char *)c.fake.headers.data, "Retry-After: 1\r\n"));
  CU_ASSERT_TRUE(is(&c, "/accepted", "3"));
  CU_ASSERT_TRUE(is(&c, "/last_line", "3"));
  CU_ASSERT_EQUAL(c.fake.answered, c.fake.frames);
  close_case(&c);
}

static void a_lost_committer_leaves_the_outcome_unknown(void) {
  for (int reply = 0; reply < 2; reply++) {
    struct import_case c;
    open_case(&c, span_str(GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n"));
    if (reply)
      c.fake.lose_reply = 2;
    else
      c.fake.lose_send = 2;
    CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 503);
    CU_ASSERT_PTR_NOT_NULL(strstr(call_text(&c.call, "/detail"), "outcome unknown"));
    CU_ASSERT_TRUE(is(&c, "/accepted", "3"));
    CU_ASSERT_TRUE(is(&c, "/last_line", "3"));
    CU_ASSERT_TRUE(is(&c, "/last_seq", "8"));
    close_case(&c);
  }
}

static void a_full_disk_ends_the_import(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n" GOOD "\n"));
  c.fake.refuse_chunk = 2;
  c.fake.refusal = REFUSAL_DISK_FULL;
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 507);
  CU_ASSERT_TRUE(is(&c, "/accepted", "3"));
  CU_ASSERT_TRUE(is(&c, "/last_line", "3"));
  CU_ASSERT_EQUAL(c.fake.frames, 2);
  close_case(&c);
}

static void what_can_be_refused_at_once_is(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD));
  segment_set_disk_full(c.call.segment, true);
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 507);
  CU_ASSERT_EQUAL(c.fake.reads, 0);
  close_case(&c);
  open_case(&c, span_str(GOOD));
  c.call.api.ready = false;
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 503);
  close_case(&c);
  open_case(&c, span_str(GOOD));
  c.call.exchange.request.idempotency_key = span_str("not visible");
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 400);
  close_case(&c);
  open_case(&c, span_str(GOOD));
  c.call.exchange.request.query_string = span_str("batch=7");
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 422);
  CU_ASSERT_TRUE(call_has_error(&c.call, "/batch"));
  close_case(&c);
}

static void a_client_that_is_gone_breaks_the_stream(void) {
  struct import_case c;
  open_case(&c, span_str(GOOD));
  c.fake.gone = true;
  fake_run(&c.fake, &c.call);
  CU_ASSERT_TRUE(c.fake.face.broken);
  CU_ASSERT_EQUAL(c.fake.answered, 1);
  close_case(&c);
}

static void large_lines_make_small_chunks_in_the_same_memory(void) {
  struct import_case c;
  struct buf body;
  buf_init(&body, 8 << 20);
  for (int i = 0; i < 64; i++) {
    buf_add_str(&body, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[1");
    for (int k = 0; k < 30000; k++)
      buf_add_str(&body, ",1");
    buf_add_str(&body, "]}\n");
  }
  open_case(&c, buf_span(&body));
  c.call.config.import_chunk_lines = 1000;
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_TRUE(is(&c, "/accepted", "64"));
  CU_ASSERT_TRUE(c.fake.frames >= 7);
  CU_ASSERT_TRUE(c.fake.largest_frame < 600 << 10);
  close_case(&c);
  buf_free(&body);
}

static void positions_are_lines_and_salts_differ(void) {
  struct import_case c;
  struct command command;
  struct command_entry entry;
  struct server_section sections[2];
  struct err err;
  open_case(&c, span_str("\n" GOOD "\nbad\n" GOOD "\n"));
  c.call.config.import_chunk_lines = 100;
  c.call.exchange.request.idempotency_key = span_str("k");
  CU_ASSERT_EQUAL(fake_run(&c.fake, &c.call), 200);
  CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&c.fake.frame), &command, &err), 0);
  CU_ASSERT_EQUAL(command.type, COMMAND_IMPORT);
  CU_ASSERT_TRUE(span_equal(command.key_scope, span_of("\0import", 7)));
  for (uint32_t i = 0; i < 2; i++) {
    CU_ASSERT_EQUAL_FATAL(command_next_entry(&command.entries, &entry, &err), 0);
    CU_ASSERT_EQUAL_FATAL(entry_parse_server(entry.server, &sections[i], &err), 0);
    CU_ASSERT_EQUAL(entry.position, 2 + 2 * i);
    CU_ASSERT_EQUAL(sections[i].index, 2 + 2 * i);
    CU_ASSERT_EQUAL(sections[i].key_hash.len, DIGEST_SIZE);
  }
  CU_ASSERT_FALSE(span_equal(sections[0].salt, sections[1].salt));
  unsigned char hash[DIGEST_SIZE];
  crypto_generichash(hash, sizeof(hash), (const unsigned char *)"\0import\0k", 9, NULL, 0);
  CU_ASSERT_TRUE(span_equal(sections[0].batch, span_of(hash, 16)));
  close_case(&c);
}

int main(void) {
  static const struct test_case cases[] = {
      {"an import goes in chunks, one in flight, blank lines skipped", an_import_goes_in_chunks},
      {"an import of nothing is fine", an_empty_import_is_fine},
      {"a bad line never stops the good ones", a_bad_line_never_stops_the_good_ones},
      {"what the committer refuses is reported in the order of lines", the_committers_refusals_come_in_order},
      {"a line that is too long is skipped", a_line_that_is_too_long_is_skipped},
      {"only the first hundred errors are kept", only_the_first_hundred_errors_are_kept},
      {"errors that come late take their place", errors_that_come_late_take_their_place},
      {"a long detail is cut between two characters", a_long_detail_is_cut_between_characters},
      {"a body that is cut off keeps whole chunks and says up to which line", a_cut_body_keeps_whole_chunks},
      {"a process that stops keeps whole chunks and says up to which line", a_stop_keeps_whole_chunks},
      {"a committer that is lost leaves the outcome unknown", a_lost_committer_leaves_the_outcome_unknown},
      {"a full disk ends the import", a_full_disk_ends_the_import},
      {"what can be refused before the body is read is", what_can_be_refused_at_once_is},
      {"a client that is gone breaks the stream", a_client_that_is_gone_breaks_the_stream},
      {"large lines make small chunks, all in the memory of one", large_lines_make_small_chunks_in_the_same_memory},
      {"positions are lines, and each entry has its own salt", positions_are_lines_and_salts_differ},
  };
  return harness_run("api/import", cases, HARNESS_COUNT(cases));
}
