#include "tests/domain/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/digest.h"

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "world: %s\n", err->text);
  abort();
}

void world_open(struct world *world, uint64_t cache_bytes) {
  struct err err;
  *world = (struct world){.mark = {.branch = 0x1122334455667788u, .timeline = 3}};
  memset(world->mark.history_id, 0xab, sizeof(world->mark.history_id));
  fixture_create(&world->fixture);
  world->store = fixture_open(&world->fixture);
  world->fixture.config.projection_cache_bytes = cache_bytes;
  need(projection_open(&world->fixture.config, &world->fixture.log, NULL, world->store, 0, false, &world->projection,
                       &err),
       &err);
  world->reader = (struct reader){.store = world->store, .projection = world->projection};
}

void world_close(struct world *world) {
  struct err err;
  need(projection_close(world->projection, &err), &err);
  fixture_close(world->store);
  for (size_t i = 0; i < world->count; i++) {
    struct fact *f = world->facts[i];
    free(f->path);
    free(f->predicate);
    free(f->source);
    free(f->value);
    free(f->confidence);
    free(f->json);
    free(f);
  }
  free(world->facts);
}

static char *print(const char *fmt, ...) PRINTF_LIKE(1, 2);

static char *print(const char *fmt, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, fmt);
  if (vasprintf(&text, fmt, args) < 0)
    abort();
  va_end(args);
  return text;
}

char *world_quote(const char *text) {
  char *out = malloc(strlen(text) * 2 + 3), *p = out;
  if (!out)
    abort();
  *p++ = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      *p++ = '\\';
    *p++ = *text;
  }
  memcpy(p, "\"", 2);
  return out;
}

static char *make_body(const struct fact *f) {
  char *path = world_quote(f->path), *predicate = world_quote(f->predicate);
  char *source = f->source ? world_quote(f->source) : NULL;
  char *body = print("{\"concept_path\":%s%s%s,\"predicate\":%s%s%s,\"value\":%s}", path,
                     f->confidence ? ",\"confidence\":" : "", f->confidence ? f->confidence : "", predicate,
                     source ? ",\"source\":" : "", source ? source : "", f->value);
  free(path);
  free(predicate);
  free(source);
  return body;
}

static char *make_json(const struct fact *f, const char *recorded_by, const char *body) {
  time_t seconds = (time_t)(f->time_us / 1000000);
  struct tm tm;
  char day[32];
  strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
  char *by = recorded_by ? print(",\"recorded_by\":\"%s\"", recorded_by) : print("%s", "");
  char *json = print("{\"id\":\"%s\",\"seq\":%" PRIu64 ",\"timestamp\":\"%s.%06uZ\",\"status\":\"active\"%s,%s", f->id,
                     f->seq, day, (unsigned)(f->time_us % 1000000), by, body + 1);
  free(by);
  return json;
}

static char *copy(const char *text) {
  return text ? print("%s", text) : NULL;
}

/* Until world_commit() `json` holds recorded_by. */
void world_assert(struct world *world, const char *path, const char *predicate, const char *source, const char *value,
                  const char *confidence, const char *recorded_by, uint64_t gap_us) {
  if (world->count == world->room) {
    world->room = world->room ? world->room * 2 : 64;
    world->facts = realloc(world->facts, world->room * sizeof(*world->facts));
    if (!world->facts)
      abort();
  }
  const uint64_t before = world->count ? world->facts[world->count - 1]->time_us : (uint64_t)1700000000 * 1000000;
  struct fact *f = world->facts[world->count++] = malloc(sizeof(*f));
  if (!f)
    abort();
  *f = (struct fact){.kind = ENTRY_ASSERTION,
                     .path = copy(path),
                     .predicate = copy(predicate),
                     .source = copy(source),
                     .value = copy(value),
                     .confidence = copy(confidence),
                     .number = confidence ? strtod(confidence, NULL) : 1,
                     .seq = world->count,
                     .time_us = before + gap_us,
                     .json = copy(recorded_by)};
}

void world_request(struct world *world, uint8_t kind, const char *body) {
  world_assert(world, "", "", NULL, body, NULL, NULL, 1);
  world->facts[world->count - 1]->kind = kind;
}

static void encode_request(struct fact *f, struct buf *out) {
  unsigned char content[DIGEST_SIZE], id[ID_SIZE];
  digest_sha256(content, span_str(f->value));
  digest_id(id, f->kind, content, f->seq, f->time_us);
  for (size_t i = 0; i < ID_SIZE; i++)
    snprintf(f->id + 2 * i, 3, "%02x", id[i]);
  entry_encode(out, f->kind, 0, f->seq, f->time_us, id, (struct span){NULL, 0}, span_str(f->value));
}

static void encode(struct fact *f, struct buf *out) {
  static const unsigned char salt[SALT_SIZE] = "0123456789abcdef";
  char *recorded_by = f->json, *body = make_body(f);
  unsigned char content[DIGEST_SIZE], id[ID_SIZE];
  const size_t value_len = strlen(f->value), body_len = strlen(body);
  digest_content(content, span_of(body, body_len), span_of(body + body_len - 1 - value_len, value_len), salt);
  digest_id(id, ENTRY_ASSERTION, content, f->seq, f->time_us);
  for (size_t i = 0; i < ID_SIZE; i++)
    snprintf(f->id + 2 * i, 3, "%02x", id[i]);
  struct server_section section = {.salt = span_of(salt, SALT_SIZE)};
  if (recorded_by)
    section.recorded_by = span_str(recorded_by);
  struct buf server;
  buf_init(&server, 4096);
  entry_put_server(&server, &section);
  entry_encode(out, ENTRY_ASSERTION, 0, f->seq, f->time_us, id, buf_span(&server), span_of(body, body_len));
  buf_free(&server);
  f->json = make_json(f, recorded_by, body);
  free(recorded_by);
  free(body);
}

void world_commit(struct world *world) {
  struct err err;
  const size_t from = world->mark.visible_seq, count = world->count - from;
  if (count == 0)
    return;
  struct buf bytes;
  buf_init(&bytes, (size_t)1 << 30);
  size_t *ends = calloc(count + 1, sizeof(*ends));
  struct span *records = calloc(count, sizeof(*records));
  struct entry *entries = calloc(count, sizeof(*entries));
  if (!ends || !records || !entries)
    abort();
  for (size_t i = 0; i < count; i++) {
    if (world->facts[from + i]->kind == ENTRY_ASSERTION)
      encode(world->facts[from + i], &bytes);
    else
      encode_request(world->facts[from + i], &bytes);
    ends[i + 1] = bytes.len;
  }
  need(buf_check(&bytes, "a commit", &err), &err);
  for (size_t i = 0; i < count; i++) {
    records[i] = span_of(bytes.data + ends[i], ends[i + 1] - ends[i]);
    need(entry_decode(records[i], &entries[i], &err), &err);
  }
  need(history_append(world->store, records, from + 1, count, &err), &err);
  need(projection_apply(world->projection, entries, count, &err), &err);
  projection_watermark(world->projection, &world->mark);
  free(ends);
  free(records);
  free(entries);
  buf_free(&bytes);
}
