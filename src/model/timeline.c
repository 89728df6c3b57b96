#include "model/timeline.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crc32c.h"

enum {
  META_FORMAT = 1,
  META_HEADER = 4 + 1 + HISTORY_ID_SIZE + 4,
  META_TIMELINE = 4 + 8 + 8 + 8,
  META_CHECKSUM = 4,
  NAME_ID_DIGITS = 2 * HISTORY_ID_SIZE,
  NAME_BRANCH_DIGITS = 16
};

static const char magic[4] = {'S', 'T', 'M', 'h'};

void history_meta_encode(const struct history_meta *meta, struct buf *out) {
  size_t start = out->len;
  buf_add(out, magic, sizeof(magic));
  buf_add_byte(out, META_FORMAT);
  buf_add(out, meta->id, HISTORY_ID_SIZE);
  buf_add_u32(out, meta->count);
  for (uint32_t i = 0; i < meta->count; i++) {
    const struct timeline *timeline = &meta->timelines[i];
    buf_add_u32(out, timeline->number);
    buf_add_u64(out, timeline->branch);
    buf_add_u64(out, timeline->branched_at_seq);
    buf_add_u64(out, timeline->time_us);
  }
  if (!out->failed)
    buf_add_u32(out, crc32c(0, out->data + start, out->len - start));
}

int history_meta_decode(struct span bytes, struct history_meta *out, struct err *err) {
  const unsigned char *p = bytes.data;
  if (bytes.len < META_HEADER + META_CHECKSUM || memcmp(p, magic, sizeof(magic)) != 0)
    return err_set(err, ERR_CORRUPT, "history record: it does not begin with STMh");
  if (crc32c(0, p, bytes.len - META_CHECKSUM) != get_u32(p + bytes.len - META_CHECKSUM))
    return err_set(err, ERR_CORRUPT, "history record: its checksum does not match");
  if (p[4] < META_FORMAT)
    return err_set(err, ERR_CORRUPT, "history record: format %u is not known", p[4]);
  if (p[4] > META_FORMAT)
    return err_set(err, ERR_NEWER,
                   "history record: format %u: a later StemeDB than this (" PACKAGE_VERSION
                   ", which knows format %d) wrote it",
                   p[4], META_FORMAT);
  uint32_t count = get_u32(p + META_HEADER - 4);
  if (count == 0 || count > TIMELINES_MAX)
    return err_set(err, ERR_CORRUPT, "history record: %" PRIu32 " timelines", count);
  if (bytes.len != META_HEADER + (size_t)count * META_TIMELINE + META_CHECKSUM)
    return err_set(err, ERR_CORRUPT, "history record: %zu bytes for %" PRIu32 " timelines", bytes.len, count);

  struct timeline *timelines = calloc(count, sizeof(*timelines));
  if (!timelines)
    return err_set(err, ERR_NOMEM, "no memory for %" PRIu32 " timelines", count);
  memcpy(out->id, p + 5, HISTORY_ID_SIZE);
  p += META_HEADER;
  for (uint32_t i = 0; i < count; i++, p += META_TIMELINE)
    timelines[i] = (struct timeline){
        .number = get_u32(p), .branch = get_u64(p + 4), .branched_at_seq = get_u64(p + 12), .time_us = get_u64(p + 20)};
  out->count = count;
  out->timelines = timelines;
  return 0;
}

void history_meta_free(struct history_meta *meta) {
  free(meta->timelines);
  meta->timelines = NULL;
  meta->count = 0;
}

static struct timeline new_timeline(uint32_t number, uint64_t branched_at_seq) {
  struct timeline timeline = {.number = number, .branched_at_seq = branched_at_seq, .time_us = clock_now()};
  randombytes_buf(&timeline.branch, sizeof(timeline.branch));
  return timeline;
}

int history_meta_create(struct history_meta *out, struct err *err) {
  struct timeline *timelines = malloc(sizeof(*timelines));
  if (!timelines)
    return err_set(err, ERR_NOMEM, "no memory for a timeline");
  timelines[0] = new_timeline(1, 0);
  randombytes_buf(out->id, HISTORY_ID_SIZE);
  out->count = 1;
  out->timelines = timelines;
  return 0;
}

int history_meta_branch(struct history_meta *meta, uint64_t branched_at_seq, uint32_t at_least, struct err *err) {
  uint32_t greatest = at_least > 0 ? at_least - 1 : 0;
  for (uint32_t i = 0; i < meta->count; i++)
    greatest = meta->timelines[i].number > greatest ? meta->timelines[i].number : greatest;
  if (meta->count >= TIMELINES_MAX || greatest == UINT32_MAX)
    return err_set(err, ERR_INVALID, "no more than %d timelines can be kept", TIMELINES_MAX);
  struct timeline *grown = realloc(meta->timelines, (meta->count + (size_t)1) * sizeof(*grown));
  if (!grown)
    return err_set(err, ERR_NOMEM, "no memory for a timeline");
  grown[meta->count] = new_timeline(greatest + 1, branched_at_seq);
  meta->timelines = grown;
  meta->count++;
  return 0;
}

uint64_t history_meta_limit(const struct history_meta *meta, uint32_t index) {
  uint64_t limit = UINT64_MAX;
  for (uint32_t i = index + 1; i < meta->count; i++)
    limit = meta->timelines[i].branched_at_seq < limit ? meta->timelines[i].branched_at_seq : limit;
  return limit;
}

uint64_t history_meta_shared(const struct history_meta *a, const struct history_meta *b, uint32_t *rows) {
  uint32_t n = 0;
  *rows = 0;
  if (memcmp(a->id, b->id, HISTORY_ID_SIZE) != 0)
    return 0;
  while (n < a->count && n < b->count && a->timelines[n].number == b->timelines[n].number &&
         a->timelines[n].branch == b->timelines[n].branch)
    n++;
  *rows = n;
  if (n == 0)
    return 0;
  uint64_t x = history_meta_limit(a, n - 1), y = history_meta_limit(b, n - 1);
  return x < y ? x : y;
}

int history_meta_copy(const struct history_meta *meta, struct history_meta *out, struct err *err) {
  struct timeline *timelines = malloc(meta->count * sizeof(*timelines));
  if (!timelines)
    return err_set(err, ERR_NOMEM, "no memory for %" PRIu32 " timelines", meta->count);
  memcpy(timelines, meta->timelines, meta->count * sizeof(*timelines));
  *out = *meta;
  out->timelines = timelines;
  return 0;
}

const struct timeline *history_meta_current(const struct history_meta *meta) {
  return &meta->timelines[meta->count - 1];
}

void history_name(char out[HISTORY_NAME_SIZE], const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                  uint64_t branch) {
  char hex[NAME_ID_DIGITS + 1];
  sodium_bin2hex(hex, sizeof(hex), id, HISTORY_ID_SIZE);
  snprintf(out, HISTORY_NAME_SIZE, "%s.%" PRIu32 "-%016" PRIx64, hex, timeline, branch);
}

/* Takes one digit of a base up to 16 off the name at *at; -1 if there is none. */
static int take_digit(struct span name, size_t *at, int base) {
  if (*at >= name.len)
    return -1;
  unsigned char c = name.data[*at];
  int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
  if (digit >= base)
    return -1;
  (*at)++;
  return digit;
}

bool history_name_parse(struct span name, unsigned char id[HISTORY_ID_SIZE], uint32_t *timeline, uint64_t *branch) {
  unsigned char bytes[HISTORY_ID_SIZE];
  uint64_t number = 0, random = 0;
  size_t at = 0;
  for (size_t i = 0; i < HISTORY_ID_SIZE; i++) {
    int high = take_digit(name, &at, 16), low = take_digit(name, &at, 16);
    if (high < 0 || low < 0)
      return false;
    bytes[i] = (unsigned char)(high << 4 | low);
  }
  if (at >= name.len || name.data[at++] != '.')
    return false;
  size_t start = at;
  for (int digit; number <= UINT32_MAX && (digit = take_digit(name, &at, 10)) >= 0;)
    number = number * 10 + (uint64_t)digit;
  if (at == start || name.data[start] == '0' || number > UINT32_MAX)
    return false;
  if (at >= name.len || name.data[at++] != '-' || name.len - at != NAME_BRANCH_DIGITS)
    return false;
  while (at < name.len) {
    int digit = take_digit(name, &at, 16);
    if (digit < 0)
      return false;
    random = random << 4 | (uint64_t)digit;
  }
  memcpy(id, bytes, HISTORY_ID_SIZE);
  *timeline = (uint32_t)number;
  *branch = random;
  return true;
}
