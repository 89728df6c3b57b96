#include "ops/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "base/fileio.h"
#include "model/json.h"
#include "ops/members.h"

enum { METADATA_MAX = 64 << 10, ARENA_MAX = 1 << 20 };

int metadata_write(const char *dir, const struct metadata *m, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct buf json;
  int rc = fileio_join(path, dir, METADATA_FILE, err);
  if (rc)
    return rc;
  buf_init(&json, METADATA_MAX);
  buf_addf(&json,
           "{\n  \"version\": \"%s\",\n  \"timestamp\": \"%s\",\n  \"assertion_count\": %" PRIu64
           ",\n  \"wal_segment_count\": %" PRIu64 ",\n  \"backup_type\": \"%s\",\n  \"last_seq\": %" PRIu64
           ",\n  \"history\": \"%s\",\n  \"history_root\": \"",
           m->version, m->timestamp, m->proof.assertion_count, m->wal_segment_count,
           m->incremental ? "incremental" : "full", m->proof.last_seq, m->proof.history);
  buf_add_hex(&json, m->proof.root, DIGEST_SIZE);
  buf_addf(&json, "\",\n  \"indexes\": %s\n}\n", m->indexes ? "true" : "false");
  rc = buf_check(&json, METADATA_FILE, err);
  if (!rc)
    rc = fileio_replace(path, json.data, json.len, 0440, err);
  buf_free(&json);
  return rc;
}

static int take_members(const struct json_doc *doc, struct metadata *m, struct err *err) {
  char type[16], root[2 * DIGEST_SIZE + 1];
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t timeline, token;
  uint64_t branch;
  if (doc->tokens[0].type != JSON_OBJECT)
    return err_set(err, ERR_CORRUPT, "it is no object");
  if (members_text(doc, 0, "version", m->version, sizeof(m->version), err))
    return err->code;
  if (strncmp(m->version, "0.1.", 4) != 0)
    return err_set(err, ERR_NEWER, "StemeDB %s made it: this one (" PACKAGE_VERSION ") reads what 0.1 made",
                   m->version);
  if (members_text(doc, 0, "timestamp", m->timestamp, sizeof(m->timestamp), err) ||
      members_count(doc, 0, "assertion_count", &m->proof.assertion_count, err) ||
      members_count(doc, 0, "wal_segment_count", &m->wal_segment_count, err) ||
      members_text(doc, 0, "backup_type", type, sizeof(type), err) ||
      members_count(doc, 0, "last_seq", &m->proof.last_seq, err) ||
      members_text(doc, 0, "history", m->proof.history, sizeof(m->proof.history), err) ||
      members_text(doc, 0, "history_root", root, sizeof(root), err))
    return err->code;
  if (digest_from_hex(m->proof.root, span_str(root)) != 0)
    return members_missing(err, "history_root");
  if (!history_name_parse(span_str(m->proof.history), id, &timeline, &branch))
    return members_missing(err, "history");
  m->incremental = strcmp(type, "incremental") == 0;
  if (!m->incremental && strcmp(type, "full") != 0)
    return members_missing(err, "backup_type");
  m->indexes = json_member(doc, 0, "indexes", &token) && doc->tokens[token].type == JSON_TRUE;
  return 0;
}

static int parse(struct span text, struct metadata *out, struct err *err) {
  struct metadata m = {0};
  struct json_doc doc;
  struct json_fault fault;
  struct arena *arena = arena_create(ARENA_MAX);
  if (!arena)
    return err_set(err, ERR_NOMEM, "no memory to read it");
  int rc = json_parse(arena, text, &doc, &fault, err);
  if (rc == ERR_INVALID)
    rc = err_set(err, ERR_CORRUPT, "at byte %zu: %s", fault.offset, fault.reason);
  if (!rc)
    rc = take_members(&doc, &m, err);
  arena_free(arena);
  if (!rc)
    *out = m;
  return rc;
}

int metadata_read(const char *dir, struct metadata *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_join(path, dir, METADATA_FILE, err);
  return rc ? rc : metadata_read_file(path, out, err);
}

int metadata_read_file(const char *path, struct metadata *out, struct err *err) {
  struct buf text;
  bool found = false;
  buf_init(&text, METADATA_MAX);
  int rc = fileio_read_file(path, &text, &found, err);
  if (rc && text.failed)
    rc = err_set(err, ERR_CORRUPT, "%s is too large to be one", path);
  if (!rc && !found)
    rc = err_set(err, ERR_NOTFOUND, "there is no %s", path);
  if (!rc && (rc = parse(buf_span(&text), out, err)) != 0)
    err_context(err, "%s", path);
  buf_free(&text);
  return rc;
}
