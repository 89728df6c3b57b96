/* The command socket's protocol against clients that are slow, hostile, many or gone. */
#include "supervisor/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/node.h"
#include "supervisor/prune.h"
#include "tests/harness/harness.h"

enum { ANSWER_SIZE = 1024 };

static struct node node;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

/* In the place of the real one: notes what it was asked. */
static struct {
  unsigned calls;
  char name[256];
  bool indexes;
  uint32_t below;
  enum err_code answer;
} asked;

int backup_begin(struct node *n, const char *name, bool indexes, struct err *err) {
  (void)n;
  asked.calls++;
  snprintf(asked.name, sizeof(asked.name), "%s", name);
  asked.indexes = indexes;
  return asked.answer ? err_set(err, asked.answer, "so it is") : 0;
}

int prune_log(struct node *n, uint32_t below, unsigned *removed, struct err *err) {
  (void)n;
  asked.calls++;
  asked.below = below;
  *removed = 3;
  return asked.answer ? err_set(err, asked.answer, "so it is") : 0;
}

static void open_socket(void) {
  snprintf(address.sun_path, sizeof(address.sun_path), "%s/c", harness_folder());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 64))
    abort();
  control_init(&node.control, fd);
}

static int call(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
    abort();
  return fd;
}

static void say(int fd, const void *data, size_t len) {
  if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
    abort();
}

/* As the supervisor's loop, until nothing happens any more. */
static void serve(void) {
  struct pollfd fds[CONTROL_FDS];
  for (;;) {
    control_watch(&node.control, fds);
    if (poll(fds, CONTROL_FDS, 0) <= 0)
      return;
    control_serve(&node, fds);
  }
}

/* What came, without waiting; *closed is whether the other end is. */
static const char *hear(int fd, bool *closed) {
  static char text[ANSWER_SIZE];
  size_t len = 0;
  ssize_t got;
  while ((got = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0)
    len += (size_t)got;
  text[len] = '\0';
  *closed = got == 0;
  return text;
}

static void expect(int fd, const char *text, bool closes) {
  bool closed;
  CU_ASSERT_STRING_EQUAL(hear(fd, &closed), text);
  CU_ASSERT_EQUAL(closed, closes);
}

static void fresh(enum err_code answer) {
  memset(&asked, 0, sizeof(asked));
  asked.answer = answer;
}

static void a_backup_is_asked_for_and_its_end_told(void) {
  int fd = call();
  fresh(ERR_OK);
  say(fd, "backup .partial-1 indexes\n", 26);
  serve();
  CU_ASSERT_EQUAL(asked.calls, 1);
  CU_ASSERT_STRING_EQUAL(asked.name, ".partial-1");
  CU_ASSERT_TRUE(asked.indexes);
  expect(fd, "begun\n", false);
  control_tell(&node.control, "done\n");
  expect(fd, "done\n", true);
  close(fd);
}

static void a_line_may_come_byte_by_byte(void) {
  static const char line[] = "backup x\n";
  int fd = call();
  fresh(ERR_OK);
  for (size_t i = 0; i < sizeof(line) - 1; i++) {
    CU_ASSERT_EQUAL(asked.calls, 0);
    say(fd, line + i, 1);
    serve();
  }
  CU_ASSERT_EQUAL(asked.calls, 1);
  CU_ASSERT_FALSE(asked.indexes);
  control_tell(&node.control, "done\n");
  expect(fd, "begun\ndone\n", true);
  close(fd);
}

static void what_is_no_request_is_answered_and_closed(void) {
  static const struct {
    const char *line, *answer;
  } cases[] = {
      {"\n", "failed: no such request\n"},
      {" \n", "failed: no such request\n"},
      {"restore\n", "failed: no such request\n"},
      {"BACKUP x\n", "failed: no such request\n"},
      {"backupx\n", "failed: no such request\n"},
      {"backup x y\n", "failed: 'y' is not known\n"},
      {"backup x indexes more\n", "failed: 'indexes more' is not known\n"},
      {"backup %s%n%s %n\n", "failed: '%n' is not known\n"},
      {"prune\n", "failed: '' is no number of a log file\n"},
      {"prune 0\n", "failed: '0' is no number of a log file\n"},
      {"prune -1\n", "failed: '-1' is no number of a log file\n"},
      {"prune 4x\n", "failed: '4x' is no number of a log file\n"},
      {"prune 4294967296\n", "failed: '4294967296' is no number of a log file\n"},
      {"prune 99999999999999999999\n", "failed: '99999999999999999999' is no number of a log file\n"},
  };
  fresh(ERR_OK);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    int fd = call();
    say(fd, cases[i].line, strlen(cases[i].line));
    serve();
    expect(fd, cases[i].answer, true);
    close(fd);
  }
  CU_ASSERT_EQUAL(asked.calls, 0);
}

static void a_refusal_says_busy_or_failed(void) {
  int fd = call();
  fresh(ERR_BUSY);
  say(fd, "backup x\n", 9);
  serve();
  expect(fd, "busy: so it is\n", true);
  close(fd);
  fd = call();
  fresh(ERR_INVALID);
  say(fd, "backup x\n", 9);
  serve();
  expect(fd, "failed: so it is\n", true);
  close(fd);
}

static void a_prune_is_answered_at_once(void) {
  int fd = call();
  fresh(ERR_OK);
  say(fd, "prune 4294967295\n", 17);
  serve();
  CU_ASSERT_EQUAL(asked.below, UINT32_MAX);
  expect(fd, "done 3\n", true);
  close(fd);
  fd = call();
  fresh(ERR_BUSY);
  say(fd, "prune 7\n", 8);
  serve();
  expect(fd, "busy: so it is\n", true);
  close(fd);
}

static void lines_without_an_end_are_dropped(void) {
  char line[CONTROL_LINE_MAX];
  memset(line, 'a', sizeof(line));
  fresh(ERR_OK);
  int fd = call();
  say(fd, line, CONTROL_LINE_MAX - 2);
  serve();
  expect(fd, "", false);
  say(fd, line, 1);
  serve();
  expect(fd, "", true);
  close(fd);
  fd = call();
  memset(line, '\0', sizeof(line)); /* the end of a line behind a NUL is none */
  line[CONTROL_LINE_MAX - 2] = '\n';
  say(fd, line, CONTROL_LINE_MAX - 1);
  serve();
  expect(fd, "", true);
  close(fd);
  CU_ASSERT_EQUAL(asked.calls, 0);
}

static void who_says_more_while_it_waits_is_dropped(void) {
  int fd = call();
  fresh(ERR_OK);
  say(fd, "backup x\n", 9);
  serve();
  say(fd, "backup y\n", 9);
  serve();
  CU_ASSERT_EQUAL(asked.calls, 1);
  expect(fd, "begun\n", true);
  control_tell(&node.control, "done\n"); /* nobody is there */
  close(fd);
}

static void who_is_gone_harms_nobody(void) {
  int gone = call(), stays = call();
  fresh(ERR_OK);
  say(gone, "backup x\n", 9);
  close(gone); /* before it was read */
  say(stays, "back", 4);
  serve();
  CU_ASSERT_EQUAL(asked.calls, 1);
  control_tell(&node.control, "done\n");
  say(stays, "up y\n", 5);
  serve();
  CU_ASSERT_EQUAL(asked.calls, 2);
  control_tell(&node.control, "done\n");
  expect(stays, "begun\ndone\n", true);
  close(stays);
}

static void the_answer_goes_to_whoever_waits_alone(void) {
  int waits = call(), silent = call();
  fresh(ERR_OK);
  say(waits, "backup x\n", 9);
  serve();
  control_tell(&node.control, "failed: no\n");
  expect(waits, "begun\nfailed: no\n", true);
  expect(silent, "", false);
  close(waits);
  close(silent);
  serve();
}

static void more_clients_than_there_are_places_are_turned_away(void) {
  int fds[CONTROL_CLIENTS + 3];
  fresh(ERR_OK);
  for (size_t i = 0; i < HARNESS_COUNT(fds); i++)
    fds[i] = call();
  serve();
  for (size_t i = 0; i < HARNESS_COUNT(fds); i++)
    expect(fds[i], "", i >= CONTROL_CLIENTS);
  close(fds[3]); /* its place is free again */
  serve();
  int fd = call();
  say(fd, "backup x\n", 9);
  serve();
  expect(fd, "begun\n", false);
  close(fd);
  for (size_t i = 0; i < HARNESS_COUNT(fds); i++)
    if (i != 3)
      close(fds[i]);
  serve();
}

int main(void) {
  static const struct test_case cases[] = {
      {"a backup is asked for, and its end is told", a_backup_is_asked_for_and_its_end_told},
      {"a line may come byte by byte", a_line_may_come_byte_by_byte},
      {"what is no request is answered and closed", what_is_no_request_is_answered_and_closed},
      {"a refusal says busy or failed", a_refusal_says_busy_or_failed},
      {"a prune is answered at once", a_prune_is_answered_at_once},
      {"lines without an end are dropped", lines_without_an_end_are_dropped},
      {"who says more while it waits is dropped", who_says_more_while_it_waits_is_dropped},
      {"who is gone harms nobody", who_is_gone_harms_nobody},
      {"the answer goes to whoever waits alone", the_answer_goes_to_whoever_waits_alone},
      {"more clients than there are places are turned away", more_clients_than_there_are_places_are_turned_away},
  };
  open_socket();
  return harness_run("control", cases, HARNESS_COUNT(cases));
}
