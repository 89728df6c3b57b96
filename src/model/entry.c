#include "model/entry.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "model/assertion_fields.h"

enum {
  FORMAT = 1,
  AT_FORMAT = 4,
  AT_KIND = 5,
  AT_FLAGS = 6,
  AT_LENGTH = 8,
  AT_SEQ = 12,
  AT_TIME = 20,
  AT_ID = 28,
  AT_SERVER_LENGTH = 60,
  CHECKSUM_SIZE = ENTRY_OVERHEAD - ENTRY_HEADER_SIZE,
  ITEM_HEADER = 3,
  BATCH_SIZE = 16
};

static const char magic[4] = {'S', 'T', 'M', 'e'};

static void put_item(struct buf *out, uint8_t type, struct span item) {
  if (!item.data)
    return;
  if (item.len > UINT16_MAX) {
    out->failed = true;
    return;
  }
  buf_add_byte(out, type);
  buf_add_u16(out, (uint16_t)item.len);
  buf_add_span(out, item);
}

void entry_put_server(struct buf *out, const struct server_section *section) {
  put_item(out, ITEM_RECORDED_BY, section->recorded_by);
  put_item(out, ITEM_BATCH, section->batch);
  put_item(out, ITEM_KEY_SCOPE, section->key_scope);
  put_item(out, ITEM_KEY_HASH, section->key_hash);
  if (section->has_index) {
    unsigned char index[4];
    put_u32(index, section->index);
    put_item(out, ITEM_INDEX, span_of(index, sizeof(index)));
  }
  put_item(out, ITEM_SALT, section->salt);
  put_item(out, ITEM_SIGNATURE, section->signature);
  put_item(out, ITEM_SECTION_DIGEST, section->section_digest);
}

/* Where a known item goes and the length that it must have (0: any). NULL: the item is not known. */
static struct span *item_slot(struct server_section *out, uint8_t type, struct span *index, size_t *length) {
  *length = 0;
  switch (type) {
  case ITEM_RECORDED_BY: return &out->recorded_by;
  case ITEM_BATCH: *length = BATCH_SIZE; return &out->batch;
  case ITEM_KEY_SCOPE: return &out->key_scope;
  case ITEM_KEY_HASH: *length = DIGEST_SIZE; return &out->key_hash;
  case ITEM_INDEX: *length = 4; return index;
  case ITEM_SALT: *length = SALT_SIZE; return &out->salt;
  case ITEM_SIGNATURE: return &out->signature;
  case ITEM_SECTION_DIGEST: *length = DIGEST_SIZE; return &out->section_digest;
  default: return NULL;
  }
}

int entry_parse_server(struct span bytes, struct server_section *out, struct err *err) {
  struct server_section section = {0};
  struct span index = {0};
  int previous = -1;
  for (size_t at = 0; at < bytes.len;) {
    const unsigned char *p = bytes.data + at;
    size_t left = bytes.len - at;
    if (left < ITEM_HEADER || left - ITEM_HEADER < get_u16(p + 1))
      return err_set(err, ERR_CORRUPT, "server section: the item at byte %zu is cut off", at);
    uint8_t type = p[0];
    struct span item = span_of(p + ITEM_HEADER, get_u16(p + 1));
    if (type <= previous)
      return err_set(err, ERR_CORRUPT, "server section: item %u follows item %d", type, previous);
    size_t length;
    struct span *slot = item_slot(&section, type, &index, &length);
    if (!slot && type >= ITEM_MANDATORY)
      return err_set(err, ERR_CORRUPT, "server section: mandatory item %u is not known to this version", type);
    if (slot && length != 0 && item.len != length)
      return err_set(err, ERR_CORRUPT, "server section: item %u has %zu bytes", type, item.len);
    if (slot)
      *slot = item;
    previous = type;
    at += ITEM_HEADER + item.len;
  }
  section.has_index = index.data != NULL;
  section.index = index.data ? get_u32(index.data) : 0;
  *out = section;
  return 0;
}

void entry_encode(struct buf *out, uint8_t kind, uint16_t flags, uint64_t seq, uint64_t time_us,
                  const unsigned char id[ID_SIZE], struct span server, struct span body) {
  enum { PARTS_MAX = ENTRY_MAX_SIZE - ENTRY_OVERHEAD };
  if (server.len > PARTS_MAX || body.len > PARTS_MAX - server.len) {
    out->failed = true;
    return;
  }
  size_t length = ENTRY_OVERHEAD + server.len + body.len;
  unsigned char *p = buf_extend(out, length);
  if (!p)
    return;
  memcpy(p, magic, sizeof(magic));
  p[AT_FORMAT] = FORMAT;
  p[AT_KIND] = kind;
  put_u16(p + AT_FLAGS, flags);
  put_u32(p + AT_LENGTH, (uint32_t)length);
  put_u64(p + AT_SEQ, seq);
  put_u64(p + AT_TIME, time_us);
  memcpy(p + AT_ID, id, ID_SIZE);
  put_u32(p + AT_SERVER_LENGTH, (uint32_t)server.len);
  if (server.len)
    memcpy(p + ENTRY_HEADER_SIZE, server.data, server.len);
  if (body.len)
    memcpy(p + ENTRY_HEADER_SIZE + server.len, body.data, body.len);
  put_u32(p + length - CHECKSUM_SIZE, crc32c(0, p, length - CHECKSUM_SIZE));
}

int entry_peek(struct span bytes, struct entry *out, struct err *err) {
  const unsigned char *p = bytes.data;
  if (bytes.len < ENTRY_OVERHEAD)
    return err_set(err, ERR_CORRUPT, "entry record: %zu bytes are too few", bytes.len);
  if (memcmp(p, magic, sizeof(magic)) != 0)
    return err_set(err, ERR_CORRUPT, "entry record: it does not begin with STMe");
  if (p[AT_FORMAT] != FORMAT)
    return err_set(err, ERR_CORRUPT, "entry record: format %u is not known", p[AT_FORMAT]);
  if (p[AT_KIND] < ENTRY_ASSERTION || p[AT_KIND] > ENTRY_NOOP)
    return err_set(err, ERR_CORRUPT, "entry record: kind %u is not known", p[AT_KIND]);
  uint16_t flags = get_u16(p + AT_FLAGS);
  if (flags & ~ENTRY_FLAG_ERASED)
    return err_set(err, ERR_CORRUPT, "entry record: flags 0x%04x are not known", flags);
  uint32_t length = get_u32(p + AT_LENGTH), server = get_u32(p + AT_SERVER_LENGTH);
  if (length != bytes.len || length > ENTRY_MAX_SIZE)
    return err_set(err, ERR_CORRUPT, "entry record: its length is %" PRIu32 ", but %zu bytes are there", length,
                   bytes.len);
  if (server > length - ENTRY_OVERHEAD)
    return err_set(err, ERR_CORRUPT, "entry record: its server section of %" PRIu32 " bytes is too long", server);
  *out = (struct entry){.kind = p[AT_KIND],
                        .flags = flags,
                        .seq = get_u64(p + AT_SEQ),
                        .time_us = get_u64(p + AT_TIME),
                        .id = p + AT_ID,
                        .server = span_of(p + ENTRY_HEADER_SIZE, server),
                        .body = span_of(p + ENTRY_HEADER_SIZE + server, length - ENTRY_OVERHEAD - server),
                        .record = bytes};
  return 0;
}

int entry_decode(struct span bytes, struct entry *out, struct err *err) {
  int code = entry_peek(bytes, out, err);
  if (code)
    return code;
  if (crc32c(0, bytes.data, bytes.len - CHECKSUM_SIZE) != get_u32(bytes.data + bytes.len - CHECKSUM_SIZE))
    return err_set(err, ERR_CORRUPT, "entry record: the checksum of seq %" PRIu64 " does not match", out->seq);
  return 0;
}

/* D, and the digest of the server section as it was before an erasure. */
static int entry_digests(const struct entry *entry, unsigned char content[DIGEST_SIZE],
                         unsigned char server[DIGEST_SIZE], struct err *err) {
  struct server_section section;
  struct assertion_pieces pieces;
  if (entry->flags & ENTRY_FLAG_ERASED) {
    int code = entry_parse_server(entry->server, &section, err);
    if (code)
      return code;
    if (!section.section_digest.data)
      return err_set(err, ERR_CORRUPT, "erased entry %" PRIu64 " has no digest of its server section", entry->seq);
    memcpy(server, section.section_digest.data, DIGEST_SIZE);
    digest_sha256(content, entry->body);
    return 0;
  }
  digest_sha256(server, entry->server);
  if (entry->kind != ENTRY_ASSERTION) {
    digest_sha256(content, entry->body);
    return 0;
  }
  int code = entry_parse_server(entry->server, &section, err);
  if (code)
    return code;
  if (!section.salt.data)
    return err_set(err, ERR_CORRUPT, "assertion %" PRIu64 " has no salt", entry->seq);
  if (!assertion_split(entry->body, &pieces))
    return err_set(err, ERR_CORRUPT, "assertion %" PRIu64 " has no body of an assertion", entry->seq);
  digest_content(content, entry->body, pieces.fields[FIELD_VALUE], section.salt.data);
  return 0;
}

int entry_verify(const struct entry *entry, unsigned char leaf[DIGEST_SIZE], struct err *err) {
  unsigned char content[DIGEST_SIZE], server[DIGEST_SIZE], id[ID_SIZE];
  int code = entry_digests(entry, content, server, err);
  if (code)
    return code;
  digest_id(id, entry->kind, content, entry->seq, entry->time_us);
  if (memcmp(id, entry->id, ID_SIZE) != 0)
    return err_set(err, ERR_CORRUPT, "the id of entry %" PRIu64 " does not match its content", entry->seq);
  if (leaf)
    digest_leaf(leaf, entry->kind, entry->seq, entry->time_us, id, server, content);
  return 0;
}

int entry_leaf(const struct entry *entry, unsigned char leaf[DIGEST_SIZE], struct err *err) {
  unsigned char content[DIGEST_SIZE], server[DIGEST_SIZE];
  if (entry->leaf) {
    memcpy(leaf, entry->leaf, DIGEST_SIZE);
    return 0;
  }
  int code = entry_digests(entry, content, server, err);
  if (code)
    return code;
  digest_leaf(leaf, entry->kind, entry->seq, entry->time_us, entry->id, server, content);
  return 0;
}
