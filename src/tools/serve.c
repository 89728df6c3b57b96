/* stemedb serve --read-only: a node over a copy of a backup or a stopped home, until it is told to stop. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "ops/copy.h"
#include "tools/interrupt.h"
#include "tools/option.h"
#include "tools/preview.h"
#include "tools/tool.h"

enum { PORT_MAX = 65535, WORKERS_MAX = 256 };

struct serve_args {
  bool read_only;
  struct option_count port, dashboard_port, workers;
  const char *scratch, *tokens;
};

static const struct option_spec specs[] = {
    {"read-only", NULL, "required: nothing is ever stored", OPTION_FLAG, offsetof(struct serve_args, read_only)},
    {"port", "N", "of the API, on loopback (else a free one)", OPTION_COUNT, offsetof(struct serve_args, port)},
    {"dashboard-port", "N", "of the dashboard (else a free one)", OPTION_COUNT,
     offsetof(struct serve_args, dashboard_port)},
    {"workers", "N", "worker processes (else one a processor)", OPTION_COUNT, offsetof(struct serve_args, workers)},
    {"tokens", "FILE", "who may ask (else the home's; without any, every user of this machine)", OPTION_TEXT,
     offsetof(struct serve_args, tokens)},
    {"scratch", "FOLDER", "where the private copy is made (else $TMPDIR, else /var/tmp)", OPTION_TEXT,
     offsetof(struct serve_args, scratch)},
};

/* The tokens that keep others out of a home keep them out of copies of it, too. *out is the caller's; NULL: none. */
static int find_tokens(const char *named, const char *source, const char *home, char **out, struct err *err) {
  struct config config;
  struct copy copy;
  const char *path = named;
  *out = NULL;
  if (!path) {
    int rc = copy_find(source, &copy, err);
    if (rc)
      return rc;
    copy_release(&copy);
    if ((rc = config_load(&config, copy.kind == COPY_HOME && copy.home[0] ? copy.home : home, err)))
      return rc;
    path = config.tokens_file;
    if (access(path, F_OK) != 0)
      return 0;
  }
  *out = realpath(path, NULL);
  return *out ? 0 : err_sys(err, errno, "%s", path);
}

static int serve(const struct tool *tool, const struct serve_args *args, const char *source, struct err *err) {
  struct preview preview = {0};
  char *tokens = NULL;
  int rc = find_tokens(args->tokens, source, tool->home, &tokens, err);
  struct preview_settings settings = {.source = source,
                                      .parent = args->scratch,
                                      .node = {.api_port = args->port.value,
                                               .dashboard_port = args->dashboard_port.value,
                                               .workers = args->workers.value,
                                               .tokens_file = tokens}};
  if (!rc)
    rc = preview_start(&settings, &tool->log, &preview, err);
  if (!rc) {
    printf("API_URL=http://127.0.0.1:%" PRIu64 "\nDASHBOARD_URL=http://127.0.0.1:%" PRIu64 "\n", preview.api_port,
           preview.dashboard_port);
    fflush(stdout);
    interrupt_hold();
    while (!preview_over(&preview) && !interrupt_sleep(1))
      ;
    if (preview_over(&preview))
      rc = err_set(err, ERR_IO, "the node ended");
  }
  preview_stop(&preview);
  free(tokens);
  return rc;
}

int tool_serve(const struct tool *tool, int argc, char **argv) {
  struct serve_args args = {0};
  struct option_group group = {"Options", specs, sizeof(specs) / sizeof(specs[0]), &args};
  struct option_usage usage = {
      .name = "serve",
      .operands = "BACKUP|HOME",
      .text =
          "A node that only answers questions, over a private copy of a backup or of a home whose node is stopped,\n"
          "proven as a restore proves it. Nothing of BACKUP or HOME is changed. It prints its addresses when it is\n"
          "ready, and ends, leaving nothing, by SIGINT or SIGTERM.\n",
      .operands_least = 1,
      .operands_most = 1,
      .groups = &group,
      .group_count = 1};
  struct option_operands operands;
  struct err err;
  int status = option_parse(&usage, argc, argv, &operands, stdout, stderr);
  if (status >= 0)
    return status;
  if (!args.read_only)
    return option_complain(&usage, stderr, "--read-only must be given: a node that writes is stemedb-api's");
  if (args.port.value > PORT_MAX || args.dashboard_port.value > PORT_MAX || args.workers.value > WORKERS_MAX)
    return option_complain(&usage, stderr, "ports are up to %d, workers up to %d", PORT_MAX, WORKERS_MAX);
  int rc = serve(tool, &args, operands.items[0], &err);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
