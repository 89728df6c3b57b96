#include "tools/moment.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "model/timestamp.h"

static const struct option options[] = {{"to-seq", required_argument, NULL, 's'},
                                        {"to-time", required_argument, NULL, 't'},
                                        {"from-archive", required_argument, NULL, 'a'},
                                        {"timeline", required_argument, NULL, 'l'},
                                        {0}};

bool moment_read_number(const char *text, uint64_t most, uint64_t *out) {
  char *end;
  errno = 0;
  *out = strtoumax(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= most;
}

static bool set_bound(struct point_wish *wish, enum point_kind kind, struct err *err) {
  if (wish->kind != POINT_BACKUP) {
    err_set(err, ERR_INVALID, "one moment: --to-seq or --to-time, and once");
    return false;
  }
  wish->kind = kind;
  return true;
}

static bool read_option(int option, struct point_wish *wish, struct err *err) {
  uint64_t number = 0;
  const char *reason = NULL;
  switch (option) {
  case 's':
    if (!moment_read_number(optarg, UINT64_MAX - 1, &wish->seq) || wish->seq == 0) {
      err_set(err, ERR_INVALID, "--to-seq: %.100s is not the number of an entry", optarg);
      return false;
    }
    return set_bound(wish, POINT_SEQ, err);
  case 't':
    if (!timestamp_parse(span_str(optarg), &wish->time_us, &reason)) {
      err_set(err, ERR_INVALID, "--to-time: %.100s %s (RFC 3339, e.g. 2026-11-24T21:43:15Z)", optarg, reason);
      return false;
    }
    return set_bound(wish, POINT_TIME, err);
  case 'a': wish->archive = optarg; return true;
  case 'l':
    if (!moment_read_number(optarg, UINT32_MAX, &number) || number == 0) {
      err_set(err, ERR_INVALID, "--timeline: %.100s is not the number of a timeline", optarg);
      return false;
    }
    wish->timeline = (uint32_t)number;
    return true;
  default: return false;
  }
}

bool moment_read_options(int argc, char **argv, struct point_wish *out, struct err *err) {
  *out = (struct point_wish){.kind = POINT_BACKUP};
  *err = (struct err){0};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
    if (!read_option(c, out, err))
      return false;
  if (out->kind == POINT_BACKUP && (out->archive || out->timeline))
    out->kind = POINT_ALL;
  return true;
}
