/*
 * What the history costs: durable commits of 1, 16, 64 and 1,000 entries, bytes of log and of file an entry, reading in
 * bulk and one by one, recovery of a log.
 *
 *   bench_store DIR [SECONDS [BYTES]]
 *
 * makes homes below DIR (on the disk to measure; it must exist) and removes them. SECONDS (2) a row, records of BYTES
 * (350). CPU is this process's, user and system. The raw row is the disk's own answer in the same minute: the same
 * bytes appended to a file, with one fdatasync(2) each.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/internal.h"

struct bench {
  struct config config;
  struct log log;
  const char *dir;
  char home[FILEIO_PATH_MAX];
  double seconds;
  size_t record_size;
};

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "bench_store: %s\n", err->text);
  exit(1);
}

static double cpu_us(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return 1e6 * (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static struct store *open_home(struct bench *b) {
  struct err err;
  struct store *store = NULL;
  need(env_open_writer(&b->config, &b->log, NULL, RECOVER_NORMAL, &store, &err), &err);
  return store;
}

static struct store *make_home(struct bench *b) {
  struct err err;
  snprintf(b->home, sizeof b->home, "%s/bench-store-%d", b->dir, (int)getpid());
  need(config_defaults(&b->config, b->home, &err), &err);
  b->config.history_cache_bytes = 128 << 20; /* what is read below is to be in it */
  need(store_init(&b->config, &b->log, &err), &err);
  return open_home(b);
}

static void remove_home(struct bench *b) {
  nftw(b->home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Bytes ever written to the log of this environment. */
static uint64_t log_bytes(struct store *store) {
  DB_LOG_STAT *stat = NULL;
  if (store->env.handle->log_stat(store->env.handle, &stat, 0))
    exit(1);
  uint64_t bytes = ((uint64_t)stat->st_w_mbytes << 20) + stat->st_w_bytes;
  free(stat);
  return bytes;
}

static uint64_t file_bytes(struct bench *b) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  struct stat st;
  need(store_path(path, b->config.data_dir, STORE_DB_DIR, STORE_HISTORY_FILE, &err), &err);
  return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* Encodes entries first..first+count-1 behind one another; records[] borrow. */
static void encode(struct bench *b, struct buf *out, struct span *records, uint64_t first, size_t count) {
  static const unsigned char body[ENTRY_MAX_SIZE];
  unsigned char id[ID_SIZE] = {1};
  size_t size = b->record_size;
  buf_reset(out);
  for (size_t i = 0; i < count; i++)
    entry_encode(out, ENTRY_ASSERTION, 0, first + i, (first + i) * 10, id, span_of(NULL, 0),
                 span_of(body, size - ENTRY_OVERHEAD));
  for (size_t i = 0; i < count; i++)
    records[i] = span_of(out->data + i * size, size);
}

/* The disk alone: as many bytes a write as a batch has, synced each. */
static double raw_rate(struct bench *b, size_t bytes) {
  char path[FILEIO_PATH_MAX];
  uint64_t n = 0, start = clock_monotonic(), end = start + (uint64_t)(b->seconds * 5e5);
  void *data = calloc(1, bytes);
  struct err err;
  need(fileio_join(path, b->home, "raw", &err), &err);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  while (clock_monotonic() < end && write(fd, data, bytes) > 0 && fdatasync(fd) == 0)
    n++;
  close(fd);
  free(data);
  return (double)n * 1e6 / (double)(clock_monotonic() - start);
}

static void commit_row(struct bench *b, size_t batch) {
  struct err err;
  struct buf bytes;
  struct span *records = calloc(batch, sizeof *records);
  struct store *store = make_home(b);
  buf_init(&bytes, (size_t)1 << 30);
  need(store_checkpoint(store, 0, NULL, &err), &err);
  uint64_t seq = 1, commits = 0, log_start = log_bytes(store), file_start = file_bytes(b);
  double cpu = cpu_us(), encoding = 0;
  uint64_t start = clock_monotonic(), end = start + (uint64_t)(b->seconds * 1e6), worst = 0;
  while (clock_monotonic() < end) {
    double before = cpu_us();
    encode(b, &bytes, records, seq, batch);
    encoding += cpu_us() - before;
    uint64_t began = clock_monotonic();
    need(history_append(store, records, seq, batch, &err), &err);
    need(history_flush(store, &err), &err);
    uint64_t took = clock_monotonic() - began;
    worst = took > worst ? took : worst;
    seq += batch;
    commits++;
  }
  double elapsed = (double)(clock_monotonic() - start), entries = (double)(seq - 1);
  cpu = cpu_us() - cpu - encoding;
  double logged = (double)(log_bytes(store) - log_start) / entries;
  need(store_checkpoint(store, 0, NULL, &err), &err);
  double stored = (double)(file_bytes(b) - file_start) / entries;
  double raw = raw_rate(b, (size_t)(logged * (double)batch));
  printf("| %5zu | %7.0f | %8.0f | %7.0f | %6.1f | %6.2f | %6.0f | %6.0f | %6.1f |\n", batch,
         (double)commits * 1e6 / elapsed, entries * 1e6 / elapsed, raw, cpu / (double)commits, cpu / entries, logged,
         stored, (double)worst / 1000);
  fflush(stdout);
  need(store_close(store, &err), &err);
  remove_home(b);
  free(records);
  buf_free(&bytes);
}

/* Fills a store with `entries` in batches, the last part after a checkpoint if `checkpoint_at` is not 0. */
static struct store *fill(struct bench *b, uint64_t entries, size_t batch) {
  struct err err;
  struct buf bytes;
  struct span *records = calloc(batch, sizeof *records);
  struct store *store = make_home(b);
  buf_init(&bytes, (size_t)1 << 30);
  for (uint64_t seq = 1; seq <= entries; seq += batch) {
    encode(b, &bytes, records, seq, batch);
    need(history_append(store, records, seq, batch, &err), &err);
    need(history_flush(store, &err), &err);
  }
  free(records);
  buf_free(&bytes);
  return store;
}

static void read_row(struct bench *b, struct store *store, const char *what, uint64_t entries, size_t step) {
  struct err err;
  struct buf out;
  struct entry entry;
  uint64_t n = 0;
  size_t count = 0;
  buf_init(&out, 64 << 20);
  double cpu = cpu_us();
  for (uint64_t seq = 1; seq <= entries; seq += count) {
    need(history_read(store, seq, entries, step, &out, &count, &err), &err);
    struct span rest = buf_span(&out);
    while (rest.len > 0)
      need(history_next(&rest, &entry, &err), &err);
    n += count;
  }
  cpu = cpu_us() - cpu;
  printf("| %-40s | %8.2f |\n", what, cpu / (double)n);
  buf_free(&out);
  (void)b;
}

static void get_row(struct store *store, uint64_t entries) {
  struct err err;
  struct buf out;
  struct entry entry;
  bool found = false;
  enum { GETS = 200000 };
  uint64_t seq = 1;
  buf_init(&out, ENTRY_MAX_SIZE);
  double cpu = cpu_us();
  for (int i = 0; i < GETS; i++) {
    seq = (seq * 6364136223846793005u + 1442695040888963407u);
    need(history_get(store, 1 + (seq >> 33) % entries, &out, &entry, &found, &err), &err);
  }
  printf("| %-40s | %8.2f |\n", "one entry, checked", (cpu_us() - cpu) / GETS);
  cpu = cpu_us();
  for (int i = 0; i < GETS / 10; i++) {
    seq = (seq * 6364136223846793005u + 1442695040888963407u);
    uint64_t at = 0;
    need(history_seq_at(store, (int64_t)((seq >> 33) % entries * 10), entries, &at, &err), &err);
  }
  printf("| %-40s | %8.2f |\n", "time to seq", (cpu_us() - cpu) / (GETS / 10));
  buf_free(&out);
}

static void read_rows(struct bench *b, uint64_t entries, size_t batch) {
  struct err err;
  struct store *store = fill(b, entries, batch);
  printf("\nReading %" PRIu64 " entries, stored in batches of %zu:\n\n| what | CPU us each |\n|---|---|\n", entries,
         batch);
  read_row(b, store, "in bulk, 1 MiB a call, checked", entries, 1 << 20);
  read_row(b, store, "in bulk, 64 KiB a call, checked", entries, 64 << 10);
  get_row(store, entries);
  need(store_close(store, &err), &err);
  remove_home(b);
}

static void recovery_row(struct bench *b, uint64_t entries, size_t batch) {
  struct err err;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    fill(b, entries, batch);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  snprintf(b->home, sizeof b->home, "%s/bench-store-%d", b->dir, (int)pid);
  need(config_defaults(&b->config, b->home, &err), &err);
  struct wal_usage usage;
  need(store_wal_usage(b->config.data_dir, &usage, &err), &err);
  uint64_t start = clock_monotonic();
  struct store *store = open_home(b);
  double seconds = (double)(clock_monotonic() - start) / 1e6;
  printf("\nRecovery of %.0f MB of log (%" PRIu64 " entries in batches of %zu, no checkpoint): %.2f s\n",
         (double)usage.bytes / 1e6, entries, batch, seconds);
  need(store_close(store, &err), &err);
  remove_home(b);
}

int main(int argc, char **argv) {
  static const size_t batches[] = {1, 4, 16, 64, 1000};
  struct bench b = {.dir = argc > 1 ? argv[1] : NULL,
                    .seconds = argc > 2 ? strtod(argv[2], NULL) : 2,
                    .record_size = argc > 3 ? strtoul(argv[3], NULL, 10) : 350};
  if (!b.dir || b.seconds <= 0 || b.record_size < ENTRY_OVERHEAD || b.record_size > ENTRY_MAX_SIZE) {
    fprintf(stderr, "usage: bench_store DIR [SECONDS [BYTES]]\n");
    return 2;
  }
  log_open(&b.log, open("/dev/null", O_WRONLY | O_CLOEXEC), "bench");
  printf("Records of %zu bytes, %.1f s a row:\n\n", b.record_size, b.seconds);
  printf("| batch | commits/s | entries/s | raw append+fdatasync/s | CPU us a commit | an entry | log bytes an entry | "
         "file bytes an entry | worst commit ms |\n|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
    commit_row(&b, batches[i]);
  read_rows(&b, 100000, 1000);
  read_rows(&b, 50000, 1);
  recovery_row(&b, 200000, 1000);
  recovery_row(&b, 50000, 1);
  return 0;
}
