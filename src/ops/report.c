#include "ops/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/json.h"

enum { JSON_MAX = 16 << 20, TEXT_SIZE = 1024, PROGRESS_PERIOD_US = 100000, BAR = 24 };

void report_open(struct report *report, bool json) {
  *report = (struct report){.out = json ? NULL : stdout, .progress = isatty(STDERR_FILENO) == 1};
  buf_init(&report->json, JSON_MAX);
}

void report_close(struct report *report) {
  report_progress_end(report);
  buf_free(&report->json);
}

static void add_json(struct buf *out, const char *kind, bool damage, const struct place *place, const char *text) {
  buf_add_str(out, out->len > 0 ? ",{\"kind\":" : "{\"kind\":");
  json_quote(out, span_str(kind));
  buf_addf(out, ",\"damage\":%s", damage ? "true" : "false");
  if (place->file) {
    buf_add_str(out, ",\"file\":");
    json_quote(out, span_str(place->file));
  }
  if (place->has_page)
    buf_addf(out, ",\"page\":%" PRIu32, place->page);
  if (place->has_page || place->has_offset)
    buf_addf(out, ",\"offset\":%" PRIu64, place->offset);
  if (place->seq)
    buf_addf(out, ",\"seq\":%" PRIu64, place->seq);
  if (place->to_seq > place->seq)
    buf_addf(out, ",\"to_seq\":%" PRIu64, place->to_seq);
  buf_add_str(out, ",\"text\":");
  json_quote(out, span_str(text));
  buf_add_byte(out, '}');
}

static void write_line(FILE *out, const char *word, const struct place *place, const char *text) {
  fprintf(out, "%s: ", word);
  if (place->file)
    fprintf(out, "%s", place->file);
  if (place->has_page)
    fprintf(out, ", page %" PRIu32 " (offset %" PRIu64 ")", place->page, place->offset);
  else if (place->has_offset)
    fprintf(out, ", offset %" PRIu64, place->offset);
  fprintf(out, "%s%s\n", place->file ? ": " : "", text);
}

static void tell(struct report *report, uint64_t *count, bool damage, const char *kind, const struct place *place,
                 const char *fmt, va_list list) {
  char text[TEXT_SIZE];
  if (++*count > REPORT_TOLD_MAX) {
    if (*count == REPORT_TOLD_MAX + 1 && report->out)
      fprintf(report->out, "more of this kind is counted only\n");
    return;
  }
  vsnprintf(text, sizeof(text), fmt, list);
  report_progress_end(report);
  if (report->listener)
    report->listener(report->listener_ctx, kind, damage, place, text);
  if (report->out)
    write_line(report->out, damage ? "damage" : "note", place, text);
  add_json(&report->json, kind, damage, place, text);
}

void report_finding(struct report *report, const char *kind, const struct place *place, const char *fmt, ...) {
  va_list list;
  va_start(list, fmt);
  tell(report, &report->findings, true, kind, place, fmt, list);
  va_end(list);
}

void report_note(struct report *report, const char *kind, const struct place *place, const char *fmt, ...) {
  va_list list;
  va_start(list, fmt);
  tell(report, &report->notes, false, kind, place, fmt, list);
  va_end(list);
}

void report_json(const struct report *report, struct buf *out) {
  buf_add_byte(out, '[');
  buf_add_span(out, buf_span(&report->json));
  buf_add_byte(out, ']');
}

void report_progress(struct report *report, const char *doing, uint64_t done, uint64_t total) {
  uint64_t now = clock_monotonic();
  bool other = report->doing != doing;
  if (!report->progress || total == 0 || (!other && now - report->shown_us < PROGRESS_PERIOD_US))
    return;
  if (other)
    report_progress_end(report);
  done = done < total ? done : total;
  int full = (int)((double)done / (double)total * BAR);
  fprintf(stderr, "\r%-22s [%.*s%.*s] %3d%% of %.1f MB", doing, full, "########################", BAR - full,
          "                        ", (int)((double)done / (double)total * 100), (double)total / 1e6);
  report->doing = doing;
  report->shown_us = now;
  report->shown = true;
}

void report_progress_end(struct report *report) {
  if (report->shown)
    fputs("\r\033[K", stderr);
  report->shown = false;
}
