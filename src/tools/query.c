#include "tools/query_show.h"

#include <stdio.h>
#include <string.h>

#include "tools/pages.h"

struct query_args {
  struct call_args call;
  bool subtree, decay, include_retracted, anonymous, aliases, explain;
  const char *predicate, *source, *lens, *as_of, *valid_at, *min_confidence;
  struct pages_args pages;
  struct option_list exclude_source, trust;
};

static const struct option_spec specs[] = {
    {"subtree", NULL, "the concept and all below it", OPTION_FLAG, offsetof(struct query_args, subtree)},
    {"predicate", "NAME", "only this predicate", OPTION_TEXT, offsetof(struct query_args, predicate)},
    {"source", "CONCEPT", "only what this source says", OPTION_TEXT, offsetof(struct query_args, source)},
    {"anonymous", NULL, "only what nobody is named for", OPTION_FLAG, offsetof(struct query_args, anonymous)},
    {"lens", "LENS", "recency, confidence, authority, consensus, skeptic, layered or timeline", OPTION_TEXT,
     offsetof(struct query_args, lens)},
    {"as-of", "MOMENT", "a seq or an RFC 3339 time", OPTION_TEXT, offsetof(struct query_args, as_of)},
    {"valid-at", "TIME", "only what holds in the world then", OPTION_TEXT, offsetof(struct query_args, valid_at)},
    {"decay", NULL, "let confidence fade with age", OPTION_FLAG, offsetof(struct query_args, decay)},
    {"min-confidence", "NUMBER", "only what is at least so sure", OPTION_NUMBER,
     offsetof(struct query_args, min_confidence)},
    {"include-retracted", NULL, "show what was retracted, too", OPTION_FLAG,
     offsetof(struct query_args, include_retracted)},
    {"exclude-source", "CONCEPT", "leave this source out; may be repeated", OPTION_LIST,
     offsetof(struct query_args, exclude_source)},
    {"trust", "CONCEPT=NUMBER", "take this as the trust of a source; may be repeated", OPTION_LIST,
     offsetof(struct query_args, trust)},
    {"aliases", NULL, "answer for all paths that mean the same", OPTION_FLAG, offsetof(struct query_args, aliases)},
    {"explain", NULL, "tell what was considered, and how it weighs", OPTION_FLAG, offsetof(struct query_args, explain)},
    PAGES_OPTIONS(struct query_args, "assertions"),
};

static const struct call_command command = {
    .name = "query",
    .operands = "CONCEPT",
    .text = "What is asserted about a concept, and what a lens believes.\n",
    .operands_least = 1,
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

/* {"source/a": 0.5, ...} from "source/a=0.5". */
static int make_trust(struct call *call, const struct option_list *trust, struct buf *out) {
  request_begin(out);
  for (size_t i = 0; i < trust->count; i++) {
    const char *item = trust->items[i], *equals = strrchr(item, '='), *reason;
    size_t offset;
    char source[1100];
    if (!equals || (size_t)(equals - item) >= sizeof(source))
      return call_usage(call, "--trust: %s is not CONCEPT=NUMBER", item);
    if (!request_is_json(equals + 1, &reason, &offset))
      return call_usage(call, "--trust: %s is no number", equals + 1);
    memcpy(source, item, (size_t)(equals - item));
    source[equals - item] = '\0';
    request_raw(out, source, equals + 1);
  }
  request_end(out);
  buf_add_byte(out, '\0');
  return -1;
}

static int make_body(struct call *call, const struct query_args *args, const char *cursor, struct buf *body) {
  struct buf trust;
  request_begin(body);
  int status = make_trust(call, &args->trust, &trust);
  if (status >= 0) {
    buf_free(&trust);
    return status;
  }
  request_text(body, "concept_path", call_operand(call, 0));
  request_text(body, "match", args->subtree ? "subtree" : NULL);
  request_text(body, "predicate", args->predicate);
  request_text(body, "source", args->source);
  request_raw(body, "source", args->anonymous ? "null" : NULL);
  request_text(body, "lens", args->lens);
  request_moment(body, "as_of", args->as_of);
  request_text(body, "valid_at", args->valid_at);
  request_flag(body, "decay", args->decay);
  request_raw(body, "min_confidence", args->min_confidence);
  request_flag(body, "include_retracted", args->include_retracted);
  request_texts(body, "exclude_sources", &args->exclude_source);
  if (args->trust.count)
    request_raw(body, "trust_override", trust.data ? (const char *)trust.data : NULL);
  request_flag(body, "aliases", args->aliases);
  request_flag(body, "explain", args->explain);
  request_count(body, "limit", args->pages.limit);
  request_text(body, "cursor", cursor);
  request_end(body);
  buf_free(&trust);
  return status;
}

static int ask_page(struct call *call, const char *cursor, void *context) {
  struct buf body;
  int status = make_body(call, context, cursor, &body);
  if (status < 0)
    status = call_post(call, "/v1/query", &body, NULL);
  buf_free(&body);
  return status < 0 ? query_show(call) : status;
}

int tool_query(const struct tool *tool, int argc, char **argv) {
  struct query_args args = {0};
  struct call call;
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0 && args.source && args.anonymous)
    status = call_usage(&call, "--source and --anonymous exclude each other");
  if (status < 0)
    status = pages_run(&call, &args.pages, ask_page, &args);
  return call_end(&call, status);
}
