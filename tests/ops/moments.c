#include "tests/ops/moments.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/archive_put.h"
#include "ops/backup.h"
#include "ops/tree.h"
#include "store/mark.h"
#include "store/startup.h"
#include "store/walscan.h"

enum { APPEND_MAX = 1000, BATCH_ROOM = 32 << 20, LOG_BYTES = 256 << 10 };

static void need(int rc, const struct err *err, const char *what) {
  if (!rc)
    return;
  fprintf(stderr, "%s: %s\n", what, err->text);
  abort();
}

void moments_begin(struct moments *m, const char *folder) {
  struct err err;
  memset(m, 0, sizeof(*m));
  snprintf(m->home, sizeof(m->home), "%s", folder);
  log_open(&m->log, open("/dev/null", O_WRONLY | O_CLOEXEC), "test");
  need(config_defaults(&m->config, folder, &err), &err, "configuration");
  m->config.wal_file_bytes = LOG_BYTES;
  m->config.history_cache_bytes = 4 << 20;
  m->config.min_free_bytes = 0;
  need(fileio_mkdirs(m->config.data_dir, 0750, &err), &err, "data folder");
  need(store_init(&m->config, &m->log, &err), &err, "init");
  merkle_root(&m->tree, m->root[0]);
}

static void open_store(struct moments *m) {
  struct startup_report report;
  struct err err;
  if (!m->store)
    need(startup_run(&m->config, &m->log, NULL, false, &m->store, &report, &err), &err, "start");
}

void moments_close(struct moments *m) {
  struct err err;
  need(store_close(m->store, &err), &err, "close");
  m->store = NULL;
}

/* Every seventh one is a retraction: for counts and roots its kind is all that matters. */
static void make_record(struct moments *m, struct buf *out, uint64_t seq) {
  static const unsigned char salt[SALT_SIZE] = {3};
  unsigned char content[DIGEST_SIZE], id[ID_SIZE], leaf[DIGEST_SIZE];
  struct server_section section = {.salt = span_of(salt, sizeof(salt))};
  struct buf server, body;
  struct merkle_block block;
  struct entry entry;
  struct err err;
  uint64_t now = clock_now(), time_us = now > m->time_us[seq - 1] ? now : m->time_us[seq - 1] + 1;
  uint8_t kind = seq % 7 == 3 ? ENTRY_RETRACTION : ENTRY_ASSERTION;
  struct span value = {0};
  size_t start = out->len;
  buf_init(&server, 1024);
  buf_init(&body, ENTRY_MAX_SIZE);
  entry_put_server(&server, &section);
  if (kind == ENTRY_ASSERTION) {
    buf_addf(&body, "{\"concept_path\":\"m/%llu\",\"predicate\":\"p\",\"value\":", (unsigned long long)time_us);
    size_t at = body.len;
    buf_add_byte(&body, '"');
    for (size_t i = 0; i < (seq % 97 == 5 ? 9000 : seq % 140); i++)
      buf_add_byte(&body, (unsigned char)('a' + seq % 26));
    buf_add_str(&body, "\"}");
    value = span_of(body.data + at, body.len - at - 1);
  } else
    buf_addf(&body, "{\"concept_path\":\"m/%llu\",\"reason\":\"r\"}", (unsigned long long)time_us);
  digest_content(content, buf_span(&body), value, salt);
  digest_id(id, kind, content, seq, time_us);
  entry_encode(out, kind, 0, seq, time_us, id, buf_span(&server), buf_span(&body));
  need(entry_decode(span_of(out->data + start, out->len - start), &entry, &err), &err, "entry");
  need(entry_verify(&entry, leaf, &err), &err, "entry");
  (void)merkle_push(&m->tree, leaf, &block);
  m->time_us[seq] = time_us;
  m->assertions[seq] = m->assertions[seq - 1] + (kind == ENTRY_ASSERTION);
  merkle_root(&m->tree, m->root[seq]);
  buf_free(&server);
  buf_free(&body);
}

void moments_append(struct moments *m, size_t count) {
  struct span records[APPEND_MAX];
  size_t ends[APPEND_MAX + 1] = {0};
  struct buf bytes;
  struct err err;
  if (count > APPEND_MAX || m->last_seq + count > MOMENTS_MAX)
    abort();
  open_store(m);
  buf_init(&bytes, BATCH_ROOM);
  for (size_t i = 0; i < count; i++) {
    make_record(m, &bytes, m->last_seq + 1 + i);
    ends[i + 1] = bytes.len;
  }
  for (size_t i = 0; i < count; i++)
    records[i] = span_of(bytes.data + ends[i], ends[i + 1] - ends[i]);
  need(history_append(m->store, records, m->last_seq + 1, count, &err), &err, "append");
  need(history_flush(m->store, &err), &err, "flush");
  m->last_seq += count;
  buf_free(&bytes);
}

/* The tree over the entries that are there. */
static void regrow(struct moments *m) {
  struct buf record;
  struct entry entry;
  struct err err;
  unsigned char leaf[DIGEST_SIZE];
  struct merkle_block block;
  bool found = false;
  m->tree = (struct merkle){.size = 0};
  buf_init(&record, ENTRY_MAX_SIZE);
  for (uint64_t seq = 1; seq <= m->last_seq; seq++) {
    need(history_get(m->store, seq, &record, &entry, &found, &err) || !found, &err, "reading");
    need(entry_verify(&entry, leaf, &err), &err, "entry");
    (void)merkle_push(&m->tree, leaf, &block);
  }
  buf_free(&record);
}

void moments_go_on(struct moments *m) {
  struct err err;
  open_store(m);
  need(history_last(m->store, &m->last_seq, &err), &err, "last");
  regrow(m);
}

void moments_backup(const struct moments *m, const char *path) {
  char id[FILEIO_PATH_MAX];
  struct backup_work work = {.config = &m->config, .log = &m->log, .begun_us = clock_now()};
  struct err err;
  snprintf(work.partial, sizeof(work.partial), "%s", path);
  need(fileio_mkdirs(path, 0750, &err), &err, "backup folder");
  need(tree_copy(m->config.data_dir, path, "wal", &err), &err, "copying wal");
  need(tree_copy(m->config.data_dir, path, "db", &err), &err, "copying db");
  snprintf(id, sizeof(id), "%s/wal/.id", path); /* db_hotbackup copies log files alone */
  unlink(id);
  need(backup_seal(&work, &err), &err, "sealing");
}

/* What no archiver is asked for here: how far it reaches. */
static void write_head(const struct moments *m, const char *folder, uint32_t number, uint64_t length) {
  struct archive_head head = {.last_seq = m->last_seq,
                              .time_us = m->time_us[m->last_seq],
                              .number = number,
                              .length = length,
                              .archived_us = clock_now()};
  char path[FILEIO_PATH_MAX];
  struct buf text;
  struct err err;
  buf_init(&text, 4096);
  archive_head_format(&head, &text);
  need(fileio_join(path, folder, ARCHIVE_HEAD_FILE, &err), &err, "head");
  need(fileio_replace(path, text.data, text.len, 0640, &err), &err, "head");
  buf_free(&text);
}

void moments_archive(const struct moments *m, const char *target) {
  char wal[FILEIO_PATH_MAX], folder[FILEIO_PATH_MAX], name[ARCHIVE_FOLDER_SIZE];
  struct wal_visitor nobody = {0};
  struct archive_name object;
  struct wal_file file = {0};
  struct mark mark;
  uint32_t *numbers = NULL;
  size_t count = 0;
  struct err err;
  bool found = false;
  need(mark_read(m->config.data_dir, &mark, &found, &err) || !found, &err, "mark");
  archive_folder_format(name, mark.history_id, mark.timeline, mark.branch);
  need(fileio_join(folder, target, name, &err), &err, "folder");
  need(fileio_join(wal, m->config.data_dir, "wal", &err), &err, "folder");
  need(walscan_list(wal, &numbers, &count, &err), &err, "listing");
  for (size_t i = 0; i < count; i++) {
    need(wal_walk_file(wal, numbers[i], &nobody, &file, &err), &err, "walking");
    need(archive_put(folder, wal, numbers[i], file.end, false, &object, &err), &err, "archiving");
  }
  write_head(m, folder, file.number, file.end);
  free(numbers);
}

bool moments_is_at(const struct moments *m, const char *data_dir, uint64_t seq) {
  struct config at = m->config;
  struct startup_report report;
  struct store *store = NULL;
  struct proof proof = {0};
  struct mark mark = {0};
  struct err err;
  bool found = false;
  snprintf(at.data_dir, sizeof(at.data_dir), "%s", data_dir);
  need(mark_read(data_dir, &mark, &found, &err) || !found, &err, "mark");
  need(startup_run(&at, &m->log, NULL, false, &store, &report, &err), &err, "start of what was restored");
  need(proof_compute(store, &proof, &err), &err, "proof");
  need(store_close(store, &err), &err, "close");
  return mark.seq == seq && proof.last_seq == seq && proof.assertion_count == m->assertions[seq] &&
         memcmp(proof.root, m->root[seq], DIGEST_SIZE) == 0;
}

void moments_timelines(const struct moments *m, struct history_meta *out) {
  struct store *store = NULL;
  struct err err;
  need(store_open_copy(m->config.data_dir, &m->log, &store, &err), &err, "opening");
  need(history_meta_read(store, out, &err), &err, "timelines");
  need(store_close(store, &err), &err, "close");
}
