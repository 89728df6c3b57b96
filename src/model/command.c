#include "model/command.h"

#include <inttypes.h>

#include "base/bytes.h"

enum { LENGTH_SIZE = 4, TYPE_AT = 4, TAG_AT = 5, RECEIPT_SIZE = 8 + 8 + ID_SIZE };

/* --- writing --- */

static void put_header(struct buf *out, uint8_t type, uint64_t tag) {
  buf_add_u32(out, 0); /* filled in by command_end */
  buf_add_byte(out, type);
  buf_add_u64(out, tag);
}

static void put_long(struct buf *out, struct span s) {
  if (s.len > COMMAND_MAX_SIZE) {
    out->failed = true;
    return;
  }
  buf_add_u32(out, (uint32_t)s.len);
  buf_add_span(out, s);
}

void command_begin(struct buf *out, uint8_t type, uint64_t tag, struct span key_scope, const unsigned char *key_hash,
                   uint32_t count) {
  put_header(out, type, tag);
  put_long(out, key_scope);
  if (key_scope.len)
    buf_add(out, key_hash, DIGEST_SIZE);
  buf_add_u32(out, count);
}

void command_put_entry(struct buf *out, const struct command_entry *entry) {
  buf_add_byte(out, entry->kind);
  buf_add(out, entry->content, DIGEST_SIZE);
  buf_add_u32(out, entry->position);
  put_long(out, entry->server);
  put_long(out, entry->body);
  buf_add_byte(out, entry->derived_count);
  if (entry->derived_count)
    buf_add(out, entry->derived, (size_t)entry->derived_count * ID_SIZE);
}

void command_end(struct buf *out, size_t start) {
  if (out->failed)
    return;
  size_t size = out->len - start;
  if (size > COMMAND_MAX_SIZE)
    out->failed = true;
  else
    put_u32(out->data + start, (uint32_t)(size - LENGTH_SIZE));
}

void command_put_cancel(struct buf *out, uint64_t tag) {
  size_t start = out->len;
  put_header(out, COMMAND_CANCEL, tag);
  command_end(out, start);
}

void reply_put_ready(struct buf *out) {
  size_t start = out->len;
  put_header(out, REPLY_READY, 0);
  command_end(out, start);
}

static void put_committed(struct buf *out, bool replayed, uint64_t first_seq, uint32_t count) {
  buf_add_byte(out, replayed);
  buf_add_u64(out, first_seq);
  buf_add_u32(out, count);
}

static void put_receipt(struct buf *out, const struct commit_receipt *receipt) {
  buf_add_u64(out, receipt->seq);
  buf_add_u64(out, receipt->time_us);
  buf_add(out, receipt->id, ID_SIZE);
}

void reply_put_committed(struct buf *out, uint64_t tag, const struct commit_receipt *receipts, uint32_t count) {
  size_t start = out->len;
  put_header(out, REPLY_COMMITTED, tag);
  put_committed(out, false, count ? receipts[0].seq : 0, count);
  for (uint32_t i = 0; i < count; i++)
    put_receipt(out, &receipts[i]);
  command_end(out, start);
}

void reply_put_replayed(struct buf *out, uint64_t tag, uint64_t first_seq, uint32_t count) {
  size_t start = out->len;
  put_header(out, REPLY_COMMITTED, tag);
  put_committed(out, true, first_seq, count);
  command_end(out, start);
}

static void put_items(struct buf *out, const struct refused_item *items, uint32_t item_count) {
  buf_add_u32(out, item_count);
  for (uint32_t i = 0; i < item_count; i++) {
    buf_add_u32(out, items[i].position);
    put_long(out, items[i].pointer);
    put_long(out, items[i].detail);
  }
}

void reply_put_imported(struct buf *out, uint64_t tag, uint64_t last_seq, uint32_t accepted, uint32_t duplicates,
                        const struct refused_item *items, uint32_t item_count) {
  size_t start = out->len;
  put_header(out, REPLY_IMPORTED, tag);
  buf_add_u64(out, last_seq);
  buf_add_u32(out, accepted);
  buf_add_u32(out, duplicates);
  put_items(out, items, item_count);
  command_end(out, start);
}

void reply_put_refused(struct buf *out, uint64_t tag, uint8_t refusal, const struct refused_item *items,
                       uint32_t item_count) {
  size_t start = out->len;
  put_header(out, REPLY_REFUSED, tag);
  buf_add_byte(out, refusal);
  put_items(out, items, item_count);
  command_end(out, start);
}

void reply_put_retracted(struct buf *out, uint64_t tag, bool replayed, const struct commit_receipt *receipt,
                         uint64_t direct, uint64_t cascaded) {
  size_t start = out->len;
  put_header(out, REPLY_RETRACTED, tag);
  buf_add_byte(out, replayed);
  put_receipt(out, receipt);
  buf_add_u64(out, direct);
  buf_add_u64(out, cascaded);
  command_end(out, start);
}

/* --- reading --- */

/* Takes `size` bytes off *rest; NULL if they are not there. */
static const unsigned char *take(struct span *rest, size_t size) {
  if (rest->len < size)
    return NULL;
  const unsigned char *p = rest->data;
  *rest = span_of(p + size, rest->len - size);
  return p;
}

static bool take_u32(struct span *rest, uint32_t *value) {
  const unsigned char *p = take(rest, 4);
  if (p)
    *value = get_u32(p);
  return p != NULL;
}

static bool take_u64(struct span *rest, uint64_t *value) {
  const unsigned char *p = take(rest, 8);
  if (p)
    *value = get_u64(p);
  return p != NULL;
}

static bool take_long(struct span *rest, struct span *out) {
  uint32_t len;
  if (!take_u32(rest, &len))
    return false;
  const unsigned char *p = take(rest, len);
  *out = span_of(p, len);
  return p != NULL;
}

static int malformed(struct err *err, const char *what) {
  return err_set(err, ERR_INVALID, "malformed %s", what);
}

int command_frame_size(struct span received, size_t *size, struct err *err) {
  *size = 0;
  if (received.len < COMMAND_FRAME_HEADER)
    return 0;
  uint32_t length = get_u32(received.data);
  if (length < COMMAND_FRAME_HEADER - LENGTH_SIZE || length > COMMAND_MAX_SIZE - LENGTH_SIZE)
    return err_set(err, ERR_INVALID, "a frame of %" PRIu32 " bytes", length);
  *size = (size_t)length + LENGTH_SIZE;
  return 0;
}

/* Checks that `frame` is one whole frame and takes its header off. */
static int take_header(struct span *frame, uint8_t *type, uint64_t *tag, struct err *err) {
  size_t size;
  int code = command_frame_size(*frame, &size, err);
  if (code)
    return code;
  if (size == 0 || size != frame->len)
    return malformed(err, "frame");
  *type = frame->data[TYPE_AT];
  *tag = get_u64(frame->data + TAG_AT);
  *frame = span_of(frame->data + COMMAND_FRAME_HEADER, frame->len - COMMAND_FRAME_HEADER);
  return 0;
}

int command_parse(struct span frame, struct command *out, struct err *err) {
  struct command command = {0};
  struct span rest = frame;
  int code = take_header(&rest, &command.type, &command.tag, err);
  if (code)
    return code;
  switch (command.type) {
  case COMMAND_ASSERT:
  case COMMAND_IMPORT:
  case COMMAND_RETRACT:
  case COMMAND_REINSTATE:
    if (!take_long(&rest, &command.key_scope))
      return malformed(err, "command");
    if (command.key_scope.len) {
      const unsigned char *hash = take(&rest, DIGEST_SIZE);
      if (!hash)
        return malformed(err, "command");
      memcpy(command.key_hash, hash, DIGEST_SIZE);
    }
    if (!take_u32(&rest, &command.count))
      return malformed(err, "command");
    command.entries = rest;
    break;
  case COMMAND_CANCEL:
    if (rest.len)
      return malformed(err, "command");
    break;
  default: return err_set(err, ERR_INVALID, "command type %u is not known", command.type);
  }
  *out = command;
  return 0;
}

int command_next_entry(struct span *rest, struct command_entry *out, struct err *err) {
  struct span left = *rest;
  struct command_entry entry = {0};
  const unsigned char *p = take(&left, 1 + DIGEST_SIZE);
  if (!p)
    return malformed(err, "entry of a command");
  entry.kind = p[0];
  memcpy(entry.content, p + 1, DIGEST_SIZE);
  if (!take_u32(&left, &entry.position) || !take_long(&left, &entry.server) || !take_long(&left, &entry.body))
    return malformed(err, "entry of a command");
  p = take(&left, 1);
  if (!p)
    return malformed(err, "entry of a command");
  entry.derived_count = p[0];
  entry.derived = take(&left, (size_t)entry.derived_count * ID_SIZE);
  if (!entry.derived)
    return malformed(err, "entry of a command");
  *out = entry;
  *rest = left;
  return 0;
}

static bool take_committed(struct span *rest, struct reply *reply) {
  const unsigned char *p = take(rest, 1);
  if (!p || !take_u64(rest, &reply->first_seq) || !take_u32(rest, &reply->count))
    return false;
  reply->replayed = p[0] != 0;
  reply->receipts = *rest;
  return rest->len == (reply->replayed ? 0 : (size_t)reply->count * RECEIPT_SIZE);
}

static bool take_imported(struct span *rest, struct reply *reply) {
  bool whole = take_u64(rest, &reply->last_seq) && take_u32(rest, &reply->accepted) &&
               take_u32(rest, &reply->duplicates) && take_u32(rest, &reply->item_count);
  reply->items = *rest;
  return whole;
}

static bool take_refused(struct span *rest, struct reply *reply) {
  const unsigned char *p = take(rest, 1);
  if (!p || !take_u32(rest, &reply->item_count))
    return false;
  reply->refusal = p[0];
  reply->items = *rest;
  return true;
}

static void read_receipt(const unsigned char *p, struct commit_receipt *out) {
  out->seq = get_u64(p);
  out->time_us = get_u64(p + 8);
  memcpy(out->id, p + 16, ID_SIZE);
}

static bool take_retracted(struct span *rest, struct reply *reply) {
  const unsigned char *p = take(rest, 1 + RECEIPT_SIZE);
  if (!p || !take_u64(rest, &reply->direct) || !take_u64(rest, &reply->cascaded))
    return false;
  reply->replayed = p[0] != 0;
  reply->count = 1;
  read_receipt(p + 1, &reply->receipt);
  return rest->len == 0;
}

int reply_parse(struct span frame, struct reply *out, struct err *err) {
  struct reply reply = {0};
  struct span rest = frame;
  int code = take_header(&rest, &reply.type, &reply.tag, err);
  if (code)
    return code;
  bool whole;
  switch (reply.type) {
  case REPLY_READY: whole = rest.len == 0; break;
  case REPLY_COMMITTED: whole = take_committed(&rest, &reply); break;
  case REPLY_IMPORTED: whole = take_imported(&rest, &reply); break;
  case REPLY_REFUSED: whole = take_refused(&rest, &reply); break;
  case REPLY_RETRACTED: whole = take_retracted(&rest, &reply); break;
  default: return err_set(err, ERR_INVALID, "reply type %u is not known", reply.type);
  }
  if (!whole)
    return malformed(err, "reply");
  *out = reply;
  return 0;
}

void reply_receipt(const struct reply *reply, uint32_t i, struct commit_receipt *out) {
  read_receipt(reply->receipts.data + (size_t)i * RECEIPT_SIZE, out);
}

int reply_next_item(struct span *rest, struct refused_item *out, struct err *err) {
  struct span left = *rest;
  struct refused_item item = {0};
  if (!take_u32(&left, &item.position) || !take_long(&left, &item.pointer) || !take_long(&left, &item.detail))
    return malformed(err, "item of a reply");
  *out = item;
  *rest = left;
  return 0;
}
