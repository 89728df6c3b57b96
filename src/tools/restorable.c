#include "ops/restorable.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "model/json.h"
#include "model/timestamp.h"
#include "tools/tool.h"

enum { OUTPUT_MAX = 16 << 20 };

struct wish {
  const char *backups, *archive;
  bool json;
};

static bool read_options(int argc, char **argv, struct wish *out) {
  static const struct option options[] = {{"backups", required_argument, NULL, 'b'},
                                          {"archive", required_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {0}};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
    switch (c) {
    case 'b': out->backups = optarg; break;
    case 'a': out->archive = optarg; break;
    case 'j': out->json = true; break;
    default: return false;
    }
  return optind == argc;
}

static void show_text(const struct restorable *found, const struct wish *wish, struct buf *out) {
  char oldest[TIMESTAMP_SIZE], newest[TIMESTAMP_SIZE];
  for (size_t i = 0; i < found->count; i++) {
    const struct restorable_window *w = &found->windows[i];
    timestamp_format((int64_t)w->oldest_us, oldest);
    timestamp_format((int64_t)w->newest_us, newest);
    buf_addf(out, "%s\n", w->history);
    if (w->newest_seq == 0)
      buf_add_str(out, "  no entries\n");
    else
      buf_addf(out, "  from entry 1, of %s\n  to entry %" PRIu64 ", of %s\n", oldest, w->newest_seq, newest);
    buf_addf(out, "  backup: %s (to entry %" PRIu64 ")%s%s\n", w->backup, w->backup_seq,
             w->newest_seq > w->backup_seq ? ", then " : "", w->newest_seq > w->backup_seq ? wish->archive : "");
    buf_addf(out, "  not further: %s\n", w->why);
  }
  if (found->count == 0)
    buf_add_str(out, "nothing can be restored\n");
}

static void add_moment(struct buf *out, const char *name, uint64_t seq, uint64_t time_us) {
  char time[TIMESTAMP_SIZE];
  timestamp_format((int64_t)time_us, time);
  if (seq == 0)
    buf_addf(out, ",\"%s\":null", name);
  else
    buf_addf(out, ",\"%s\":{\"seq\":%" PRIu64 ",\"timestamp\":\"%s\"}", name, seq, time);
}

static void show_json(const struct restorable *found, struct buf *out) {
  buf_add_str(out, "{\"windows\":[");
  for (size_t i = 0; i < found->count; i++) {
    const struct restorable_window *w = &found->windows[i];
    buf_addf(out, "%s{\"history\":\"%s\",\"timeline\":%" PRIu32 ",\"backup\":\"%s\",\"backup_seq\":%" PRIu64,
             i ? "," : "", w->history, w->timeline, w->backup, w->backup_seq);
    add_moment(out, "oldest", w->newest_seq > 0 ? 1 : 0, w->oldest_us);
    add_moment(out, "newest", w->newest_seq, w->newest_us);
    buf_addf(out, ",\"broken\":%s,\"not_further\":", w->broken ? "true" : "false");
    json_quote(out, span_str(w->why));
    buf_add_byte(out, '}');
  }
  buf_addf(out, "],\"unusable\":%zu}\n", found->unusable);
}

static int show(const struct restorable *found, const struct wish *wish, struct err *err) {
  struct buf text;
  buf_init(&text, OUTPUT_MAX);
  if (wish->json)
    show_json(found, &text);
  else
    show_text(found, wish, &text);
  int rc = buf_check(&text, "what can be restored", err);
  if (!rc)
    rc = fileio_write(STDOUT_FILENO, text.data, text.len, err);
  buf_free(&text);
  return rc;
}

static int status_of(const struct restorable *found) {
  bool flawed = found->unusable > 0;
  for (size_t i = 0; i < found->count; i++)
    flawed = flawed || found->windows[i].broken;
  return found->count == 0 ? TOOL_CORRUPT : flawed ? TOOL_FOUND : TOOL_DONE;
}

int tool_restorable(const struct tool *tool, int argc, char **argv) {
  struct wish wish = {.json = false};
  struct restorable found = {.windows = NULL};
  struct config config;
  struct err err;
  if (!read_options(argc, argv, &wish))
    return tool_usage(argv[0]);
  int rc = config_load(&config, tool->home, &err);
  if (!rc && !wish.archive && config.archive_target[0])
    wish.archive = config.archive_target;
  if (!rc)
    rc = restorable_find(&config, &tool->log, wish.backups ? wish.backups : config.backup_dir, wish.archive, &found,
                         &err);
  if (!rc)
    rc = show(&found, &wish, &err);
  int status = status_of(&found);
  restorable_free(&found);
  return rc ? tool_fail(tool, &err) : status;
}
