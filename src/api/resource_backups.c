/* GET /v1/backups: what lies in the backup folder, newest first. On a streaming thread, since that folder may be on a
 * slow disk of another machine. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/answer.h"
#include "api/problem.h"
#include "api/resource.h"
#include "base/backup_status.h"
#include "base/fileio.h"
#include "model/json.h"
#include "model/timestamp.h"

#define PREFIX "stemedb-backup-"

enum { BACKUPS_MAX = 1000, METADATA_MAX = 64 << 10, NAME_MAX_BYTES = 200 };

/* Names sort as their stamps do. */
static int compare_newest_first(const void *a, const void *b) {
  return strcmp(*(char *const *)b, *(char *const *)a);
}

/* Names of folders that may be backups, in the arena; as many as there is memory for. */
static void list_names(struct arena *arena, const char *folder, char ***names, size_t *count) {
  size_t capacity = 0;
  *names = NULL;
  *count = 0;
  DIR *dir = opendir(folder);
  if (!dir)
    return;
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0 || strlen(e->d_name) > NAME_MAX_BYTES)
      continue;
    if (*count == capacity) {
      capacity = capacity ? 2 * capacity : 64;
      char **grown = arena_calloc(arena, capacity, sizeof(*grown));
      if (!grown)
        break;
      if (*count > 0)
        memcpy(grown, *names, *count * sizeof(*grown));
      *names = grown;
    }
    char *name = arena_str(arena, span_str(e->d_name));
    if (!name)
      break;
    (*names)[(*count)++] = name;
  }
  closedir(dir);
  if (*count > 1)
    qsort(*names, *count, sizeof(**names), compare_newest_first);
}

/* Appends the metadata as it is, if it is an object of strict JSON; else null. */
static bool add_metadata(struct arena *arena, const char *folder, struct buf *out) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  struct json_doc doc;
  struct json_fault fault;
  struct err ignored;
  bool found = false;
  buf_init(&text, METADATA_MAX);
  bool good = fileio_join(path, folder, "metadata.json", &ignored) == 0 &&
              fileio_read_file(path, &text, &found, &ignored) == 0 && found &&
              json_parse(arena, buf_span(&text), &doc, &fault, &ignored) == 0 && doc.tokens[0].type == JSON_OBJECT;
  size_t len = text.len;
  while (len > 0 && (text.data[len - 1] == '\n' || text.data[len - 1] == ' '))
    len--;
  if (good)
    buf_add(out, text.data, len);
  else
    buf_add_str(out, "null");
  buf_free(&text);
  return good;
}

static void add_backup(struct exchange *exchange, const char *folder, const char *name, bool first) {
  struct buf *out = &exchange->response.body;
  char path[FILEIO_PATH_MAX], manifest[FILEIO_PATH_MAX];
  struct stat st;
  struct err ignored;
  if (fileio_join(path, folder, name, &ignored) != 0 || fileio_join(manifest, path, "MANIFEST.sha256", &ignored) != 0 ||
      stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
    return;
  if (!first)
    buf_add_byte(out, ',');
  buf_add_str(out, "{\"name\":");
  json_quote(out, span_str(name));
  buf_add_str(out, ",\"metadata\":");
  bool known = add_metadata(exchange->request.arena, path, out);
  /* A backup gets its name and its manifest only after count and root were computed from its files. */
  buf_addf(out, ",\"verified\":%s}", known && stat(manifest, &st) == 0 ? "true" : "false");
}

static void render(struct api *api, struct exchange *exchange) {
  struct buf *out = &exchange->response.body;
  const char *folder = api->config->backup_dir;
  struct backup_status status;
  char **names, time[TIMESTAMP_SIZE];
  size_t count;
  list_names(exchange->request.arena, folder, &names, &count);
  backup_status_read(api->config->data_dir, &status);
  answer_begin(exchange, 200);
  buf_add_str(out, "{\"last_backup\":");
  timestamp_format_short((int64_t)status.last_us, time);
  if (status.last_us > 0)
    json_quote(out, span_str(time));
  else
    buf_add_str(out, "null");
  buf_addf(out, ",\"failures\":%llu,\"backups\":[", (unsigned long long)backup_status_failures(&status));
  size_t start = out->len;
  for (size_t i = 0; i < count && i < BACKUPS_MAX; i++)
    add_backup(exchange, folder, names[i], out->len == start);
  buf_add_str(out, "]}\n");
  if (out->failed)
    problem_set(&exchange->response, 503, "no memory to list the backups");
}

void backups_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  struct err err;
  render(api, exchange);
  if (exchange_send(exchange, stream, &err) != 0)
    stream->broken = true;
}
