/*
 * keys.kv: what an Idempotency-Key stored first.
 *   scope 0 hash          -> content (32: rolling digest of the bodies) first seq (u64be) last seq (u64be)
 *   scope 0 hash 0 body   -> seq (u64be), for a line of an import; body is SHA-256 of the line's canonical body
 * The scope is the token's name, a 0 byte and the call; only the call "import" is kept line by line.
 */
#include "base/bytes.h"
#include "projection/index.h"

static bool is_import(struct span scope) {
  static const char suffix[] = "\0import";
  size_t len = sizeof(suffix) - 1;
  return scope.len >= len && memcmp(scope.data + scope.len - len, suffix, len) == 0;
}

struct span keys_key(struct arena *arena, struct span scope, struct span hash, const unsigned char *body) {
  size_t len = scope.len + 1 + hash.len + (body ? 1 + DIGEST_SIZE : 0);
  unsigned char *key = arena_alloc(arena, len);
  if (!key)
    return (struct span){NULL, 0};
  if (scope.len)
    memcpy(key, scope.data, scope.len);
  key[scope.len] = 0;
  memcpy(key + scope.len + 1, hash.data, hash.len);
  if (body) {
    key[scope.len + 1 + hash.len] = 0;
    memcpy(key + scope.len + 1 + hash.len + 1, body, DIGEST_SIZE);
  }
  return span_of(key, len);
}

/* The value of a put is SHA-256 of the body, then the seq; keys_combine makes the record of it. */
int keys_project(struct gather *gather, const struct item *item, struct err *err) {
  const struct server_section *server = &item->server;
  if (!server->key_scope.data || !server->key_hash.data)
    return 0;
  unsigned char *value = gather_alloc(gather, DIGEST_SIZE + 8, err);
  if (!value)
    return err->code;
  digest_sha256(value, item->entry->body);
  put_u64(value + DIGEST_SIZE, item->entry->seq);
  bool import = is_import(server->key_scope);
  struct span key = keys_key(gather->arena, server->key_scope, server->key_hash, import ? value : NULL);
  if (!key.data)
    return err_set(err, ERR_NOMEM, "no memory for an idempotency key");
  return import ? gather_put(gather, key, span_of(value + DIGEST_SIZE, 8), err)
                : gather_put(gather, key, span_of(value, DIGEST_SIZE + 8), err);
}

int keys_combine(struct arena *arena, const struct put *run, size_t count, struct span old, struct span *value,
                 struct err *err) {
  if (run->value_len == 8) { /* a line of an import: the first one counts */
    if (old.data && old.len != 8)
      return err_set(err, ERR_CORRUPT, "an import line of %zu bytes", old.len);
    *value = old.data ? old : put_value(run);
    return 0;
  }
  if (old.data && old.len != KEYS_RECORD_SIZE)
    return err_set(err, ERR_CORRUPT, "a key record of %zu bytes", old.len);
  unsigned char *record = arena_alloc(arena, KEYS_RECORD_SIZE);
  if (!record)
    return err_set(err, ERR_NOMEM, "no memory for a key record");
  size_t i = 0;
  if (old.data) {
    memcpy(record, old.data, KEYS_RECORD_SIZE);
  } else {
    memcpy(record, run->value, DIGEST_SIZE + 8);
    memcpy(record + DIGEST_SIZE + 8, run->value + DIGEST_SIZE, 8);
    i = 1;
  }
  for (; i < count; i++) {
    unsigned char both[2 * DIGEST_SIZE];
    memcpy(both, record, DIGEST_SIZE);
    memcpy(both + DIGEST_SIZE, run[i].value, DIGEST_SIZE);
    digest_sha256(record, span_of(both, sizeof(both)));
    memcpy(record + DIGEST_SIZE + 8, run[i].value + DIGEST_SIZE, 8);
  }
  *value = span_of(record, KEYS_RECORD_SIZE);
  return 0;
}
