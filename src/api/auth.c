#include "api/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "api/problem.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "model/name.h"

enum { LOOK_EVERY_US = 1000000, ARENA_MAX = 4 << 20 };

struct auth {
  const char *path;
  const struct log *log;
  bool required;
  char complaint[ERR_TEXT_SIZE]; /* the last one, so that each is logged once; "": the file is good */
  struct tokens tokens;
  struct arena *arena; /* of the tokens */
  struct stat seen;    /* the file that they are from */
  uint64_t look_us;    /* clock_monotonic() of the next look */
};

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Reads the file anew; what was known stays if that fails. */
static int load(struct auth *auth, const struct stat *st, struct err *err) {
  struct buf text;
  struct tokens tokens = {0};
  bool found = false;
  struct arena *arena = arena_create(ARENA_MAX);
  buf_init(&text, TOKENS_FILE_MAX);
  int rc = arena ? fileio_read_file(auth->path, &text, &found, err) : err_set(err, ERR_NOMEM, "no memory for tokens");
  if (!rc && !found)
    rc = err_set(err, ERR_IO, "%s: gone while it was read", auth->path);
  struct span copy = {NULL, 0};
  if (!rc && !(copy = arena_copy(arena, buf_span(&text))).data)
    rc = err_set(err, ERR_NOMEM, "no memory for tokens");
  if (!rc && (rc = tokens_parse(arena, copy, &tokens, err)))
    rc = err_context(err, "%s", auth->path);
  if (!rc) {
    arena_free(auth->arena);
    auth->arena = arena;
    auth->tokens = tokens;
    auth->required = true;
    auth->seen = *st;
    arena = NULL;
  }
  arena_free(arena);
  buf_free(&text);
  return rc;
}

static void complain(struct auth *auth, const char *text) {
  if (strcmp(auth->complaint, text) != 0)
    log_error(auth->log, "only the tokens known until now are in force: %s", text);
  snprintf(auth->complaint, sizeof(auth->complaint), "%s", text);
}

/* Takes a file that has changed. */
static void look(struct auth *auth) {
  struct stat st;
  struct err err;
  uint64_t now = clock_monotonic();
  if (now < auth->look_us)
    return;
  auth->look_us = now + LOOK_EVERY_US;
  if (stat(auth->path, &st) != 0) {
    if (errno != ENOENT || auth->required) {
      err_sys(&err, errno, "%s", auth->path);
      auth->required = true;
      complain(auth, err.text);
    }
    return;
  }
  if (auth->required && same_file(&st, &auth->seen))
    return;
  if (load(auth, &st, &err)) {
    auth->required = true; /* there is a file, so nobody without a token gets in */
    complain(auth, err.text);
    return;
  }
  auth->complaint[0] = '\0';
  log_info(auth->log, "%zu tokens are in force", auth->tokens.count);
}

int auth_open(const char *path, const struct log *log, struct auth **out, struct err *err) {
  struct auth *auth = calloc(1, sizeof(*auth));
  if (!auth)
    return err_set(err, ERR_NOMEM, "no memory for tokens");
  auth->path = path;
  auth->log = log;
  look(auth);
  *out = auth;
  return 0;
}

void auth_close(struct auth *auth) {
  if (!auth)
    return;
  arena_free(auth->arena);
  free(auth);
}

bool auth_required(const struct auth *auth) {
  return auth && auth->required;
}

/* The token as sent: `Authorization: Bearer TOKEN`, else X-API-Key. */
static struct span presented(const struct http_request *request) {
  static const char scheme[] = "bearer ";
  struct span s = request->authorization;
  if (s.data && s.len >= sizeof(scheme) - 1 && strncasecmp((const char *)s.data, scheme, sizeof(scheme) - 1) == 0) {
    s = span_of(s.data + sizeof(scheme) - 1, s.len - (sizeof(scheme) - 1));
    while (s.len > 0 && s.data[0] == ' ')
      s = span_of(s.data + 1, s.len - 1);
    return s;
  }
  return request->api_key;
}

/* The caller lives as long as the exchange, longer than the list of tokens may. */
static bool fill_caller(struct exchange *exchange, const struct token *token) {
  struct arena *arena = exchange->request.arena;
  struct span *sources = arena_calloc(arena, token->source_count + 1, sizeof(*sources));
  struct span name = arena_copy(arena, token->name);
  for (size_t i = 0; sources && i < token->source_count; i++)
    if (!(sources[i] = arena_copy(arena, token->sources[i])).data)
      return false;
  exchange->caller =
      (struct caller){.name = name, .role = token->role, .sources = sources, .source_count = token->source_count};
  return sources && name.data;
}

static void refuse_unknown(struct exchange *exchange, const char *detail) {
  problem_set(&exchange->response, 401, "%s", detail);
  buf_add_str(&exchange->response.headers, "WWW-Authenticate: Bearer realm=\"stemedb\"\r\n");
}

bool auth_admit(struct api *api, struct exchange *exchange, enum role needed) {
  unsigned char hash[DIGEST_SIZE];
  if (api->auth)
    look(api->auth);
  if (!auth_required(api->auth)) {
    exchange->caller = (struct caller){.role = ROLE_ADMIN};
    return true;
  }
  struct span text = presented(&exchange->request);
  if (text.len == 0) {
    refuse_unknown(exchange, "this call needs a token: Authorization: Bearer TOKEN, or X-API-Key");
    return false;
  }
  token_hash(hash, text);
  const struct token *token = tokens_find(&api->auth->tokens, hash);
  if (!token) {
    refuse_unknown(exchange, "this token is not known here");
    return false;
  }
  if (!fill_caller(exchange, token)) {
    problem_set(&exchange->response, 503, "no memory");
    return false;
  }
  if (token->role >= needed)
    return true;
  problem_set(&exchange->response, 403, "this call needs the role %s, and the token is of a %s", role_name(needed),
              role_name(token->role));
  return false;
}

const char *auth_assert_fault(const struct caller *caller, struct span predicate, struct span source) {
  if (caller->role < ROLE_ADMIN && name_is_reserved(predicate))
    return "only an admin may assert stemedb.*";
  if (!token_speaks_for(caller->sources, caller->source_count, source))
    return "this token may not speak for that source";
  return NULL;
}
