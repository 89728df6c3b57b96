#include "tools/call.h"

struct reinstate_args {
  struct call_args call;
  const char *reason, *key;
};

static const struct option_spec specs[] = {
    {"reason", "TEXT", "why; must be given", OPTION_TEXT, offsetof(struct reinstate_args, reason)},
    {"key", "KEY", "Idempotency-Key; a random one if absent", OPTION_TEXT, offsetof(struct reinstate_args, key)},
};

static const struct call_command command = {
    .name = "reinstate",
    .operands = "ID|SEQ",
    .text = "Undoes a retraction, named by its id or its seq. What others cover, too, stays retracted.\n",
    .operands_least = 1,
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static int show(struct call *call) {
  static const struct table_column columns[] = {{"RESULT", 0}, {"VALUE", 0}};
  static const char *const members[] = {"reinstatement_id", "retraction_id", "seq", "timestamp", "reinstated_count"};
  struct table *table = table_create(NULL, columns, 2);
  for (size_t i = 0; table && i < sizeof(members) / sizeof(members[0]); i++) {
    table_add_text(table, members[i]);
    reply_cell(table, call->reply, members[i]);
  }
  int status = call_print(call, table);
  return status < 0 ? TOOL_DONE : status;
}

static int ask(struct call *call, const struct reinstate_args *args) {
  struct buf body;
  char id[CALL_ID_SIZE], key[CALL_KEY_SIZE];
  int status = call_find_id(call, call_operand(call, 0), id);
  if (status >= 0)
    return status;
  call_random_key(key);
  request_begin(&body);
  request_text(&body, "retraction_id", id);
  request_text(&body, "reason", args->reason);
  request_end(&body);
  status = call_post(call, "/v1/reinstate", &body, args->key ? args->key : key);
  buf_free(&body);
  return status < 0 ? show(call) : status;
}

int tool_reinstate(const struct tool *tool, int argc, char **argv) {
  struct reinstate_args args = {0};
  struct call call;
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0 && !args.reason)
    status = call_usage(&call, "--reason is needed");
  if (status < 0)
    status = ask(&call, &args);
  return call_end(&call, status);
}
