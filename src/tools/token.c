/* stemedb token add|list|revoke: the file of tokens, which a running node takes up within a second. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "model/name.h"
#include "model/token.h"
#include "model/utf8.h"
#include "tools/tool.h"

enum { ARENA_MAX = 8 << 20 };

/* The file, and the tokens that it lists. */
struct token_file {
  struct config config;
  struct arena *arena;
  struct buf text;
  struct tokens tokens;
  bool found;
  int lock; /* the folder of the file: one change at a time */
};

/* What `add` was asked for. */
struct request {
  const char *name;
  struct token token;
  struct span sources[TOKEN_SOURCES_MAX];
};

static int lock_folder(struct token_file *file, struct err *err) {
  char folder[FILEIO_PATH_MAX];
  const char *slash = strrchr(file->config.tokens_file, '/');
  snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file->config.tokens_file), file->config.tokens_file);
  file->lock = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file->lock < 0 || flock(file->lock, LOCK_EX) != 0)
    return err_sys(err, errno, "%s", folder);
  return 0;
}

/* A link is followed, to a file that may not be there yet: what is replaced is the file, not the link to it. */
static int follow_link(struct config *config, struct err *err) {
  char target[FILEIO_PATH_MAX], folder[FILEIO_PATH_MAX];
  ssize_t len = readlink(config->tokens_file, target, sizeof(target));
  if (len < 0)
    return 0;
  if ((size_t)len >= sizeof(target))
    return err_set(err, ERR_INVALID, "%s: the link is too long", config->tokens_file);
  target[len] = 0;
  snprintf(folder, sizeof(folder), "%s", target[0] == '/' ? "" : config->tokens_file);
  char *slash = strrchr(folder, '/');
  if (slash)
    *slash = 0;
  return fileio_join(config->tokens_file, folder, target[0] == '/' ? target + 1 : target, err);
}

static int file_open(struct token_file *file, const char *home, bool change, struct err *err) {
  *file = (struct token_file){.lock = -1};
  buf_init(&file->text, TOKENS_FILE_MAX);
  int rc = config_load(&file->config, home, err);
  if (!rc)
    rc = follow_link(&file->config, err);
  if (!rc && change)
    rc = lock_folder(file, err);
  if (!rc && !(file->arena = arena_create(ARENA_MAX)))
    rc = err_set(err, ERR_NOMEM, "no memory");
  if (!rc)
    rc = fileio_read_file(file->config.tokens_file, &file->text, &file->found, err);
  if (!rc && tokens_parse(file->arena, buf_span(&file->text), &file->tokens, err))
    rc = err_context(err, "%s", file->config.tokens_file);
  return rc;
}

static void file_close(struct token_file *file) {
  if (file->lock >= 0)
    close(file->lock);
  buf_free(&file->text);
  arena_free(file->arena);
}

/* Replaces the file, keeping owner and group of the one before: a node that runs as another user must still read it. */
static int file_replace(const struct token_file *file, const struct buf *text, struct err *err) {
  const char *path = file->config.tokens_file;
  struct stat old;
  bool had = stat(path, &old) == 0;
  int rc = buf_check(text, path, err);
  if (!rc)
    rc = fileio_replace(path, text->data, text->len, 0640, err);
  if (rc)
    return rc;
  if (!had && stat(file->config.data_dir, &old) != 0)
    return 0;
  if (geteuid() == 0 && chown(path, old.st_uid, old.st_gid) != 0)
    return err_sys(err, errno, "chown of %s", path);
  return 0;
}

static const struct token *find_name(const struct tokens *tokens, const char *name) {
  for (size_t i = 0; i < tokens->count; i++)
    if (span_equal(tokens->items[i].name, span_str(name)))
      return &tokens->items[i];
  return NULL;
}

/* --- add --- */

static int take_source(struct request *request, const char *path, struct err *err) {
  struct span source = span_str(path);
  const char *fault = utf8_valid(source) ? name_path_fault(source) : "is not UTF-8";
  if (fault)
    return err_set(err, ERR_INVALID, "--source: the path %s", fault);
  if (request->token.source_count == TOKEN_SOURCES_MAX)
    return err_set(err, ERR_INVALID, "at most %d sources", TOKEN_SOURCES_MAX);
  request->sources[request->token.source_count++] = source;
  return 0;
}

/* *usage: the arguments are not of the form that `add` takes. */
static int read_request(int argc, char **argv, struct request *request, bool *usage, struct err *err) {
  *request = (struct request){0};
  request->token.sources = request->sources;
  *usage = false;
  for (int i = 0; i < argc; i++) {
    bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--role") == 0 && has_value) {
      request->token.role = role_find(span_str(argv[++i]));
      if (request->token.role == ROLE_NONE)
        return err_set(err, ERR_INVALID, "--role is reader, writer or admin");
    } else if (strcmp(argv[i], "--source") == 0 && has_value) {
      if (take_source(request, argv[++i], err))
        return err->code;
    } else if (argv[i][0] != '-' && !request->name) {
      request->name = argv[i];
    } else {
      *usage = true;
    }
  }
  *usage = *usage || !request->name || request->token.role == ROLE_NONE;
  request->token.name = span_str(request->name ? request->name : "");
  const char *fault = *usage ? NULL : token_name_fault(request->token.name);
  return fault ? err_set(err, ERR_INVALID, "%s", fault) : 0;
}

static int add_token(struct token_file *file, struct request *request, struct err *err) {
  char secret[TOKEN_TEXT_SIZE];
  struct buf text;
  if (find_name(&file->tokens, request->name))
    return err_set(err, ERR_CONFLICT, "there is a token of that name: revoke it first");
  if (file->tokens.count == TOKENS_MAX)
    return err_set(err, ERR_INVALID, "there are %d tokens already", TOKENS_MAX);
  token_make(secret);
  token_hash(request->token.hash, span_str(secret));
  buf_init(&text, TOKENS_FILE_MAX);
  buf_add_span(&text, buf_span(&file->text));
  if (text.len > 0 && text.data[text.len - 1] != '\n')
    buf_add_byte(&text, '\n');
  token_put_line(&text, &request->token);
  int rc = file_replace(file, &text, err);
  if (!rc) {
    if (!file->found)
      fprintf(stderr, "From now on every call needs a token.\n");
    fprintf(stderr, "The token is shown this once:\n");
    puts(secret);
  }
  sodium_memzero(secret, sizeof(secret));
  buf_free(&text);
  return rc;
}

/* --- list, revoke --- */

static void list_tokens(const struct tokens *tokens) {
  for (size_t i = 0; i < tokens->count; i++) {
    const struct token *t = &tokens->items[i];
    printf("%.*s\t%s", (int)t->name.len, (const char *)t->name.data, role_name(t->role));
    for (size_t s = 0; s < t->source_count; s++)
      printf("\t%.*s", (int)t->sources[s].len, (const char *)t->sources[s].data);
    putchar('\n');
  }
}

/* Takes the line of that name out and leaves all others, comments too, as they are. */
static int revoke_token(const struct token_file *file, const char *name, struct err *err) {
  const struct token *token = find_name(&file->tokens, name);
  struct buf text;
  if (!token)
    return err_set(err, ERR_INVALID, "there is no token of that name");
  size_t from = (size_t)(token->name.data - file->text.data), to = from;
  while (to < file->text.len && file->text.data[to++] != '\n')
    ;
  buf_init(&text, TOKENS_FILE_MAX);
  buf_add(&text, file->text.data, from);
  buf_add(&text, file->text.data + to, file->text.len - to);
  int rc = file_replace(file, &text, err);
  buf_free(&text);
  return rc;
}

int tool_token(const struct tool *tool, int argc, char **argv) {
  struct token_file file;
  struct request request;
  struct err err;
  bool usage = false;
  const char *action = argc >= 2 ? argv[1] : "";
  bool adds = strcmp(action, "add") == 0, lists = strcmp(action, "list") == 0;
  if (!adds && !(lists && argc == 2) && !(strcmp(action, "revoke") == 0 && argc == 3))
    return tool_usage(argv[0]);
  if (adds && read_request(argc - 2, argv + 2, &request, &usage, &err))
    return tool_fail(tool, &err);
  if (usage)
    return tool_usage(argv[0]);
  int rc = file_open(&file, tool->home, !lists, &err);
  if (!rc && adds)
    rc = add_token(&file, &request, &err);
  else if (!rc && lists)
    list_tokens(&file.tokens);
  else if (!rc)
    rc = revoke_token(&file, argv[2], &err);
  file_close(&file);
  return rc ? tool_fail(tool, &err) : TOOL_DONE;
}
