#include "tools/pages.h"

struct diff_args {
  struct call_args call;
  struct pages_args pages;
  const char *concept, *lens;
  bool found; /* a change, on any page */
};

static const struct option_spec specs[] = {
    {"concept", "CONCEPT", "only of this concept and all below it", OPTION_TEXT, offsetof(struct diff_args, concept)},
    {"lens", "LENS", "by which it is believed; recency if absent", OPTION_TEXT, offsetof(struct diff_args, lens)},
    PAGES_OPTIONS(struct diff_args, "changes"),
};

static const struct call_command command = {
    .name = "diff",
    .operands = "FROM [TO]",
    .text = "What is believed otherwise as of two moments, each a seq or an RFC 3339 time; TO is now if it is absent.\n"
            "Exit status 4 if anything is.\n",
    .operands_least = 1,
    .operands_most = 2,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

/* What brought it about: "assertion 12, setting source/a stemedb.trust". */
static void add_causes(struct table *table, struct json_object *change) {
  struct buf text;
  buf_init(&text, REPLY_CELL_MAX);
  for (size_t i = 0; i < reply_length(change, "causes"); i++) {
    struct json_object *cause = reply_element(change, "causes", i);
    const char *const members[] = {"kind", "concept_path", "predicate", "seq"};
    buf_add_str(&text, i ? ", " : "");
    for (size_t j = 0; j < sizeof(members) / sizeof(members[0]); j++) {
      struct json_object *member = reply_member(cause, members[j]);
      if (!member)
        continue;
      buf_add_str(&text, j ? " " : "");
      reply_show(&text, member);
    }
  }
  table_add(table, buf_span(&text));
  buf_free(&text);
}

static int show(struct call *call) {
  static const struct table_column columns[] = {
      {"CONCEPT", TABLE_SHRINK}, {"PREDICATE", TABLE_SHRINK}, {"BEFORE", TABLE_SHRINK}, {"CONFIDENCE", TABLE_RIGHT},
      {"AFTER", TABLE_SHRINK},   {"CONFIDENCE", TABLE_RIGHT}, {"BY", TABLE_SHRINK},
  };
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "changes"); i++) {
    struct json_object *change = reply_element(call->reply, "changes", i);
    reply_cell(table, change, "concept_path");
    reply_cell(table, change, "predicate");
    reply_cell_belief(table, reply_member(change, "before"));
    reply_cell_ratio(table, &call->screen, reply_member(change, "before"), "confidence");
    reply_cell_belief(table, reply_member(change, "after"));
    reply_cell_ratio(table, &call->screen, reply_member(change, "after"), "confidence");
    add_causes(table, change);
  }
  return call_print(call, table);
}

/* Whether the page has a change, of an answer that was printed with --json too. A page may be empty and not the last.
 */
static int look(struct call *call, struct diff_args *args) {
  struct json_object *reply = NULL;
  struct err err;
  if (reply_parse(buf_span(&call->answer.body), &reply, &err))
    return call_fail(call, &err);
  args->found = args->found || reply_length(reply, "changes") > 0;
  reply_free(reply);
  return -1;
}

static int ask(struct call *call, const char *cursor, void *context) {
  struct diff_args *args = context;
  struct buf target;
  target_begin(&target, "/v1/diff");
  target_text(&target, "from", call_operand(call, 0));
  target_text(&target, "to", call_operand(call, 1));
  target_text(&target, "prefix", args->concept);
  target_text(&target, "lens", args->lens);
  target_count(&target, "limit", args->pages.limit);
  target_text(&target, "cursor", cursor);
  int status = call_get(call, &target);
  buf_free(&target);
  if (status > TOOL_DONE)
    return status;
  int looked = look(call, args);
  if (looked < 0 && status < 0)
    looked = show(call);
  return looked < 0 ? TOOL_DONE : looked;
}

int tool_diff(const struct tool *tool, int argc, char **argv) {
  struct diff_args args = {0};
  struct call call;
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0) {
    status = pages_run(&call, &args.pages, ask, &args);
    if (status == TOOL_DONE && args.found)
      status = TOOL_FOUND;
    else if (status == TOOL_DONE)
      call_note(&call, "Nothing is believed otherwise.");
  }
  return call_end(&call, status);
}
