#include "ops/drill.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/tool.h"

enum { DEADLINE_MAX_S = 7 * 86400 };

/* stemedb-api beside this program, as in a built tree, else the installed one. */
static int find_program(char out[FILEIO_PATH_MAX], struct err *err) {
  ssize_t len = readlink("/proc/self/exe", out, FILEIO_PATH_MAX - 1);
  if (len < 0)
    return err_sys(err, errno, "cannot read /proc/self/exe");
  out[len] = '\0';
  *strrchr(out, '/') = '\0';
  char folder[FILEIO_PATH_MAX];
  memcpy(folder, out, strlen(out) + 1);
  int rc = fileio_join(out, folder, "stemedb-api", err);
  if (rc || access(out, X_OK) == 0)
    return rc;
  rc = fileio_join(out, SBINDIR, "stemedb-api", err);
  return rc || access(out, X_OK) == 0 ? rc : err_sys(err, errno, "%s", out);
}

/* What root restored the node's user could not read, nor the metrics of its node. */
static int become_owner(const char *data_dir, struct err *err) {
  struct stat st;
  if (geteuid() != 0 || stat(data_dir, &st) != 0 || st.st_uid == 0)
    return 0;
  const struct passwd *owner = getpwuid(st.st_uid);
  if (!owner || initgroups(owner->pw_name, owner->pw_gid) != 0 || setgid(owner->pw_gid) != 0 || setuid(st.st_uid) != 0)
    return err_sys(err, errno, "becoming the owner of %s", data_dir);
  return 0;
}

static bool parse_options(int argc, char **argv, struct drill_options *options) {
  static const struct option table[] = {{"backups", required_argument, NULL, 'b'},
                                        {"archive", required_argument, NULL, 'a'},
                                        {"keep", no_argument, NULL, 'k'},
                                        {"deadline", required_argument, NULL, 'd'},
                                        {0}};
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
    char *end = NULL;
    if (c == 'b')
      options->backups = optarg;
    else if (c == 'a')
      options->archive = optarg;
    else if (c == 'k')
      options->keep = true;
    else if (c != 'd' || *optarg < '0' || *optarg > '9' || !(options->deadline_s = strtoul(optarg, &end, 10)) || *end ||
             options->deadline_s > DEADLINE_MAX_S)
      return false;
  }
  return optind == argc;
}

/* The report, as it stands in the file. */
static void show(const struct drill *drill) {
  struct buf text;
  struct err ignored;
  bool found = false;
  buf_init(&text, 1 << 20);
  if (drill->report[0] && fileio_read_file(drill->report, &text, &found, &ignored) == 0 && found) {
    fwrite(text.data, 1, text.len, stdout);
    printf("report: %s\n", drill->report);
  }
  buf_free(&text);
}

int tool_drill(const struct tool *tool, int argc, char **argv) {
  struct drill_options options = {.deadline_s = DRILL_DEADLINE_S};
  struct drill drill = {.result = NULL};
  char program[FILEIO_PATH_MAX], *backups = NULL;
  struct config config;
  struct err err;
  int rc = 0;
  if (!parse_options(argc, argv, &options))
    return tool_usage(argv[0]);
  if (!(rc = config_load(&config, tool->home, &err)))
    rc = become_owner(config.data_dir, &err);
  if (!rc && options.backups && !(options.backups = backups = realpath(options.backups, NULL)))
    rc = err_sys(&err, errno, "opening the folder of backups");
  if (!options.archive && config.archive_target[0])
    options.archive = config.archive_target;
  if (!rc && !(rc = find_program(program, &err)))
    rc = drill_run(&drill, &config, &tool->log, program, &options, &err);
  show(&drill);
  drill_release(&drill);
  free(backups);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
