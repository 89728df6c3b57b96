#include "ops/rclone.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fileio.h"

enum { EXIT_EXEC_FAILED = 127, EXIT_NO_FOLDER = 3, EXIT_NO_FILE = 4, BLOCK = 1 << 16, WORDS_MAX = 64 << 10 };

/* One attempt at a time: whoever called tries again, with back-off, and knows better when. */
static const char *const settings[] = {"--contimeout=10s",      "--timeout=30s", "--retries=1",
                                       "--low-level-retries=2", "--stats=0",     "--ask-password=false"};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

/* What its three descriptors become: a pipe's end or none, and files in memory, so that nobody waits for a reader. */
struct ends {
  int input[2], output, words;
};

static _Noreturn void become(const char *config, const char *const *arguments, const struct ends *ends, pid_t parent) {
  const char *argv[RCLONE_ARGUMENTS + SETTINGS + 2] = {"rclone"};
  size_t n = 1;
  sigset_t none;
  for (size_t i = 0; i < SETTINGS; i++)
    argv[n++] = settings[i];
  while (*arguments)
    argv[n++] = *arguments++;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
      (*config && setenv("RCLONE_CONFIG", config, 1) != 0))
    _exit(EXIT_EXEC_FAILED);
  if (ends->input[0] >= 0)
    dup2(ends->input[0], STDIN_FILENO);
  else
    close(STDIN_FILENO);
  dup2(ends->output, STDOUT_FILENO);
  dup2(ends->words, STDERR_FILENO);
  execvp(argv[0], (char *const *)argv);
  _exit(EXIT_EXEC_FAILED);
}

/* Writes the input into the pipe; that it is closed at the other end is no error here, its exit status will tell. */
static int feed(int pipe_fd, const struct rclone_input *input, struct err *err) {
  unsigned char *block = malloc(BLOCK);
  uint64_t at = 0;
  int rc = block ? 0 : err_set(err, ERR_NOMEM, "no memory to archive a file");
  while (!rc && at < input->length) {
    size_t want = input->length - at < BLOCK ? (size_t)(input->length - at) : BLOCK, got = 0;
    rc = fileio_pread(input->fd, block, want, at, &got, err);
    if (!rc && got < want)
      rc = err_set(err, ERR_CORRUPT, "a file became shorter while it was archived");
    if (!rc && (rc = fileio_write(pipe_fd, block, want, err)) != 0 && err->sys == EPIPE) {
      rc = 0;
      break;
    }
    at += want;
  }
  free(block);
  return rc;
}

/* Appends what was written to a file in memory. */
static int collect(int fd, struct buf *out, struct err *err) {
  unsigned char *block = malloc(BLOCK);
  uint64_t at = 0;
  size_t got = BLOCK;
  int rc = block ? 0 : err_set(err, ERR_NOMEM, "no memory for what rclone says");
  while (!rc && got > 0) {
    rc = fileio_pread(fd, block, BLOCK, at, &got, err);
    if (!rc)
      buf_add(out, block, got);
    at += got;
  }
  free(block);
  return rc ? rc : buf_check(out, "what rclone says", err);
}

static int fail(int status, int words, struct err *err) {
  struct buf text;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == EXIT_EXEC_FAILED)
    return err_set(err, ERR_INVALID, "rclone cannot be started: is it installed?");
  buf_init(&text, WORDS_MAX);
  const char *last = "it was killed";
  if (collect(words, &text, err) == 0 && text.len > 1) {
    text.data[text.len - 1] = '\0';
    const char *line = strrchr((const char *)text.data, '\n');
    last = line ? line + 1 : (const char *)text.data;
  }
  bool missing = code == EXIT_NO_FOLDER || code == EXIT_NO_FILE;
  err_set(err, missing ? ERR_NOTFOUND : ERR_IO, "rclone: %.300s", last);
  buf_free(&text);
  return err->code;
}

static int open_ends(struct ends *ends, bool input, struct err *err) {
  if (input && pipe2(ends->input, O_CLOEXEC) != 0)
    return err_sys(err, errno, "cannot make a pipe");
  ends->output = memfd_create("rclone-output", MFD_CLOEXEC);
  ends->words = memfd_create("rclone-words", MFD_CLOEXEC);
  return ends->output < 0 || ends->words < 0 ? err_sys(err, errno, "cannot make a file in memory") : 0;
}

static void close_end(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

int rclone_run(const char *config, const char *const *arguments, const struct rclone_input *input, struct buf *out,
               struct err *err) {
  struct ends ends = {{-1, -1}, -1, -1};
  int status = 0, rc = open_ends(&ends, input != NULL, err);
  pid_t parent = getpid(), pid = rc ? -1 : fork();
  if (pid == 0)
    become(config, arguments, &ends, parent);
  if (!rc && pid < 0)
    rc = err_sys(err, errno, "cannot fork");
  close_end(&ends.input[0]);
  if (!rc && input)
    rc = feed(ends.input[1], input, err);
  if (rc && pid > 0)
    kill(pid, SIGKILL); /* what it has would be taken for all */
  close_end(&ends.input[1]);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (!rc && status != 0)
    rc = fail(status, ends.words, err);
  if (!rc && out)
    rc = collect(ends.output, out, err);
  close_end(&ends.output);
  close_end(&ends.words);
  return rc;
}
