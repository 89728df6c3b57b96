#include "tests/api/live.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/retraction.h"
#include "projection/cover.h"
#include "projection/snapshot.h"
#include "store/internal.h"

enum { LIVE_ENTRIES_MAX = 4096 };

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "live: %s\n", err->text);
  abort();
}

/* What history and projections hold is what may be seen. */
static void publish(struct live *live) {
  struct watermark mark = {0};
  struct history_meta meta;
  struct err err;
  need(history_meta_read(live->store, &meta, &err), &err);
  memcpy(mark.history_id, meta.id, HISTORY_ID_SIZE);
  mark.timeline = history_meta_current(&meta)->number;
  mark.branch = history_meta_current(&meta)->branch;
  history_meta_free(&meta);
  projection_watermark(live->projection, &mark);
  segment_publish(live->call.segment, &mark);
  segment_set_state(live->call.segment, NODE_READY);
}

void live_open(struct live *live) {
  struct err err;
  if (sodium_init() < 0)
    abort();
  *live = (struct live){0};
  call_open(&live->call);
  struct config *config = &live->call.config;
  need(config_defaults(config, harness_folder(), &err), &err);
  config->history_cache_bytes = 8 << 20;
  config->projection_cache_bytes = 16 << 20;
  config->wal_file_bytes = 8 << 20;
  need(store_init(config, &live->call.log, &err), &err);
  need(env_open_writer(config, &live->call.log, NULL, RECOVER_NORMAL, &live->store, &err), &err);
  need(projection_open(config, &live->call.log, NULL, live->store, 0, false, &live->projection, &err), &err);
  live->call.api.reader = (struct reader){.store = live->store, .projection = live->projection};
  live->call.api.ready = true;
  publish(live);
}

void live_close(struct live *live) {
  struct err err;
  need(projection_close(live->projection, &err), &err);
  need(store_close(live->store, &err), &err);
  call_close(&live->call);
}

/* --- the committer --- */

struct work {
  struct live *live;
  struct command command;
  struct command_entry entries[LIVE_ENTRIES_MAX];
  struct commit_receipt receipts[LIVE_ENTRIES_MAX];
  struct refused_item items[LIVE_ENTRIES_MAX];
  uint32_t count, refused, duplicates;
};

static void parse(struct work *work, struct span frame) {
  struct err err;
  need(command_parse(frame, &work->command, &err), &err);
  if (work->command.count > LIVE_ENTRIES_MAX)
    abort();
  struct span rest = work->command.entries;
  for (uint32_t i = 0; i < work->command.count; i++)
    need(command_next_entry(&rest, &work->entries[i], &err), &err);
}

/* Whether the key of an assert is known; then the reply is made. */
static bool replay(const struct work *work, struct buf *reply) {
  const struct command *command = &work->command;
  unsigned char pair[2 * DIGEST_SIZE];
  struct key_record record;
  struct err err;
  bool found;
  need(lookup_key(&work->live->call.api.reader, command->key_scope, command->key_hash, &record, &found, &err), &err);
  if (!found)
    return false;
  for (uint32_t i = 0; i < command->count; i++) {
    digest_sha256(pair + (i ? DIGEST_SIZE : 0), work->entries[i].body);
    if (i)
      digest_sha256(pair, span_of(pair, sizeof(pair)));
  }
  if (memcmp(pair, record.content, DIGEST_SIZE) == 0)
    reply_put_replayed(reply, command->tag, record.first_seq, (uint32_t)(record.last_seq - record.first_seq + 1));
  else
    reply_put_refused(reply, command->tag, REFUSAL_KEY_REUSED, NULL, 0);
  return true;
}

/* Whether all that the entry is derived from exists; else it is among the items. */
static bool check_derived(struct work *work, const struct command_entry *entry) {
  static const struct span pointer = {(const unsigned char *)"/derived_from", 13};
  for (size_t i = 0; i < entry->derived_count; i++) {
    uint64_t seq;
    bool found;
    struct err err;
    need(lookup_assertion(&work->live->call.api.reader, entry->derived + i * ID_SIZE, UINT64_MAX, &seq, &found, &err),
         &err);
    if (!found) {
      work->items[work->refused++] =
          (struct refused_item){entry->position, pointer, span_str("names an assertion that does not exist")};
      return false;
    }
  }
  return true;
}

static bool is_duplicate(struct work *work, const struct command_entry *entry) {
  unsigned char digest[DIGEST_SIZE];
  uint64_t seq;
  bool found;
  struct err err;
  if (work->command.type != COMMAND_IMPORT || work->command.key_scope.len == 0)
    return false;
  digest_sha256(digest, entry->body);
  need(lookup_import_line(&work->live->call.api.reader, work->command.key_scope, work->command.key_hash, digest, &seq,
                          &found, &err),
       &err);
  return found;
}

/* Keeps in work->entries[0..count) what is to be stored. */
static void decide(struct work *work) {
  for (uint32_t i = 0; i < work->command.count; i++) {
    if (is_duplicate(work, &work->entries[i]))
      work->duplicates++;
    else if (check_derived(work, &work->entries[i]))
      work->entries[work->count++] = work->entries[i];
  }
}

/* Appends one entry after the other: a record each, so that order and times are those of a committer. */
static void commit(struct work *work) {
  struct live *live = work->live;
  struct watermark mark;
  struct buf record;
  struct err err;
  buf_init(&record, ENTRY_MAX_SIZE + ENTRY_OVERHEAD);
  for (uint32_t i = 0; i < work->count; i++) {
    const struct command_entry *e = &work->entries[i];
    struct commit_receipt *receipt = &work->receipts[i];
    struct entry entry;
    projection_watermark(live->projection, &mark);
    uint64_t now = clock_now();
    receipt->seq = mark.visible_seq + 1;
    receipt->time_us = now > mark.time_us ? now : mark.time_us + 1;
    digest_id(receipt->id, e->kind, e->content, receipt->seq, receipt->time_us);
    buf_reset(&record);
    entry_encode(&record, e->kind, 0, receipt->seq, receipt->time_us, receipt->id, e->server, e->body);
    struct span span = buf_span(&record);
    need(history_append(live->store, &span, receipt->seq, 1, &err), &err);
    need(entry_decode(span, &entry, &err), &err);
    need(projection_apply(live->projection, &entry, 1, &err), &err);
  }
  need(history_flush(live->store, &err), &err);
  buf_free(&record);
  publish(live);
}

/* A retraction or reinstatement: why it is refused, 0 if it is not. */
static uint8_t refuse_undo(const struct work *work, struct arena *arena) {
  const struct reader *reader = &work->live->call.api.reader;
  const struct span body = work->entries[0].body;
  struct watermark mark;
  struct err err;
  segment_watermark(work->live->call.segment, &mark);
  if (work->command.type == COMMAND_RETRACT) {
    struct retraction retraction;
    struct cover_counts counts;
    struct cover *cover = NULL;
    need(retraction_read(arena, body, &retraction, &err), &err);
    need(cover_compute(reader, &retraction, mark.visible_seq, &cover, &err), &err);
    cover_counts(cover, &counts);
    cover_free(cover);
    return counts.covers_direct + counts.covers_cascaded > 0 ? 0 : REFUSAL_NO_MATCH;
  }
  struct reinstatement reinstatement;
  struct retraction_record record;
  bool found;
  need(reinstatement_read(arena, body, &reinstatement, &err), &err);
  need(retraction_find(reader, reinstatement.retraction_id, mark.visible_seq, &record, &found, &err), &err);
  return !found ? REFUSAL_NOT_FOUND : record.reinstated_seq ? REFUSAL_REINSTATED : 0;
}

static void undo(struct work *work, struct buf *reply) {
  struct arena *arena = arena_create(64 << 20);
  const uint8_t refusal = refuse_undo(work, arena);
  arena_free(arena);
  if (refusal) {
    reply_put_refused(reply, work->command.tag, refusal, NULL, 0);
    return;
  }
  struct retraction_record record = {0};
  struct err err;
  bool found;
  decide(work);
  commit(work);
  need(
      retraction_get(&work->live->call.api.reader, work->receipts[0].seq, work->receipts[0].seq, &record, &found, &err),
      &err);
  reply_put_retracted(reply, work->command.tag, false, &work->receipts[0], record.direct, record.cascaded);
}

void live_execute(void *context, struct span frame, struct buf *reply) {
  struct work *work = calloc(1, sizeof(*work));
  if (!work)
    abort();
  work->live = context;
  buf_reset(reply);
  parse(work, frame);
  const struct command *command = &work->command;
  bool assert = command->type == COMMAND_ASSERT;
  if (command->type == COMMAND_RETRACT || command->type == COMMAND_REINSTATE) {
    undo(work, reply);
    free(work);
    return;
  }
  if (!assert || command->key_scope.len == 0 || !replay(work, reply)) {
    decide(work);
    if (assert && work->refused > 0) {
      reply_put_refused(reply, command->tag, REFUSAL_FIELDS, work->items, work->refused);
    } else {
      commit(work);
      struct watermark mark;
      segment_watermark(work->live->call.segment, &mark);
      if (assert)
        reply_put_committed(reply, command->tag, work->receipts, work->count);
      else
        reply_put_imported(reply, command->tag, mark.visible_seq, work->count, work->duplicates, work->items,
                           work->refused);
    }
  }
  free(work);
}

int live_make(struct live *live, enum http_method method, const char *target, const char *body, const char *key) {
  struct call *call = &live->call;
  struct http_request *request = call_begin(call, method, target);
  if (body) {
    request->body = span_str(body);
    request->content_type = span_str("application/json");
  }
  if (key)
    request->idempotency_key = span_str(key);
  if (call_run(call) == HTTP_COMMAND) {
    struct buf reply;
    buf_init(&reply, COMMAND_MAX_SIZE);
    live_execute(live, buf_span(&call->exchange.command), &reply);
    call_reply(call, buf_span(&reply));
    buf_free(&reply);
  }
  return call->exchange.response.status;
}

const char *live_get(struct live *live, const char *target) {
  int status = live_make(live, HTTP_GET, target, NULL, NULL);
  if (status != 200)
    printf("# %s: %d %s\n", target, status, call_answer(&live->call));
  CU_ASSERT_EQUAL(status, 200);
  return call_answer(&live->call);
}
