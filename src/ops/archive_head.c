#include <inttypes.h>

#include "model/json.h"
#include "model/timestamp.h"
#include "ops/archive.h"

enum { HEAD_MAX = 16 << 10, ARENA_MAX = 256 << 10 };

void archive_head_format(const struct archive_head *head, struct buf *out) {
  char time[TIMESTAMP_SIZE] = "", archived[TIMESTAMP_SIZE];
  timestamp_format((int64_t)head->time_us, time);
  timestamp_format((int64_t)head->archived_us, archived);
  buf_addf(out,
           "{\n  \"last_seq\": %" PRIu64 ",\n  \"timestamp\": \"%s\",\n  \"log_file\": %" PRIu32
           ",\n  \"log_length\": %" PRIu64 ",\n  \"archived_at\": \"%s\"\n}\n",
           head->last_seq, time, head->number, head->length, archived);
}

static bool get_count(const struct json_doc *doc, const char *name, uint64_t *out) {
  uint32_t token;
  uint64_t n = 0;
  if (!json_member(doc, 0, name, &token) || doc->tokens[token].type != JSON_NUMBER)
    return false;
  struct span raw = json_raw(doc, token);
  for (size_t i = 0; i < raw.len; i++)
    if (raw.data[i] < '0' || raw.data[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
        __builtin_add_overflow(n, (uint64_t)(raw.data[i] - '0'), &n))
      return false;
  *out = n;
  return true;
}

static bool get_time(const struct json_doc *doc, const char *name, uint64_t *out) {
  const char *reason;
  uint32_t token;
  int64_t time_us;
  if (!json_member(doc, 0, name, &token) || doc->tokens[token].type != JSON_STRING || doc->tokens[token].escaped)
    return false;
  if (!timestamp_parse(json_raw(doc, token), &time_us, &reason) || time_us < 0)
    return false;
  *out = (uint64_t)time_us;
  return true;
}

static bool take_members(const struct json_doc *doc, struct archive_head *head) {
  uint64_t number = 0;
  bool good = doc->tokens[0].type == JSON_OBJECT && get_count(doc, "last_seq", &head->last_seq) &&
              get_time(doc, "timestamp", &head->time_us) && get_count(doc, "log_file", &number) &&
              get_count(doc, "log_length", &head->length) && get_time(doc, "archived_at", &head->archived_us);
  head->number = (uint32_t)number;
  return good && number <= UINT32_MAX;
}

int archive_head_read(const char *folder, struct archive_head *out, bool *found, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct archive_head head = {0};
  struct json_doc doc;
  struct json_fault fault;
  struct buf text;
  bool there = false;
  *found = false;
  if (fileio_join(path, folder, ARCHIVE_HEAD_FILE, err))
    return err->code;
  struct arena *arena = arena_create(ARENA_MAX);
  if (!arena)
    return err_set(err, ERR_NOMEM, "no memory to read %s", path);
  buf_init(&text, HEAD_MAX);
  int rc = fileio_read_file(path, &text, &there, err);
  if (rc && text.failed)
    rc = there = false; /* too large to be one */
  if (!rc && there) {
    rc = json_parse(arena, buf_span(&text), &doc, &fault, err);
    *found = !rc && take_members(&doc, &head);
    rc = rc == ERR_INVALID ? 0 : rc;
  }
  buf_free(&text);
  arena_free(arena);
  if (*found)
    *out = head;
  return rc;
}
