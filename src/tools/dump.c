#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/dump_make.h"
#include "tools/tool.h"

static int run(const char *path, int fd, uint64_t *entries, struct err *err) {
  struct report report;
  report_open(&report, false);
  report.out = stderr; /* standard output may be the dump */
  int rc = dump_make(path, fd, &report, entries, err);
  report_close(&report);
  return rc;
}

/* Into a file beside `output`, which gets its name when it is complete. */
static int run_to_file(const char *path, const char *output, uint64_t *entries, struct err *err) {
  char partial[FILEIO_PATH_MAX];
  if (snprintf(partial, sizeof(partial), "%s.partial", output) >= (int)sizeof(partial))
    return err_set(err, ERR_INVALID, "the name of the file is too long");
  int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0)
    return err_sys(err, errno, "making %s", partial);
  int rc = run(path, fd, entries, err);
  if (!rc && fsync(fd))
    rc = err_sys(err, errno, "syncing %s", partial);
  close(fd);
  if (!rc && rename(partial, output))
    rc = err_sys(err, errno, "renaming %s to %s", partial, output);
  if (rc)
    unlink(partial);
  return rc;
}

int tool_dump(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {{"output", required_argument, NULL, 'o'}, {0}};
  const char *output = NULL;
  struct err err;
  uint64_t entries = 0;
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    if (c == 'o')
      output = optarg;
    else
      return tool_usage(argv[0]);
  if (argc - optind > 1)
    return tool_usage(argv[0]);
  const char *path = optind < argc ? argv[optind] : tool->home;
  int rc = output ? run_to_file(path, output, &entries, &err) : run(path, STDOUT_FILENO, &entries, &err);
  if (rc)
    return tool_fail(tool, &err);
  fprintf(stderr, "%" PRIu64 " entries\n", entries);
  return TOOL_DONE;
}
