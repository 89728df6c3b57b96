#include <stdio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "tools/call.h"

enum { BODY_MAX = 16 << 20 };

struct assert_args {
  struct call_args call;
  const char *confidence, *source, *observed_at, *valid_from, *valid_to, *key, *file;
  struct option_list derived_from;
  bool string;
};

static const struct option_spec specs[] = {
    {"string", NULL, "VALUE is text, not JSON", OPTION_FLAG, offsetof(struct assert_args, string)},
    {"confidence", "NUMBER", "from 0 to 1; 1 if absent", OPTION_NUMBER, offsetof(struct assert_args, confidence)},
    {"source", "CONCEPT", "who says so; nobody if absent", OPTION_TEXT, offsetof(struct assert_args, source)},
    {"derived-from", "ID", "what it rests on; may be repeated", OPTION_LIST,
     offsetof(struct assert_args, derived_from)},
    {"observed-at", "TIME", "when the source observed it (RFC 3339)", OPTION_TEXT,
     offsetof(struct assert_args, observed_at)},
    {"valid-from", "TIME", "when it begins to hold in the world", OPTION_TEXT,
     offsetof(struct assert_args, valid_from)},
    {"valid-to", "TIME", "when it ceases to hold", OPTION_TEXT, offsetof(struct assert_args, valid_to)},
    {"file", "FILE", "send this object or array of objects instead; - is standard input", OPTION_TEXT,
     offsetof(struct assert_args, file)},
    {"key", "KEY", "Idempotency-Key; a random one if absent", OPTION_TEXT, offsetof(struct assert_args, key)},
};

static const struct call_command command = {
    .name = "assert",
    .operands = "CONCEPT PREDICATE VALUE",
    .text = "Stores what a source says about a concept. VALUE is JSON: '\"57\"' is a text, 57 a number.\n",
    .operands_most = 3,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static int read_body(struct call *call, const char *file, struct buf *body) {
  struct err err;
  bool found = true;
  int rc = fileio_read_file(strcmp(file, "-") == 0 ? "/dev/stdin" : file, body, &found, &err);
  if (!rc && !found)
    rc = err_set(&err, ERR_INVALID, "there is no file %s", file);
  return rc ? call_fail(call, &err) : -1;
}

static int make_body(struct call *call, const struct assert_args *args, struct buf *body) {
  const char *value = call_operand(call, 2), *reason;
  size_t offset;
  if (!value)
    return call_usage(call, "CONCEPT PREDICATE VALUE, or --file, is needed");
  if (!args->string && !request_is_json(value, &reason, &offset))
    return call_usage(call, "VALUE is not JSON (%s at byte %zu); --string stores it as text", reason, offset);
  request_begin(body);
  request_text(body, "concept_path", call_operand(call, 0));
  request_text(body, "predicate", call_operand(call, 1));
  if (args->string)
    request_text(body, "value", value);
  else
    request_raw(body, "value", value);
  request_raw(body, "confidence", args->confidence);
  request_text(body, "source", args->source);
  request_texts(body, "derived_from", &args->derived_from);
  request_text(body, "observed_at", args->observed_at);
  request_text(body, "valid_from", args->valid_from);
  request_text(body, "valid_to", args->valid_to);
  request_end(body);
  return -1;
}

static void add_row(struct table *table, struct json_object *stored) {
  reply_cell(table, stored, "seq");
  reply_cell(table, stored, "timestamp");
  reply_cell(table, stored, "id");
}

static int show(struct call *call) {
  static const struct table_column columns[] = {{"SEQ", TABLE_RIGHT}, {"TIMESTAMP", 0}, {"ID", 0}};
  struct table *table = table_create(NULL, columns, 3);
  if (table && !reply_member(call->reply, "assertions"))
    add_row(table, call->reply);
  for (size_t i = 0; table && i < reply_length(call->reply, "assertions"); i++)
    add_row(table, reply_element(call->reply, "assertions", i));
  int status = call_print(call, table);
  if (status < 0 && reply_member(call->reply, "batch"))
    call_note(call, "batch %s", reply_text(call->reply, "batch"));
  return status < 0 ? TOOL_DONE : status;
}

int tool_assert(const struct tool *tool, int argc, char **argv) {
  struct assert_args args = {0};
  struct call call;
  struct buf body;
  char key[CALL_KEY_SIZE];
  buf_init(&body, BODY_MAX);
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0 && args.file && call.operands.count > 0)
    status = call_usage(&call, "--file takes the place of CONCEPT PREDICATE VALUE");
  if (status < 0)
    status = args.file ? read_body(&call, args.file, &body) : make_body(&call, &args, &body);
  call_random_key(key);
  if (status < 0)
    status = call_post(&call, "/v1/assert", &body, args.key ? args.key : key);
  if (status < 0)
    status = show(&call);
  buf_free(&body);
  return call_end(&call, status);
}
