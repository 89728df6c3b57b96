#include <inttypes.h>

#include "base/clock.h"
#include "model/timestamp.h"
#include "store/internal.h"

enum { METADATA_MAX = 4096 };

int store_write_metadata_at(const char *path, uint64_t wal_files, const struct store_metadata *m, struct err *err) {
  struct buf json;
  char now[TIMESTAMP_SIZE], name[HISTORY_NAME_SIZE];
  timestamp_format((int64_t)clock_now(), now);
  history_name(name, m->history_id, m->timeline, m->branch);
  buf_init(&json, METADATA_MAX);
  buf_addf(&json,
           "{\n  \"version\": \"" PACKAGE_VERSION "\",\n  \"timestamp\": \"%s\",\n  \"assertion_count\": %" PRIu64
           ",\n  \"wal_segment_count\": %" PRIu64 ",\n  \"backup_type\": \"full\",\n  \"last_seq\": %" PRIu64
           ",\n  \"history\": \"%s\",\n  \"history_root\": \"",
           now, m->assertion_count, wal_files, m->last_seq, name);
  buf_add_hex(&json, m->root, sizeof m->root);
  buf_add_str(&json, "\"\n}\n");
  int code = buf_check(&json, STORE_METADATA_FILE, err);
  if (!code)
    code = fileio_replace(path, json.data, json.len, 0640, err);
  buf_free(&json);
  return code;
}

int store_write_metadata(const struct config *config, const struct store_metadata *metadata, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct wal_usage usage;
  int code = fileio_join(path, config->data_dir, STORE_METADATA_FILE, err);
  if (code || (code = store_wal_usage(config->data_dir, &usage, err)))
    return code;
  return store_write_metadata_at(path, usage.files, metadata, err);
}
