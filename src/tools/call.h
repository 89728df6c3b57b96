/*
 * One run of a subcommand that speaks to a node: its options, the connection, the answer, the way of showing it. A
 * subcommand has a struct of arguments that begins with struct call_args, a table of options for the rest, and
 *
 *     int status = call_begin(&call, tool, &command, argc, argv, &args.call);
 *     if (status < 0) status = ... call_send(&call, &request) ...
 *     return call_end(&call, status);
 *
 * Functions that return a status return -1 to go on, else the exit status, having said what went wrong.
 */
#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "model/token.h"
#include "tools/client.h"
#include "tools/option.h"
#include "tools/preview.h"
#include "tools/reply.h"
#include "tools/request.h"
#include "tools/screen.h"
#include "tools/table.h"
#include "tools/tool.h"

enum { CALL_URL_MAX = 2048, CALL_TOKEN_MAX = 4096, CALL_KEY_SIZE = 48, CALL_ID_SIZE = 65 };

/* The options of all such subcommands. */
struct call_args {
  const char *url, *home, *token_file, *backup;
  struct option_count wait;
  bool json, plain;
};

/* What a subcommand takes beside them. */
struct call_command {
  const char *name, *operands, *text;
  size_t operands_least, operands_most;
  const struct option_spec *specs; /* offsets in its own struct, whose first member is a struct call_args */
  size_t spec_count;
  uint64_t wait_s; /* --wait if it is not given */
};

struct call {
  const struct tool *tool;
  const struct call_args *args;
  struct option_group groups[2];
  struct option_usage usage;
  struct option_operands operands;
  struct screen screen; /* of standard output; no terminal if --plain was given */
  struct client_settings settings;
  struct client *client;
  struct client_answer answer;
  struct json_object *reply; /* of the last answer; owned */
  struct preview preview;    /* the node of --backup */
  char url[CALL_URL_MAX];
  char token[CALL_TOKEN_MAX];
};

/* Parses the arguments, finds node and token. The call must be ended whatever it returns. `args` is zeroed by the
 * caller and outlives the call. */
int call_begin(struct call *call, const struct tool *tool, const struct call_command *command, int argc, char **argv,
               struct call_args *args);
/* Ends the call, and standard output with it; returns the status, or TOOL_FAILED if what was printed did not arrive. */
int call_end(struct call *call, int status);

/* The operand, or NULL. */
const char *call_operand(const struct call *call, size_t index);
/* Says what went wrong here, and returns the exit status that it means. */
int call_fail(const struct call *call, const struct err *err);
/* The id that a text stands for: itself, or that of the entry with this seq, which the node is asked for. -1: found. */
int call_find_id(struct call *call, const char *text, char id[CALL_ID_SIZE]);
/* A mistake in the arguments: says so, returns TOOL_USAGE. */
int call_usage(const struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sends a request. -1: a 2xx answer is in call->answer. With --json a refusal is printed as it came, too. */
int call_send(struct call *call, const struct client_request *request);
/* As call_send, and -1 means that call->reply is the parsed answer. With --json the answer was printed as it came, and
 * TOOL_DONE is returned. */
int call_ask(struct call *call, const struct client_request *request);
/* The same for a GET of a target. */
int call_get(struct call *call, const struct buf *target);
/* The same for a POST of a JSON body; `key` may be NULL, then it must be as good twice as once. */
int call_post(struct call *call, const char *target, const struct buf *body, const char *key);
/* Prints the answer as it came. */
void call_print_answer(const struct call *call);
/* Prints a table, unless it has no rows; frees it. */
int call_print(struct call *call, struct table *table);
/* Prints a title above a table, on a terminal. */
void call_title(const struct call *call, const char *text);
/* A line for people: only where standard output is a terminal. */
void call_note(const struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A fresh random Idempotency-Key, so that a call can be sent again when its answer is lost. */
void call_random_key(char key[CALL_KEY_SIZE]);

#endif
