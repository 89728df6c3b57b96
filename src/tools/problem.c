#include "tools/problem.h"

#include <json-c/json.h>
#include <string.h>

#include "tools/reply.h"
#include "tools/text.h"
#include "tools/tool.h"

enum { PROBLEM_MAX = 64 << 20 };

int problem_status(long status) {
  if (status >= 200 && status < 300)
    return TOOL_DONE;
  return status == 429 || (status >= 500 && status != 501) ? TOOL_UNAVAILABLE : TOOL_FAILED;
}

static void show_text(struct buf *out, const char *text) {
  text_show(out, span_str(text));
}

static void show_fields(struct buf *out, struct json_object *problem) {
  for (size_t i = 0; i < reply_length(problem, "errors"); i++) {
    struct json_object *error = reply_element(problem, "errors", i);
    uint64_t line = reply_count(error, "line");
    if (line)
      buf_addf(out, "  line %llu: ", (unsigned long long)line);
    else
      buf_add_str(out, "  ");
    show_text(out, reply_text(error, "pointer"));
    buf_add_str(out, *reply_text(error, "pointer") ? " " : "");
    show_text(out, reply_text(error, "detail"));
    buf_add_byte(out, '\n');
  }
}

/* Members that RFC 9457 does not know and that were not shown above. */
static void show_others(struct buf *out, struct json_object *problem) {
  static const char *const known[] = {"type", "title", "status", "detail", "errors", "instance", "offset"};
  struct buf value;
  buf_init(&value, PROBLEM_MAX);
  json_object_object_foreach(problem, name, member) {
    bool shown = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
      shown = shown || strcmp(name, known[i]) == 0;
    if (shown)
      continue;
    buf_reset(&value);
    reply_show(&value, member);
    buf_add_str(out, "  ");
    show_text(out, name);
    buf_add_str(out, ": ");
    text_show(out, buf_span(&value));
    buf_add_byte(out, '\n');
  }
  buf_free(&value);
}

void problem_explain(FILE *out, const char *name, const struct client_answer *answer) {
  struct json_object *problem = NULL;
  struct buf text;
  struct err err;
  buf_init(&text, PROBLEM_MAX);
  if (!answer->problem || reply_parse(buf_span(&answer->body), &problem, &err) ||
      !json_object_is_type(problem, json_type_object)) {
    fprintf(out, "stemedb %s: status %ld, without an explanation: is this the address of a node?\n", name,
            answer->status);
  } else {
    show_text(&text, reply_text(problem, "detail"));
    if (*reply_text(problem, "title")) {
      buf_addf(&text, " (%ld ", answer->status);
      show_text(&text, reply_text(problem, "title"));
      buf_add_byte(&text, ')');
    }
    buf_add_byte(&text, '\n');
    show_fields(&text, problem);
    show_others(&text, problem);
    fprintf(out, "stemedb %s: ", name);
    fwrite(text.data, 1, text.len, out);
  }
  json_object_put(problem);
  buf_free(&text);
}
