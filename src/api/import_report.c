#include "api/import_report.h"

#include "api/answer.h"
#include "api/problem.h"

void report_add_error(struct import_report *report, uint64_t line, struct span detail) {
  /* Refusals of the committer come a chunk later than those of the parser, so this is an insertion from behind. */
  size_t at = report->error_count;
  while (at > 0 && report->errors[at - 1].line > line)
    at--;
  if (at == REPORT_ERRORS_MAX)
    return;
  size_t moved = report->error_count < REPORT_ERRORS_MAX ? report->error_count++ - at : REPORT_ERRORS_MAX - 1 - at;
  memmove(&report->errors[at + 1], &report->errors[at], moved * sizeof(report->errors[0]));
  struct report_error *error = &report->errors[at];
  size_t len = detail.len;
  if (len > REPORT_DETAIL_MAX) {
    len = REPORT_DETAIL_MAX;
    while (len > 0 && (detail.data[len] & 0xc0) == 0x80)
      len--;
  }
  error->line = line;
  error->len = len;
  memcpy(error->detail, detail.data, len);
}

/* The members that both answers have; errors only of lines up to last_line, since those after it were not settled. */
static void add_members(const struct import_report *report, struct span batch, bool stopped, struct buf *out) {
  buf_add_str(out, "\"batch\":\"");
  buf_add_hex(out, batch.data, batch.len);
  buf_addf(out, "\",\"accepted\":%llu,\"duplicates\":%llu,\"rejected\":%llu,\"last_seq\":%llu",
           (unsigned long long)report->accepted, (unsigned long long)report->duplicates,
           (unsigned long long)report->rejected, (unsigned long long)report->last_seq);
  if (stopped)
    buf_addf(out, ",\"last_line\":%llu", (unsigned long long)report->last_line);
  buf_add_str(out, ",\"errors\":[");
  for (size_t i = 0; i < report->error_count && report->errors[i].line <= report->last_line; i++) {
    const struct report_error *error = &report->errors[i];
    buf_addf(out, "%s{\"line\":%llu,\"detail\":", i ? "," : "", (unsigned long long)error->line);
    json_quote(out, span_of(error->detail, error->len));
    buf_add_byte(out, '}');
  }
  buf_add_byte(out, ']');
}

void report_answer(const struct import_report *report, struct span batch, struct exchange *exchange) {
  exchange->stored_count = report->accepted;
  exchange->stored_last_seq = report->last_seq;
  answer_begin(exchange, 200);
  buf_add_byte(&exchange->response.body, '{');
  add_members(report, batch, false, &exchange->response.body);
  buf_add_str(&exchange->response.body, "}\n");
}

void report_problem(const struct import_report *report, struct span batch, struct exchange *exchange, int status,
                    const char *detail) {
  exchange->stored_count = report->accepted;
  exchange->stored_last_seq = report->last_seq;
  problem_begin(&exchange->response, status, "%s", detail);
  buf_add_byte(&exchange->response.body, ',');
  add_members(report, batch, true, &exchange->response.body);
  problem_end(&exchange->response);
}
