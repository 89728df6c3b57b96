#include "tools/call.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "tools/address.h"
#include "tools/problem.h"
#include "tools/text.h"

static const struct option_spec call_specs[] = {
    {"url", "URL", "the node (else $STEMEDB_URL, HOME/instance.env, http://127.0.0.1:18180)", OPTION_TEXT,
     offsetof(struct call_args, url)},
    {"home", "DIR", "the home whose instance.env names the node", OPTION_TEXT, offsetof(struct call_args, home)},
    {"token-file", "FILE", "the file that holds the token (else $STEMEDB_TOKEN)", OPTION_TEXT,
     offsetof(struct call_args, token_file)},
    {"backup", "DIR", "ask a private copy of this backup, or of this home, whose node is stopped", OPTION_TEXT,
     offsetof(struct call_args, backup)},
    {"wait", "SECONDS", "go on trying so long while the node is unavailable", OPTION_COUNT,
     offsetof(struct call_args, wait)},
    {"json", NULL, "print the node's answer as it is", OPTION_FLAG, offsetof(struct call_args, json)},
    {"plain", NULL, "print as into a pipe: a row a line, cells separated by tabs", OPTION_FLAG,
     offsetof(struct call_args, plain)},
};

/* Starts a node over a copy of the backup, which nobody else can ask: it knows one token. */
static int open_backup(struct call *call, struct err *err) {
  token_make(call->token);
  struct preview_settings settings = {
      .source = call->args->backup, .token = call->token, .node = {.workers = 1, .small = true}};
  int rc = preview_start(&settings, &call->tool->log, &call->preview, err);
  snprintf(call->url, sizeof(call->url), "http://127.0.0.1:%" PRIu64, call->preview.api_port);
  return rc;
}

static int find_node(struct call *call, struct err *err) {
  const struct call_args *args = call->args;
  if (args->backup)
    return open_backup(call, err);
  int rc = address_find_url(args->url, args->home ? args->home : call->tool->home, call->url, sizeof(call->url), err);
  return rc ? rc : address_find_token(args->token_file, call->token, sizeof(call->token), err);
}

int call_begin(struct call *call, const struct tool *tool, const struct call_command *command, int argc, char **argv,
               struct call_args *args) {
  struct err err;
  *call = (struct call){.tool = tool, .args = args};
  client_answer_init(&call->answer);
  call->groups[0] = (struct option_group){"Options", command->specs, command->spec_count, args};
  call->groups[1] =
      (struct option_group){"Of all calls to a node", call_specs, sizeof(call_specs) / sizeof(call_specs[0]), args};
  call->usage = (struct option_usage){command->name,
                                      command->operands,
                                      command->text,
                                      command->operands_least,
                                      command->operands_most,
                                      call->groups,
                                      2};
  int status = option_parse(&call->usage, argc, argv, &call->operands, stdout, stderr);
  if (status >= 0)
    return status;
  if (args->json && args->plain)
    return call_usage(call, "--json and --plain exclude each other");
  call->screen = screen_of(STDOUT_FILENO);
  call->screen.terminal = call->screen.terminal && !args->plain;
  if (args->backup && args->url)
    return call_usage(call, "--backup and --url exclude each other");
  int rc = find_node(call, &err);
  if (rc == ERR_INVALID && !args->backup)
    return call_usage(call, "%s", err.text);
  call->settings = (struct client_settings){.url = call->url,
                                            .token = *call->token ? call->token : NULL,
                                            .wait_s = args->wait.given ? args->wait.value : command->wait_s};
  if (call->settings.wait_s > INT32_MAX)
    return call_usage(call, "--wait is longer than a life");
  if (!rc)
    rc = client_open(&call->settings, &call->client, &err);
  return rc ? call_fail(call, &err) : -1;
}

int call_end(struct call *call, int status) {
  client_close(call->client);
  preview_stop(&call->preview);
  client_answer_free(&call->answer);
  reply_free(call->reply);
  sodium_memzero(call->token, sizeof(call->token));
  if (fflush(stdout) || ferror(stdout)) {
    fprintf(stderr, "stemedb %s: cannot write to standard output\n", call->usage.name);
    return status == TOOL_DONE ? TOOL_FAILED : status;
  }
  return status;
}

const char *call_operand(const struct call *call, size_t index) {
  return index < call->operands.count ? call->operands.items[index] : NULL;
}

int call_fail(const struct call *call, const struct err *err) {
  struct buf shown;
  buf_init(&shown, sizeof(err->text) * 4);
  text_show(&shown, span_str(err->text));
  fprintf(stderr, "stemedb %s: %.*s\n", call->usage.name, (int)shown.len, (const char *)shown.data);
  buf_free(&shown);
  bool hopeless = err->code == ERR_CORRUPT || err->code == ERR_NEWER;
  return err->code == ERR_BUSY ? TOOL_UNAVAILABLE : hopeless ? TOOL_CORRUPT : TOOL_FAILED;
}

int call_find_id(struct call *call, const char *text, char id[CALL_ID_SIZE]) {
  size_t len = strlen(text);
  uint64_t seq = 0;
  struct buf target;
  struct err err;
  if (len == CALL_ID_SIZE - 1 && text[strspn(text, "0123456789abcdef")] == '\0') {
    memcpy(id, text, CALL_ID_SIZE);
    return -1;
  }
  if (len == 0 || len > 19 || text[strspn(text, "0123456789")] != '\0')
    return call_usage(call, "%s is neither an id nor a seq", text);
  seq = strtoumax(text, NULL, 10);
  target_begin(&target, "/v1/assertions");
  target_count(&target, "after_seq", (struct option_count){true, seq ? seq - 1 : 0});
  target_count(&target, "limit", (struct option_count){true, 1});
  struct client_request request = {.method = "GET", .target = (const char *)target.data, .repeatable = true};
  int status = buf_check(&target, "the request", &err) ? call_fail(call, &err) : call_send(call, &request);
  buf_free(&target);
  if (status >= 0)
    return status;
  reply_free(call->reply);
  call->reply = NULL;
  if (reply_parse(buf_span(&call->answer.body), &call->reply, &err))
    return call_fail(call, &err);
  struct json_object *entry = reply_element(call->reply, "entries", 0);
  if (reply_count(entry, "seq") != seq) {
    err_set(&err, ERR_NOTFOUND, "there is no entry with seq %s", text);
    return call_fail(call, &err);
  }
  snprintf(id, CALL_ID_SIZE, "%s", reply_text(entry, "id"));
  return -1;
}

int call_usage(const struct call *call, const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  return option_complain(&call->usage, stderr, "%s", text);
}

void call_print_answer(const struct call *call) {
  struct span body = buf_span(&call->answer.body);
  if (body.len)
    fwrite(body.data, 1, body.len, stdout);
  if (!body.len || body.data[body.len - 1] != '\n')
    fputc('\n', stdout);
}

int call_send(struct call *call, const struct client_request *request) {
  struct err err;
  if (client_send(call->client, request, &call->answer, &err))
    return err.code == ERR_INVALID ? call_usage(call, "%s", err.text) : call_fail(call, &err);
  if (call->answer.status >= 200 && call->answer.status < 300)
    return -1;
  if (call->args->json)
    call_print_answer(call);
  problem_explain(stderr, call->usage.name, &call->answer);
  return problem_status(call->answer.status);
}

int call_ask(struct call *call, const struct client_request *request) {
  struct err err;
  int status = call_send(call, request);
  if (status >= 0)
    return status;
  if (call->args->json) {
    call_print_answer(call);
    return TOOL_DONE;
  }
  reply_free(call->reply);
  call->reply = NULL;
  return reply_parse(buf_span(&call->answer.body), &call->reply, &err) ? call_fail(call, &err) : -1;
}

int call_get(struct call *call, const struct buf *target) {
  struct err err;
  struct client_request request = {.method = "GET", .target = (const char *)target->data, .repeatable = true};
  return buf_check(target, "the request", &err) ? call_fail(call, &err) : call_ask(call, &request);
}

int call_post(struct call *call, const char *target, const struct buf *body, const char *key) {
  struct err err;
  struct client_request request = {.method = "POST",
                                   .target = target,
                                   .content_type = "application/json",
                                   .body = buf_span(body),
                                   .key = key,
                                   .repeatable = true};
  return buf_check(body, "the request", &err) ? call_fail(call, &err) : call_ask(call, &request);
}

int call_print(struct call *call, struct table *table) {
  struct err err;
  int rc = 0;
  if (!table)
    rc = err_set(&err, ERR_NOMEM, "no memory for a table");
  else if (table_rows(table) > 0)
    rc = table_print(table, &call->screen, stdout, &err);
  table_free(table);
  return rc ? call_fail(call, &err) : -1;
}

void call_title(const struct call *call, const char *text) {
  if (call->screen.terminal)
    printf("\n%s\n", text);
}

void call_note(const struct call *call, const char *fmt, ...) {
  char text[4096];
  struct buf shown;
  va_list args;
  if (!call->screen.terminal)
    return;
  va_start(args, fmt);
  vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  buf_init(&shown, sizeof(text) * 4);
  text_show(&shown, span_str(text));
  fprintf(stdout, "%.*s\n", (int)shown.len, (const char *)shown.data);
  buf_free(&shown);
}

void call_random_key(char key[CALL_KEY_SIZE]) {
  unsigned char bytes[16];
  char hex[sizeof(bytes) * 2 + 1];
  randombytes_buf(bytes, sizeof(bytes));
  sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
  snprintf(key, CALL_KEY_SIZE, "stemedb-%s", hex);
}
