#include <stdio.h>
#include <unistd.h>

#include "tools/call.h"
#include "tools/import_source.h"
#include "tools/interrupt.h"
#include "tools/problem.h"
#include "tools/progress.h"

struct import_args {
  struct call_args call;
  const char *key;
  bool no_key;
};

static const struct option_spec specs[] = {
    {"key", "KEY", "Idempotency-Key; if absent, it is derived from the file", OPTION_TEXT,
     offsetof(struct import_args, key)},
    {"no-key", NULL, "store every line, also what an import of this file stored before", OPTION_FLAG,
     offsetof(struct import_args, no_key)},
};

static const struct call_command command = {
    .name = "import",
    .operands = "[FILE]",
    .text = "Stores assertions, one JSON object a line; gzip is unpacked. FILE is - or absent: standard input.\n"
            "An import that was stopped goes on when it is started again: its key knows what is stored already.\n"
            "An export is taken, too: what its assertions say is stored anew.\n"
            "Exit status 4: all was read, but lines were rejected or left out.\n",
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 60,
};

/* An import, over as many requests as it takes. */
struct import {
  struct call *call;
  struct import_source *source;
  const char *key;
  char derived[64];
  struct progress progress;
  struct table *errors;
  uint64_t accepted, duplicates, rejected, last_seq, settled;
};

static void show_progress(struct import *import) {
  struct progress_state state = {.units = import_source_lines(import->source),
                                 .done = import_source_done(import->source),
                                 .total = import_source_size(import->source),
                                 .bytes = true};
  progress_show(&import->progress, state);
}

static int read_lines(void *context, void *data, size_t size, size_t *got, struct err *err) {
  struct import *import = context;
  show_progress(import);
  return import_source_read(import->source, data, size, got, err);
}

/* Adds what an answer counts: a report, or the problem of an import that stopped in mid-way. */
static int take_report(struct import *import) {
  struct call *call = import->call;
  struct err err;
  reply_free(call->reply);
  call->reply = NULL;
  if (reply_parse(buf_span(&call->answer.body), &call->reply, &err))
    return call_fail(call, &err);
  import->accepted += reply_count(call->reply, "accepted");
  import->duplicates += reply_count(call->reply, "duplicates");
  import->rejected += reply_count(call->reply, "rejected");
  if (reply_count(call->reply, "last_seq") > import->last_seq)
    import->last_seq = reply_count(call->reply, "last_seq");
  for (size_t i = 0; i < reply_length(call->reply, "errors"); i++) {
    struct json_object *error = reply_element(call->reply, "errors", i);
    reply_cell(import->errors, error, "line");
    reply_cell(import->errors, error, "detail");
  }
  if (reply_count(call->reply, "last_line") > import->settled) {
    import->settled = reply_count(call->reply, "last_line");
    client_progress(call->client);
  }
  return -1;
}

static void say_how_to_go_on(const struct import *import) {
  if (import->settled)
    fprintf(stderr, "stemedb import: lines up to %llu are settled\n", (unsigned long long)import->settled);
  if (import->key)
    fprintf(stderr, "stemedb import: the same command goes on from there (--key %s)\n", import->key);
  else
    fputs("stemedb import: lines may be stored that this import, having no key, would store again\n", stderr);
}

static int give_up(struct import *import, int rc, const struct err *err) {
  struct call *call = import->call;
  progress_end(&import->progress);
  if (rc == ERR_INVALID)
    return call_usage(call, "%s", err->text);
  if (rc == 0 && call->args->json)
    call_print_answer(call);
  if (rc == 0)
    problem_explain(stderr, call->usage.name, &call->answer);
  int status = rc ? call_fail(call, err) : problem_status(call->answer.status);
  if (rc || import->settled || status == TOOL_UNAVAILABLE)
    say_how_to_go_on(import);
  return status;
}

/* Sends the file, again and again from where it was settled, until it is through. */
static int send_all(struct import *import) {
  struct call *call = import->call;
  struct err err;
  struct client_request request = {.method = "POST",
                                   .target = "/v1/import",
                                   .content_type = "application/x-ndjson",
                                   .key = import->key,
                                   .read = read_lines,
                                   .context = import};
  bool again = import->key && import_source_repeats(import->source);
  for (;;) {
    int rc = client_send(call->client, &request, &call->answer, &err);
    bool done = !rc && call->answer.status == 200;
    if (done || (!rc && call->answer.problem)) {
      int status = take_report(import);
      if (status >= 0 || done)
        return status;
    }
    if (!again || !client_pause(call->client, rc, &call->answer))
      return give_up(import, rc, &err);
    rc = import_source_rewind(import->source, import->settled, &err);
    if (rc)
      return give_up(import, rc, &err);
  }
}

static int show(struct import *import) {
  static const struct table_column columns[] = {{"RESULT", 0}, {"NUMBER", TABLE_RIGHT}};
  struct call *call = import->call;
  uint64_t events = import_source_events(import->source);
  struct table *table = table_create(NULL, columns, 2);
  const struct {
    const char *name;
    uint64_t count;
  } rows[] = {{"accepted", import->accepted},
              {"duplicates", import->duplicates},
              {"rejected", import->rejected},
              {"left_out", events},
              {"last_seq", import->last_seq}};
  for (size_t i = 0; table && i < sizeof(rows) / sizeof(rows[0]); i++) {
    table_add_text(table, rows[i].name);
    table_add_count(table, rows[i].count);
  }
  int status = call_print(call, table);
  if (status < 0) {
    status = call_print(call, import->errors);
    import->errors = NULL;
  }
  if (events)
    fprintf(stderr,
            "stemedb import: %llu retractions and reinstatements of the export were left out: an import takes "
            "assertions only\n",
            (unsigned long long)events);
  if (status >= 0)
    return status;
  return import->rejected || events ? TOOL_FOUND : TOOL_DONE;
}

static int find_key(struct import *import, const struct import_args *args) {
  struct err err;
  if (args->key || args->no_key || !import_source_repeats(import->source)) {
    import->key = args->key;
    return -1;
  }
  import->key = import->derived;
  int rc = import_source_key(import->source, import->derived, sizeof(import->derived), &err);
  return rc ? call_fail(import->call, &err) : -1;
}

static int run(struct import *import, const struct import_args *args) {
  static const struct table_column columns[] = {{"LINE", TABLE_RIGHT}, {"REJECTED", 0}};
  struct call *call = import->call;
  struct err err;
  const char *path = call_operand(call, 0);
  if (args->key && args->no_key)
    return call_usage(call, "--key and --no-key exclude each other");
  if (!path && isatty(STDIN_FILENO))
    return call_usage(call, "FILE is missing, and standard input is a terminal");
  if (import_source_open(path ? path : "-", &import->source, &err))
    return call_fail(call, &err);
  import->errors = table_create("error", columns, 2);
  if (!import->errors) {
    err_set(&err, ERR_NOMEM, "no memory for a table");
    return call_fail(call, &err);
  }
  int status = find_key(import, args);
  if (status >= 0)
    return status;
  interrupt_hold();
  progress_begin(&import->progress, stderr, screen_of(STDERR_FILENO), "lines");
  status = send_all(import);
  progress_end(&import->progress);
  if (status >= 0)
    return status;
  if (!call->args->json)
    return show(import);
  call_print_answer(call);
  return import->rejected || import_source_events(import->source) ? TOOL_FOUND : TOOL_DONE;
}

int tool_import(const struct tool *tool, int argc, char **argv) {
  struct import_args args = {0};
  struct call call;
  struct import import = {.call = &call};
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0)
    status = run(&import, &args);
  import_source_close(import.source);
  table_free(import.errors);
  return call_end(&call, status);
}
