#include <stdio.h>
#include <unistd.h>

#include "tools/call.h"

struct retract_args {
  struct call_args call;
  const char *concept, *batch, *predicate, *source, *reason, *lens, *key;
  struct option_list ids;
  struct option_count from_seq, to_seq;
  bool cascade, dry_run, yes;
};

static const struct option_spec specs[] = {
    {"concept", "CONCEPT", "what is asserted about exactly this concept", OPTION_TEXT,
     offsetof(struct retract_args, concept)},
    {"id", "ID|SEQ", "this assertion; may be repeated", OPTION_LIST, offsetof(struct retract_args, ids)},
    {"batch", "BATCH", "what came in with this call", OPTION_TEXT, offsetof(struct retract_args, batch)},
    {"predicate", "NAME", "of these only this predicate", OPTION_TEXT, offsetof(struct retract_args, predicate)},
    {"source", "CONCEPT", "only what this source says; alone: all that it says", OPTION_TEXT,
     offsetof(struct retract_args, source)},
    {"from-seq", "SEQ", "only from this entry on", OPTION_COUNT, offsetof(struct retract_args, from_seq)},
    {"to-seq", "SEQ", "only up to this entry", OPTION_COUNT, offsetof(struct retract_args, to_seq)},
    {"cascade", NULL, "also what --concept says as a source, and all that rests on what is retracted", OPTION_FLAG,
     offsetof(struct retract_args, cascade)},
    {"reason", "TEXT", "why; must be given", OPTION_TEXT, offsetof(struct retract_args, reason)},
    {"dry-run", NULL, "change nothing: show how much it would cover, and what would be believed instead", OPTION_FLAG,
     offsetof(struct retract_args, dry_run)},
    {"lens", "LENS", "by which that is believed", OPTION_TEXT, offsetof(struct retract_args, lens)},
    {"yes", NULL, "do not ask", OPTION_FLAG, offsetof(struct retract_args, yes)},
    {"key", "KEY", "Idempotency-Key; a random one if absent", OPTION_TEXT, offsetof(struct retract_args, key)},
};

static const struct call_command command = {
    .name = "retract",
    .operands = "",
    .text = "Takes assertions back: they stay in the history, and are believed no more. On a terminal it shows what\n"
            "would change, and asks. The command reinstate undoes it.\n",
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static void make_body(const struct retract_args *args, const struct option_list *ids, bool dry_run, struct buf *body) {
  request_begin(body);
  request_text(body, "concept_path", args->concept);
  request_texts(body, "ids", ids);
  request_text(body, "batch", args->batch);
  request_text(body, "predicate", args->predicate);
  request_text(body, "source", args->source);
  request_count(body, "from_seq", args->from_seq);
  request_count(body, "to_seq", args->to_seq);
  request_flag(body, "cascade", args->cascade);
  request_text(body, "reason", args->reason);
  request_flag(body, "dry_run", dry_run);
  request_end(body);
}

/* --- what is shown --- */

static int show_members(struct call *call, const char *const *members, size_t count) {
  static const struct table_column columns[] = {{"RESULT", 0}, {"VALUE", 0}};
  struct table *table = table_create(NULL, columns, 2);
  for (size_t i = 0; table && i < count; i++) {
    if (!reply_member(call->reply, members[i]))
      continue;
    table_add_text(table, members[i]);
    reply_cell(table, call->reply, members[i]);
  }
  return call_print(call, table);
}

static int show_flips(struct call *call) {
  static const struct table_column columns[] = {
      {"CONCEPT", TABLE_SHRINK}, {"PREDICATE", TABLE_SHRINK}, {"BELIEVED", TABLE_SHRINK}, {"THEN", TABLE_SHRINK}};
  size_t count = reply_length(call->reply, "flips");
  struct table *table = table_create("flip", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < count; i++) {
    struct json_object *flip = reply_element(call->reply, "flips", i);
    reply_cell(table, flip, "concept_path");
    reply_cell(table, flip, "predicate");
    reply_cell_belief(table, reply_member(flip, "before"));
    reply_cell_belief(table, reply_member(flip, "after"));
  }
  if (count)
    call_title(call, "What is believed would change:");
  int status = call_print(call, table);
  if (count == 0)
    call_note(call, "Nothing that is believed would change.");
  if (reply_is_false(call->reply, "complete"))
    call_note(call, "There is more.");
  return status;
}

static int show_dry_run(struct call *call) {
  static const char *const members[] = {"retracted_count", "cascaded_count", "lens", "topics", "complete"};
  int status = show_members(call, members, sizeof(members) / sizeof(members[0]));
  return status < 0 ? show_flips(call) : status;
}

static int show(struct call *call) {
  static const char *const members[] = {"retraction_id", "seq", "timestamp", "retracted_count", "cascaded_count"};
  int status = show_members(call, members, sizeof(members) / sizeof(members[0]));
  if (status < 0)
    call_note(call, "To undo it: stemedb reinstate %llu --reason ...",
              (unsigned long long)reply_count(call->reply, "seq"));
  return status < 0 ? TOOL_DONE : status;
}

/* --- what is asked --- */

static int dry_run(struct call *call, const struct retract_args *args, const struct option_list *ids) {
  struct buf body, target;
  make_body(args, ids, true, &body);
  target_begin(&target, "/v1/retract");
  target_text(&target, "lens", args->lens);
  int status = call_post(call, (const char *)target.data, &body, NULL);
  buf_free(&body);
  buf_free(&target);
  return status < 0 ? show_dry_run(call) : status;
}

/* Asks on the terminal; -1: yes. */
static int confirm(void) {
  char answer[16] = "";
  fflush(stdout);
  fputs("Retract them? [y/N] ", stderr);
  if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
    return -1;
  fputs("Nothing was changed.\n", stderr);
  return TOOL_FAILED;
}

static int retract(struct call *call, const struct retract_args *args) {
  struct option_list ids = {.count = args->ids.count};
  char found[OPTION_LIST_MAX][CALL_ID_SIZE], key[CALL_KEY_SIZE];
  struct buf body;
  int status = -1;
  for (size_t i = 0; status < 0 && i < ids.count; i++) {
    status = call_find_id(call, args->ids.items[i], found[i]);
    ids.items[i] = found[i];
  }
  if (status < 0 && args->dry_run) {
    status = dry_run(call, args, &ids);
    return status < 0 ? TOOL_DONE : status;
  }
  bool ask = !args->yes && isatty(STDIN_FILENO);
  if (status < 0 && ask && !args->call.json)
    status = dry_run(call, args, &ids);
  if (status < 0 && ask)
    status = confirm();
  if (status >= 0)
    return status;
  call_random_key(key);
  make_body(args, &ids, false, &body);
  status = call_post(call, "/v1/retract", &body, args->key ? args->key : key);
  buf_free(&body);
  return status < 0 ? show(call) : status;
}

int tool_retract(const struct tool *tool, int argc, char **argv) {
  struct retract_args args = {0};
  struct call call;
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0 && !args.reason)
    status = call_usage(&call, "--reason is needed");
  if (status < 0)
    status = retract(&call, &args);
  return call_end(&call, status);
}
