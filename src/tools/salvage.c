#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/salvage.h"
#include "tools/tool.h"

static int run(const char *output, const char *const *sources, size_t count, struct salvage_result *result,
               struct err *err) {
  char partial[FILEIO_PATH_MAX], folder[FILEIO_PATH_MAX];
  struct report report;
  if (snprintf(partial, sizeof(partial), "%s.partial", output) >= (int)sizeof(partial))
    return err_set(err, ERR_INVALID, "the name of the file is too long");
  memcpy(folder, output, strlen(output) + 1);
  int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0)
    return err_sys(err, errno, "making %s", partial);
  report_open(&report, false);
  int rc = salvage_run(sources, count, dirname(folder), fd, &report, result, err);
  report_close(&report);
  if (!rc && fsync(fd))
    rc = err_sys(err, errno, "syncing %s", partial);
  close(fd);
  if (!rc && rename(partial, output))
    rc = err_sys(err, errno, "renaming %s to %s", partial, output);
  if (rc)
    unlink(partial);
  return rc;
}

int tool_salvage(const struct tool *tool, int argc, char **argv) {
  static const struct option table[] = {{"output", required_argument, NULL, 'o'}, {0}};
  const char *output = NULL;
  struct salvage_result result = {0};
  struct err err;
  for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
    if (c == 'o')
      output = optarg;
    else
      return tool_usage(argv[0]);
  if (!output)
    return tool_usage(argv[0]);
  const char *const home[] = {tool->home};
  int rc = optind < argc ? run(output, (const char *const *)argv + optind, (size_t)(argc - optind), &result, &err)
                         : run(output, home, 1, &result, &err);
  if (rc)
    return tool_fail(tool, &err);
  printf("%" PRIu64 " of %" PRIu64 " entries are in %s; missing: %" PRIu64 "; in conflict: %" PRIu64 "\n",
         result.entries, result.last_seq, output, result.missing, result.conflicts);
  return result.missing > 0 ? TOOL_FAILED : TOOL_DONE;
}
