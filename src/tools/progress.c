#include "tools/progress.h"

#include <string.h>
#include <time.h>

enum { INTERVAL_MS = 200, BAR = 20, LINE_MAX_BYTES = 256 };

static uint64_t now_ms(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* "1,234,567" */
static void format_count(char out[32], uint64_t count) {
  char digits[24];
  int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
  char *p = out;
  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0)
      *p++ = ',';
    *p++ = digits[i];
  }
  *p = '\0';
}

static void format_bytes(char out[32], uint64_t bytes) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
    value /= 1000;
  snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void format_time(char out[32], double seconds) {
  if (seconds >= 3600)
    snprintf(out, 32, "%.0f h %02.0f min", (double)(uint64_t)(seconds / 3600), (double)((uint64_t)(seconds / 60) % 60));
  else if (seconds >= 60)
    snprintf(out, 32, "%.0f min %02.0f s", (double)(uint64_t)(seconds / 60), (double)((uint64_t)seconds % 60));
  else
    snprintf(out, 32, "%.0f s", seconds);
}

/* "[=====>    ] 45%  " or nothing. */
static void format_bar(char *out, size_t size, struct progress_state state) {
  char bar[BAR + 1];
  if (state.total == 0) {
    *out = '\0';
    return;
  }
  double part = state.done < state.total ? (double)state.done / (double)state.total : 1;
  size_t filled = (size_t)(part * BAR);
  memset(bar, ' ', BAR);
  memset(bar, '=', filled);
  if (filled < BAR)
    bar[filled] = '>';
  bar[BAR] = '\0';
  snprintf(out, size, "[%s] %3.0f%%  ", bar, (double)(uint64_t)(part * 100));
}

void progress_render(char *out, size_t size, size_t columns, const char *unit, struct progress_state state,
                     uint64_t elapsed_ms) {
  char bar[64], units[32], done[32] = "", of[32] = "", rate[32], left[48] = "";
  double seconds = (double)elapsed_ms / 1000;
  format_bar(bar, sizeof(bar), state);
  format_count(units, state.units);
  format_count(rate, seconds > 0 ? (uint64_t)((double)state.units / seconds) : 0);
  if (state.bytes) {
    format_bytes(done, state.done);
    if (state.total)
      format_bytes(of, state.total);
  }
  if (state.total && state.done && state.done < state.total && seconds >= 1) {
    char time[32];
    format_time(time, seconds * (double)(state.total - state.done) / (double)state.done);
    snprintf(left, sizeof(left), "  %s left", time);
  }
  snprintf(out, size, "%s%s %s, %s/s%s%s%s%s%s", bar, units, unit, rate, *done ? "  " : "", done, *of ? " of " : "", of,
           left);
  if (strlen(out) > columns)
    out[columns] = '\0';
}

void progress_begin(struct progress *progress, FILE *out, struct screen screen, const char *unit) {
  *progress = (struct progress){.out = out, .screen = screen, .unit = unit, .begun_ms = now_ms()};
}

void progress_show(struct progress *progress, struct progress_state state) {
  char line[LINE_MAX_BYTES];
  if (!progress->screen.terminal)
    return;
  uint64_t now = now_ms();
  if (progress->shown_ms && now < progress->shown_ms + INTERVAL_MS)
    return;
  progress->shown_ms = now;
  /* One column stays free: a full line would make some terminals scroll. */
  size_t columns = progress->screen.columns < sizeof(line) ? progress->screen.columns - 1 : sizeof(line) - 1;
  progress_render(line, sizeof(line), columns, progress->unit, state, now - progress->begun_ms);
  fprintf(progress->out, "\r%s\033[K", line);
  fflush(progress->out);
}

void progress_end(struct progress *progress) {
  if (progress->shown_ms) {
    fputs("\r\033[K", progress->out);
    fflush(progress->out);
  }
  progress->shown_ms = 0;
}
