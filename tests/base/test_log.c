#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/harness/harness.h"

/* What `write` logs as one line. */
static void capture(char *out, size_t size, bool journal, void (*write_log)(const struct log *)) {
  int fd[2];
  struct log log;
  CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
  struct stat st;
  CU_ASSERT_EQUAL_FATAL(fstat(fd[1], &st), 0);
  char stream[64];
  snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
           (unsigned long long)st.st_ino + (journal ? 0 : 1));
  setenv("JOURNAL_STREAM", stream, 1);
  log_open(&log, fd[1], "committer");
  write_log(&log);
  close(fd[1]);
  ssize_t n = read(fd[0], out, size - 1);
  out[n < 0 ? 0 : n] = 0;
  close(fd[0]);
}

static bool matches(const char *text, const char *pattern) {
  regex_t re;
  CU_ASSERT_EQUAL_FATAL(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
  bool match = regexec(&re, text, 0, NULL, 0) == 0;
  regfree(&re);
  return match;
}

static void info_line(const struct log *log) {
  log_info(log, "Replayed %d entries", 5);
}
static void warn_line(const struct log *log) {
  log_warn(log, "low");
}
static void error_line(const struct log *log) {
  log_error(log, "bad");
}
static void control_line(const struct log *log) {
  log_info(log, "a\nb\x1b[31m\x7f%s", "\xc3\xa9");
}
static void long_line(const struct log *log) {
  char text[10000];
  memset(text, 1, sizeof(text) - 1);
  text[sizeof(text) - 1] = 0;
  log_info(log, "%s", text);
}

static void plain_lines_have_time_role_pid_level(void) {
  char line[8192];
  const char *start = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z committer\\[[0-9]+\\] ";
  char pattern[256];
  capture(line, sizeof(line), false, info_line);
  snprintf(pattern, sizeof(pattern), "%sinfo: Replayed 5 entries\n$", start);
  CU_ASSERT(matches(line, pattern));
  capture(line, sizeof(line), false, warn_line);
  snprintf(pattern, sizeof(pattern), "%swarning: low\n$", start);
  CU_ASSERT(matches(line, pattern));
  capture(line, sizeof(line), false, error_line);
  snprintf(pattern, sizeof(pattern), "%serror: bad\n$", start);
  CU_ASSERT(matches(line, pattern));
}

static void journal_lines_have_a_priority(void) {
  char line[8192];
  capture(line, sizeof(line), true, info_line);
  CU_ASSERT_STRING_EQUAL(line, "<6>Replayed 5 entries\n");
  capture(line, sizeof(line), true, warn_line);
  CU_ASSERT_STRING_EQUAL(line, "<4>low\n");
  capture(line, sizeof(line), true, error_line);
  CU_ASSERT_STRING_EQUAL(line, "<3>bad\n");
}

static void control_characters_are_escaped(void) {
  char line[8192];
  capture(line, sizeof(line), true, control_line);
  CU_ASSERT_STRING_EQUAL(line, "<6>a\\x0ab\\x1b[31m\\x7f\xc3\xa9\n");
}

static void long_lines_stay_one_line(void) {
  char line[8192];
  capture(line, sizeof(line), false, long_line);
  size_t len = strlen(line);
  CU_ASSERT(len <= 4096);
  CU_ASSERT(len > 4080);
  CU_ASSERT_EQUAL(line[len - 1], '\n');
}

static void clocks_tell_microseconds(void) {
  /* 2020-01-01 and 2100-01-01. */
  CU_ASSERT(clock_now() > 1577836800000000U && clock_now() < 4102444800000000U);
  uint64_t first = clock_monotonic();
  usleep(2000);
  uint64_t passed = clock_monotonic() - first;
  CU_ASSERT(passed >= 2000 && passed < 60000000);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a line has time, role, pid and level, where JOURNAL_STREAM names another file",
       plain_lines_have_time_role_pid_level},
      {"a line for the journal has its priority", journal_lines_have_a_priority},
      {"control characters are escaped, so one event is one line", control_characters_are_escaped},
      {"a line is cut at 4,096 bytes", long_lines_stay_one_line},
      {"the clocks tell microseconds", clocks_tell_microseconds},
  };
  return harness_run("log", cases, HARNESS_COUNT(cases));
}
