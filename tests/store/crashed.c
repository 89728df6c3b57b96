#include "tests/store/crashed.h"

#include <db.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/entry.h"
#include "store/group.h"
#include "store/internal.h"
#include "store/mark.h"
#include "store/wal_walk.h"

enum { PAGE_BYTES = STORE_PAGE_SIZE, TIME_BASE = 1700000000 };

static void need(bool ok, const char *what) {
  if (ok)
    return;
  perror(what);
  abort();
}

static size_t value_size(uint64_t seq) {
  if (seq % 89 == 0)
    return 20000;
  return seq % 31 == 0 ? 3000 : 20 + (size_t)(seq % 150);
}

void crashed_record(struct buf *out, uint64_t seq) {
  static const unsigned char salt[SALT_SIZE] = {7};
  unsigned char content[DIGEST_SIZE], id[ID_SIZE];
  struct server_section section = {.salt = span_of(salt, sizeof salt)};
  struct buf server, body;
  size_t size = value_size(seq);
  uint64_t time_us = (uint64_t)TIME_BASE * 1000000 + seq * 1000;
  buf_init(&server, 1024);
  buf_init(&body, ENTRY_MAX_SIZE);
  entry_put_server(&server, &section);
  buf_addf(&body, "{\"concept_path\":\"test/%llu\",\"predicate\":\"p\",\"value\":", (unsigned long long)seq);
  size_t at = body.len;
  buf_add_byte(&body, '"');
  unsigned char *fill = buf_extend(&body, size);
  need(fill != NULL, "memory");
  memset(fill, 'a' + (int)(seq % 26), size);
  buf_add_byte(&body, '"');
  buf_add_byte(&body, '}');
  struct span value = span_of(body.data + at, body.len - at - 1);
  digest_content(content, buf_span(&body), value, salt);
  digest_id(id, ENTRY_ASSERTION, content, seq, time_us);
  entry_encode(out, ENTRY_ASSERTION, 0, seq, time_us, id, buf_span(&server), buf_span(&body));
  buf_free(&server);
  buf_free(&body);
}

static DB_ENV *open_environment(const char *data_dir, uint64_t cache_bytes, uint32_t flags) {
  DB_ENV *env = NULL;
  uint32_t cache = cache_bytes ? (uint32_t)cache_bytes : 8 << 20;
  need(db_env_create(&env, 0) == 0, "db_env_create");
  env->set_errfile(env, stderr);
  need(env->set_lg_bsize(env, CRASHED_LOG_BYTES / 8) == 0 && env->set_lg_max(env, CRASHED_LOG_BYTES) == 0 &&
           env->set_cachesize(env, 0, cache, 1) == 0 &&
           env->open(env, data_dir, flags | DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN,
                     0640) == 0,
       "opening an environment");
  return env;
}

static DB *open_history(DB_ENV *env) {
  DB *db = NULL;
  need(db_create(&db, env, 0) == 0 && db->set_pagesize(db, PAGE_BYTES) == 0 && db->set_flags(db, DB_CHKSUM) == 0 &&
           db->open(db, NULL, STORE_HISTORY_FILE, NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT, 0640) == 0,
       "opening assertions.kv");
  return db;
}

static void put(DB *db, DB_TXN *txn, uint64_t seq, struct span record) {
  unsigned char bytes[8];
  put_u64(bytes, seq);
  DBT key = {.data = bytes, .size = sizeof bytes};
  DBT value = {.data = (void *)(uintptr_t)record.data, .size = (uint32_t)record.len};
  need(db->put(db, txn, &key, &value, 0) == 0, "putting");
}

/* One transaction, stored in groups as the committer does (store/group.h). */
static void write_batch(DB_ENV *env, DB *db, uint64_t first, size_t count, bool commit) {
  struct buf bytes;
  struct span *records = calloc(count, sizeof *records);
  size_t *ends = calloc(count + 1, sizeof *ends);
  DB_TXN *txn = NULL;
  buf_init(&bytes, (size_t)64 << 20);
  need(records && ends && env->txn_begin(env, NULL, &txn, 0) == 0, "beginning");
  for (size_t i = 0; i < count; i++) {
    crashed_record(&bytes, first + i);
    ends[i + 1] = bytes.len;
  }
  for (size_t i = 0; i < count; i++)
    records[i] = span_of(bytes.data + ends[i], ends[i + 1] - ends[i]);
  for (size_t done = 0, taken; done < count; done += taken) {
    taken = group_take(records + done, count - done);
    put(db, txn, first + done + taken - 1, span_of(bytes.data + ends[done], ends[done + taken] - ends[done]));
  }
  need(!commit || txn->commit(txn, DB_TXN_NOSYNC) == 0, "committing");
  buf_free(&bytes);
  free(records);
  free(ends);
}

static void write_entries(DB_ENV *env, DB *db, uint64_t from, const struct crash_plan *plan) {
  for (uint64_t seq = from; seq <= plan->entries;) {
    uint64_t left = plan->entries - seq + 1;
    size_t count = (size_t)(left < plan->per_txn ? left : plan->per_txn);
    write_batch(env, db, seq, count, true);
    seq += count;
    if (plan->checkpoint_at && seq > plan->checkpoint_at && seq - count <= plan->checkpoint_at)
      need(env->txn_checkpoint(env, 0, 0, DB_FORCE) == 0, "checkpointing");
  }
  need(env->log_flush(env, NULL) == 0, "flushing");
  if (plan->uncommitted > 0) {
    write_batch(env, db, plan->entries + 1, plan->uncommitted, false);
    need(env->memp_sync(env, NULL) == 0, "writing pages");
  }
}

static void write_mark(const char *data_dir, const struct history_meta *meta, uint64_t seq) {
  const struct timeline *current = history_meta_current(meta);
  struct mark mark = {.seq = seq, .timeline = current->number, .branch = current->branch};
  struct err err;
  int fd = -1;
  memcpy(mark.history_id, meta->id, sizeof mark.history_id);
  need(mark_open(data_dir, true, &fd, &err) == 0 && mark_write(fd, &mark, &err) == 0, "writing the mark");
  close(fd);
}

static void write_identity(DB *db, const char *data_dir, uint64_t seq) {
  struct history_meta meta;
  struct err err;
  struct buf value;
  buf_init(&value, 4096);
  need(history_meta_create(&meta, &err) == 0, "making an identity");
  history_meta_encode(&meta, &value);
  put(db, NULL, 0, buf_span(&value));
  write_mark(data_dir, &meta, seq);
  history_meta_free(&meta);
  buf_free(&value);
}

static void run_writer(const char *data_dir, uint64_t from, const struct crash_plan *plan) {
  struct err err;
  struct mark mark;
  bool found = false;
  int fd = -1;
  need(store_make_folders(data_dir, &err) == 0 && store_write_db_config(data_dir, &err) == 0, "making folders");
  DB_ENV *env = open_environment(data_dir, plan->cache_bytes, from > 1 ? DB_RECOVER : 0);
  DB *db = open_history(env);
  if (from == 1)
    write_identity(db, data_dir, plan->entries);
  write_entries(env, db, from, plan);
  need(mark_read(data_dir, &mark, &found, &err) == 0 && found, "reading the mark");
  mark.seq = plan->entries;
  need(mark_open(data_dir, false, &fd, &err) == 0 && mark_write(fd, &mark, &err) == 0, "writing the mark");
}

void crashed_go_on(const char *data_dir, uint64_t from, const struct crash_plan *plan) {
  int status = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    run_writer(data_dir, from, plan);
    _exit(0);
  }
  need(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the writing child");
}

void crashed_create(const char *data_dir, const struct crash_plan *plan) {
  crashed_go_on(data_dir, 1, plan);
}

static char copy_from[PATH_MAX], copy_to[PATH_MAX];

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  char to[2 * PATH_MAX];
  (void)ftw;
  snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
  if (type == FTW_D)
    return mkdir(to, 0750) == 0 || access(to, W_OK) == 0 ? 0 : -1;
  int in = open(path, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  ssize_t n = 0;
  for (off_t left = st->st_size; in >= 0 && out >= 0 && left > 0 && n >= 0; left -= n)
    n = copy_file_range(in, NULL, out, NULL, (size_t)left, 0);
  close(in);
  close(out);
  return in < 0 || out < 0 || n < 0 ? -1 : 0;
}

void crashed_copy(const char *from, const char *to) {
  snprintf(copy_from, sizeof copy_from, "%s", from);
  snprintf(copy_to, sizeof copy_to, "%s", to);
  need(nftw(from, copy_one, 16, FTW_PHYS) == 0, "copying");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

void crashed_remove(const char *path) {
  need(access(path, F_OK) != 0 || nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "removing");
}

static char *paths[1024];
static size_t path_count;

static void free_paths(void) {
  while (path_count > 0)
    free(paths[--path_count]);
}

const char *crashed_path(const char *dir, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  for (size_t i = 0; i < path_count; i++)
    if (strcmp(paths[i], path) == 0)
      return paths[i];
  need(path_count < sizeof paths / sizeof paths[0], "too many paths");
  if (path_count == 0)
    atexit(free_paths);
  return paths[path_count++] = strdup(path);
}

const char *crashed_log(const char *data_dir, uint32_t number) {
  char name[WAL_NAME_SIZE];
  wal_file_name(name, number);
  return crashed_path(crashed_path(data_dir, "wal"), name);
}

uint64_t crashed_size(const char *path) {
  struct stat st;
  need(stat(path, &st) == 0, path);
  return (uint64_t)st.st_size;
}

void crashed_flip(const char *path, uint64_t offset) {
  unsigned char byte;
  int fd = open(path, O_RDWR);
  need(fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1, path);
  byte ^= 0x10;
  need(pwrite(fd, &byte, 1, (off_t)offset) == 1, path);
  close(fd);
}

void crashed_fill(const char *path, uint64_t offset, uint64_t len, int byte) {
  unsigned char block[4096];
  int fd = open(path, O_RDWR);
  need(fd >= 0, path);
  memset(block, byte, sizeof block);
  for (uint64_t n; len > 0; len -= n, offset += n) {
    n = len < sizeof block ? len : sizeof block;
    need(pwrite(fd, block, n, (off_t)offset) == (ssize_t)n, path);
  }
  close(fd);
}

void crashed_truncate(const char *path, uint64_t size) {
  need(truncate(path, (off_t)size) == 0, path);
}
