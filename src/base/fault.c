#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One part of STEMEDB_FAULTS: name=ACTION[:NUMBER][@PASSAGE]. */
struct fault {
  char name[64], action[8];
  unsigned long number, passage;
};

enum { FAULTS_MAX = 32 };

/* A fault that a test misspelled must not pass for one that did not happen. */
static _Noreturn void refuse(const char *part, size_t len) {
  fprintf(stderr, "STEMEDB_FAULTS: cannot read '%.*s'\n", (int)len, part);
  abort();
}

static unsigned long read_number(const char **p, const char *end, const char *part) {
  unsigned long n = 0;
  const char *first = *p;
  while (*p < end && **p >= '0' && **p <= '9' && n < 100000000)
    n = n * 10 + (unsigned long)(*(*p)++ - '0');
  if (*p == first)
    refuse(part, (size_t)(end - part));
  return n;
}

static void read_fault(const char *part, size_t len, struct fault *out) {
  const char *end = part + len;
  const char *equals = memchr(part, '=', len);
  if (!equals || equals == part || (size_t)(equals - part) >= sizeof(out->name))
    refuse(part, len);
  *out = (struct fault){.passage = 1};
  memcpy(out->name, part, (size_t)(equals - part));
  const char *p = equals + 1;
  size_t n = 0;
  while (p < end && *p != ':' && *p != '@' && n + 1 < sizeof(out->action))
    out->action[n++] = *p++;
  if (p < end && *p == ':') {
    p++;
    out->number = read_number(&p, end, part);
  }
  if (p < end && *p == '@') {
    p++;
    out->passage = read_number(&p, end, part);
  }
  if (p != end)
    refuse(part, len);
}

static _Noreturn void kill_self(void) {
  kill(getpid(), SIGKILL);
  for (;;)
    pause();
}

/* Acts at the `count`-th passage; whether the caller must fail. */
static bool act(const struct fault *f, unsigned long count) {
  bool now = count == f->passage, since = count >= f->passage;
  if (strcmp(f->action, "fail") == 0)
    return now;
  if (strcmp(f->action, "fail+") == 0)
    return since;
  if (strcmp(f->action, "kill") == 0) {
    if (now)
      kill_self();
  } else if (strcmp(f->action, "stop") == 0) {
    if (now)
      kill(getpid(), SIGSTOP);
  } else if (strcmp(f->action, "exit") == 0) {
    if (now)
      _exit((int)f->number);
  } else if (strcmp(f->action, "sleep") == 0) {
    if (since)
      usleep((useconds_t)(f->number * 1000));
  } else {
    refuse(f->name, strlen(f->name));
  }
  return false;
}

bool fault_point(const char *name) {
  /* Passages so far, a counter for each part of the list: the one state of the program that is static, since a place
   * to fail has no other. */
  static atomic_ulong passages[FAULTS_MAX];
  const char *p = getenv("STEMEDB_FAULTS");
  bool fails = false;
  for (size_t i = 0; p && *p; i++) {
    struct fault f;
    size_t len = strcspn(p, ",");
    if (i == FAULTS_MAX)
      refuse(p, len);
    read_fault(p, len, &f);
    if (strcmp(f.name, name) == 0)
      fails |= act(&f, atomic_fetch_add(&passages[i], 1) + 1);
    p += len;
    p += *p == ',';
  }
  return fails;
}
