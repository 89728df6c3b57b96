#include "api/ingest.h"

#include <sodium.h>

#include "api/request.h"

/* The batch of a call with a key: the same whenever it is sent again. */
static void keyed_batch(struct ingest *ingest, struct span key) {
  unsigned char digest[DIGEST_SIZE];
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, sizeof(digest));
  crypto_generichash_update(&state, ingest->scope.data, ingest->scope.len);
  crypto_generichash_update(&state, (const unsigned char *)"", 1);
  crypto_generichash_update(&state, key.data, key.len);
  crypto_generichash_final(&state, digest, sizeof(digest));
  memcpy(ingest->batch, digest, BATCH_SIZE);
}

int ingest_begin(const struct exchange *exchange, const char *call, bool many, struct ingest *ingest, struct err *err) {
  struct span name = exchange->caller.name;
  struct span key;
  *ingest = (struct ingest){.recorded_by = name, .has_batch = many, .has_index = many};
  int rc = request_key(&exchange->request, &key, err);
  if (rc)
    return rc;
  if (!key.data) {
    if (many)
      randombytes_buf(ingest->batch, BATCH_SIZE);
    return 0;
  }
  size_t call_len = strlen(call);
  unsigned char *scope = arena_alloc(exchange->request.arena, name.len + 1 + call_len);
  if (!scope)
    return err_set(err, ERR_NOMEM, "no memory for the Idempotency-Key");
  if (name.len)
    memcpy(scope, name.data, name.len);
  scope[name.len] = '\0';
  memcpy(scope + name.len + 1, call, call_len);
  ingest->scope = span_of(scope, name.len + 1 + call_len);
  crypto_generichash(ingest->key_hash, DIGEST_SIZE, key.data, key.len, NULL, 0);
  keyed_batch(ingest, key);
  return 0;
}

/* The server section of one entry; `salt` is NULL where nothing is salted. */
static void put_server(const struct ingest *ingest, uint32_t position, const unsigned char *salt, struct buf *server) {
  struct server_section section = {0};
  if (salt)
    section.salt = span_of(salt, SALT_SIZE);
  if (ingest->recorded_by.len > 0)
    section.recorded_by = ingest->recorded_by;
  if (ingest->has_batch)
    section.batch = span_of(ingest->batch, BATCH_SIZE);
  if (ingest->scope.len > 0) {
    section.key_scope = ingest->scope;
    section.key_hash = span_of(ingest->key_hash, DIGEST_SIZE);
  }
  if (ingest->has_index) {
    section.has_index = true;
    section.index = position;
  }
  buf_reset(server);
  entry_put_server(server, &section);
}

void ingest_put(const struct ingest *ingest, const struct assertion_draft *draft, uint32_t position,
                const unsigned char salt[SALT_SIZE], struct buf *server, struct buf *command) {
  put_server(ingest, position, salt, server);
  struct command_entry entry = {
      .kind = ENTRY_ASSERTION,
      .server = buf_span(server),
      .body = draft->body,
      .derived = draft->derived,
      .derived_count = (uint8_t)draft->derived_count,
      .position = position,
  };
  digest_content(entry.content, draft->body, draft->value, salt);
  command_put_entry(command, &entry);
}

void ingest_put_request(const struct ingest *ingest, uint8_t kind, struct span body, struct buf *server,
                        struct buf *command) {
  put_server(ingest, 0, NULL, server);
  struct command_entry entry = {.kind = kind, .server = buf_span(server), .body = body};
  digest_sha256(entry.content, body);
  command_put_entry(command, &entry);
}

int ingest_refusal(uint8_t refusal, const char **detail) {
  switch (refusal) {
  case REFUSAL_KEY_REUSED: *detail = "this Idempotency-Key was used for other content"; return 409;
  case REFUSAL_DISK_FULL: *detail = "too little disk space: writes are refused until there is more"; return 507;
  case REFUSAL_ARCHIVE:
    *detail = "the archive cannot be written, and nothing is acknowledged that is not archived";
    return 503;
  case REFUSAL_UNKNOWN:
    *detail = "outcome unknown: the archive cannot be written just now; repeat the call with the same Idempotency-Key";
    return 503;
  case REFUSAL_STOPPING: *detail = "shutting down"; return 503;
  case REFUSAL_TOO_LARGE: *detail = "the command is too large for one commit"; return 413;
  case REFUSAL_NO_MATCH: *detail = "nothing matches: no assertion would be retracted"; return 404;
  case REFUSAL_NOT_FOUND: *detail = "there is no retraction with this id"; return 404;
  case REFUSAL_REINSTATED: *detail = "this retraction was undone already"; return 409;
  case REFUSAL_FIELDS: *detail = "fields are wrong"; return 422;
  default: *detail = "refused"; return 500;
  }
}
