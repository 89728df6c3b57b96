#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "tools/call.h"
#include "tools/problem.h"

struct status_args {
  struct call_args call;
};

static const struct call_command command = {
    .name = "status",
    .operands = "",
    .text = "Health, counts and watermarks of a node. Exit status 3 unless it is healthy.\n",
};

/* Every member of the answer, in its order. */
static int show(struct call *call) {
  static const struct table_column columns[] = {{"MEMBER", 0}, {"VALUE", TABLE_SHRINK}};
  struct table *table = table_create(NULL, columns, 2);
  if (table && json_object_is_type(call->reply, json_type_object)) {
    json_object_object_foreach(call->reply, name, value) {
      (void)value;
      table_add_text(table, name);
      reply_cell(table, call->reply, name);
    }
  }
  return call_print(call, table);
}

/* 503 is an answer here as well as 200: it tells the state. */
static int ask(struct call *call) {
  struct client_request request = {.method = "GET", .target = "/v1/health", .repeatable = true};
  struct err err;
  if (client_send(call->client, &request, &call->answer, &err))
    return err.code == ERR_INVALID ? call_usage(call, "%s", err.text) : call_fail(call, &err);
  bool health = call->answer.status == 200 || (call->answer.status == 503 && !call->answer.problem);
  if (call->args->json)
    call_print_answer(call);
  if (!health)
    problem_explain(stderr, call->usage.name, &call->answer);
  else if (!call->args->json && reply_parse(buf_span(&call->answer.body), &call->reply, &err))
    return call_fail(call, &err);
  else if (!call->args->json) {
    int status = show(call);
    if (status >= 0)
      return status;
  }
  return problem_status(call->answer.status);
}

int tool_status(const struct tool *tool, int argc, char **argv) {
  struct status_args args = {0};
  struct call call;
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0)
    status = ask(&call);
  return call_end(&call, status);
}
