#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "tools/call.h"
#include "tools/export_file.h"
#include "tools/feed_line.h"
#include "tools/interrupt.h"
#include "tools/problem.h"
#include "tools/progress.h"

enum { ENTRY_MAX = 4 << 20, ENTRY_ARENA_MAX = 64 << 20 };

struct export_args {
  struct call_args call;
  struct option_count after_seq, limit;
  const char *history, *output;
  bool append;
};

static const struct option_spec specs[] = {
    {"after-seq", "SEQ", "begin after this entry; 0, the beginning, if absent", OPTION_COUNT,
     offsetof(struct export_args, after_seq)},
    {"limit", "N", "at most so many entries", OPTION_COUNT, offsetof(struct export_args, limit)},
    {"history", "HISTORY", "the history that was read up to --after-seq; refused if it branched off", OPTION_TEXT,
     offsetof(struct export_args, history)},
    {"output", "FILE", "a new file instead of standard output, synced to disk", OPTION_TEXT,
     offsetof(struct export_args, output)},
    {"append", NULL, "go on with FILE after its last entry, which must be in the history", OPTION_FLAG,
     offsetof(struct export_args, append)},
};

static const struct call_command command = {
    .name = "export",
    .operands = "",
    .text = "The history in its order, one entry a line, up to the entry that is the newest when it begins.\n"
            "What was written consists of whole lines; exit status 0 says that none is missing.\n",
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 60,
};

struct export {
  struct call *call;
  const struct export_args *args;
  int fd;
  uint64_t first, seq, last; /* after which it began; of the last entry written; where it will end (0: not known) */
  char history[CLIENT_HISTORY_SIZE];
  struct buf partial; /* a line that is not whole yet */
  struct buf check;   /* the line that the next entry must be, which is in the file already */
  bool checking;
  struct arena *arena;
  struct progress progress;
};

/* Looks at one whole line, which must be the entry that comes next. *skip: it is not written. */
static int take_line(struct export *export, struct span line, bool *skip, struct err *err) {
  uint64_t seq = 0;
  arena_reset(export->arena);
  if (!feed_line_seq(export->arena, line, &seq) || seq != export->seq + 1)
    return err_set(err, ERR_IO, "what follows entry %llu is not entry %llu", (unsigned long long)export->seq,
                   (unsigned long long)export->seq + 1);
  *skip = export->checking;
  if (export->checking && !span_equal(line, buf_span(&export->check)))
    return err_set(err, ERR_CONFLICT, "entry %llu of this history is not the one at the end of the file",
                   (unsigned long long)seq);
  export->checking = false;
  export->seq = seq;
  return 0;
}

/* Takes all whole lines of `data` and writes them at once. */
static int take_lines(struct export *export, struct span data, struct err *err) {
  const unsigned char *from = data.data, *end = data.data + data.len, *write_from = from;
  while (from < end) {
    const unsigned char *newline = memchr(from, '\n', (size_t)(end - from));
    bool skip = false;
    int rc = take_line(export, span_of(from, (size_t)(newline - from)), &skip, err);
    if (rc)
      return rc;
    from = newline + 1;
    if (skip)
      write_from = from;
  }
  return write_from < end ? fileio_write(export->fd, write_from, (size_t)(end - write_from), err) : 0;
}

static int write_entries(void *context, struct span data, struct err *err) {
  struct export *export = context;
  struct client_answer *answer = &export->call->answer;
  if (!*export->history)
    memcpy(export->history, answer->history, sizeof(export->history));
  if (!export->last)
    export->last = answer->last_seq;
  const unsigned char *newline = memrchr(data.data, '\n', data.len);
  size_t whole = newline ? (size_t)(newline - data.data) + 1 : 0;
  int rc = 0;
  if (whole && export->partial.len) {
    const unsigned char *first = memchr(data.data, '\n', data.len);
    size_t len = (size_t)(first - data.data) + 1;
    buf_add(&export->partial, data.data, len);
    rc = buf_check(&export->partial, "an entry", err);
    if (!rc)
      rc = take_lines(export, buf_span(&export->partial), err);
    buf_reset(&export->partial);
    data = span_of(data.data + len, data.len - len);
    whole -= len;
  }
  if (!rc && whole)
    rc = take_lines(export, span_of(data.data, whole), err);
  buf_add(&export->partial, data.data + whole, data.len - whole);
  if (!rc)
    rc = buf_check(&export->partial, "an entry", err);
  client_progress(export->call->client);
  progress_show(&export->progress, (struct progress_state){.units = export->seq - export->first,
                                                           .done = export->seq - export->first,
                                                           .total = export->last - export->first});
  return rc;
}

static int ask(struct export *export, struct err *err) {
  struct call *call = export->call;
  struct buf target;
  struct option_count after = {.given = true, .value = export->seq};
  struct option_count limit = export->args->limit;
  const char *history = *export->history ? export->history : export->args->history;
  limit.value -= export->seq - export->first;
  target_begin(&target, "/v1/assertions");
  target_count(&target, "after_seq", after);
  target_count(&target, "limit", limit);
  target_text(&target, "history", history);
  buf_reset(&export->partial);
  struct client_request request = {.method = "GET",
                                   .target = (const char *)target.data,
                                   .accept = "application/x-ndjson",
                                   .write = write_entries,
                                   .context = export};
  int rc = buf_check(&target, "the request", err);
  if (!rc)
    rc = client_send(call->client, &request, &call->answer, err);
  if (!rc && call->answer.status == 200 && !export->last)
    export->last = call->answer.last_seq;
  buf_free(&target);
  return rc;
}

static bool complete(const struct export *export) {
  const struct option_count *limit = &export->args->limit;
  if (export->partial.len > 0 || export->checking)
    return false;
  return export->seq >= export->last || (limit->given && export->seq - export->first >= limit->value);
}

static int give_up(struct export *export, int rc, const struct err *err) {
  struct call *call = export->call;
  progress_end(&export->progress);
  if (rc == ERR_INVALID)
    return call_usage(call, "%s", err->text);
  if (rc == 0)
    problem_explain(stderr, call->usage.name, &call->answer);
  int status = rc ? call_fail(call, err) : problem_status(call->answer.status);
  if (export->seq > export->first)
    fprintf(stderr, "stemedb export: not complete: go on with %s%llu%s\n",
            export->args->output ? "--append (after seq " : "--after-seq ", (unsigned long long)export->seq,
            export->args->output ? ")" : "");
  return status;
}

static int receive_all(struct export *export) {
  struct call *call = export->call;
  struct err err;
  for (;;) {
    int rc = ask(export, &err);
    if (!rc && call->answer.status == 200) {
      if (complete(export))
        return -1;
      rc = err_set(&err, ERR_BUSY, "the stream ended after entry %llu of %llu", (unsigned long long)export->seq,
                   (unsigned long long)export->last);
    }
    if (!client_pause(call->client, rc, &call->answer))
      return give_up(export, rc, &err);
  }
}

/* Where the entries go, and after which one they begin. */
static int open_output(struct export *export) {
  const struct export_args *args = export->args;
  struct err err;
  uint64_t seq = 0;
  int rc = 0;
  if (args->append && (!args->output || args->after_seq.given))
    return call_usage(export->call, "--append needs --output, and finds out by itself where to go on");
  export->seq = args->after_seq.value;
  export->fd = STDOUT_FILENO;
  if (args->append) {
    rc = export_file_append(args->output, &export->fd, &export->check, &seq, &err);
    export->checking = seq > 0;
    export->seq = seq ? seq - 1 : 0;
  } else if (args->output) {
    rc = export_file_create(args->output, &export->fd, &err);
  }
  export->first = export->seq;
  return rc ? call_fail(export->call, &err) : -1;
}

static int close_output(struct export *export, int status) {
  struct err err;
  if (export->fd == STDOUT_FILENO || export->fd < 0)
    return status;
  int wrong = fsync(export->fd) ? errno : 0;
  if (close(export->fd) && !wrong)
    wrong = errno;
  if (!wrong)
    return status;
  err_sys(&err, wrong, "%s", export->args->output);
  return call_fail(export->call, &err);
}

int tool_export(const struct tool *tool, int argc, char **argv) {
  struct export_args args = {0};
  struct call call;
  struct export export = {.call = &call, .args = &args, .fd = -1, .arena = arena_create(ENTRY_ARENA_MAX)};
  buf_init(&export.partial, ENTRY_MAX);
  buf_init(&export.check, ENTRY_MAX);
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0 && !export.arena)
    status = TOOL_FAILED;
  if (status < 0 && args.limit.given && args.limit.value == 0)
    status = call_usage(&call, "--limit is 1 or more");
  if (status < 0)
    status = open_output(&export);
  if (status < 0) {
    interrupt_hold();
    progress_begin(&export.progress, stderr, screen_of(STDERR_FILENO), "entries");
    export.progress.screen.terminal &= export.fd != STDOUT_FILENO || !call.screen.terminal;
    status = receive_all(&export);
    progress_end(&export.progress);
    status = close_output(&export, status < 0 ? TOOL_DONE : status);
  }
  buf_free(&export.partial);
  buf_free(&export.check);
  arena_free(export.arena);
  return call_end(&call, status);
}
