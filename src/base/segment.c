#include "base/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Raise it with every change of the layout, of the metrics area's too: a process of another build must not attach. */
enum { SEGMENT_VERSION = 3, CACHE_LINE = 64 };

static const char segment_magic[8] = {'S', 'T', 'E', 'M', 'E', 'S', 'E', 'G'};

enum { MARK_WORDS = (sizeof(struct watermark) + 7) / 8 };

/* A watermark as words that are read and written one by one, so that a reader whose slot is overwritten under it reads
 * garbage, which it notices, and no data race. */
struct mark_slot {
  alignas(CACHE_LINE) _Atomic uint64_t words[MARK_WORDS];
};

struct segment {
  char magic[8];
  uint32_t version;
  uint32_t mark_words;
  uint64_t size; /* of the whole file */
  uint64_t started_us;
  _Atomic uint32_t state;
  _Atomic uint32_t disk_full, stalled;
  _Atomic uint32_t log_hold, log_held;
  _Atomic uint64_t deadline_us;
  _Atomic uint64_t archived_seq;
  alignas(CACHE_LINE) _Atomic uint64_t generation; /* watermarks published so far; slots[generation % 2] is in force */
  struct mark_slot slots[2];
  alignas(CACHE_LINE) unsigned char metrics[];
};

static size_t segment_size(void) {
  return sizeof(struct segment) + metrics_size();
}

static void *map_shared(int fd, size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return p == MAP_FAILED ? NULL : p;
}

int segment_create(struct segment **out, int *fd, struct err *err) {
  size_t size = segment_size();
  int rc = 0;
  struct segment *seg = NULL;
  int file = memfd_create("stemedb", MFD_ALLOW_SEALING);
  if (file < 0)
    return err_sys(err, errno, "making the shared segment");
  /* Allocated, not only sized: a lack of memory is an error here instead of SIGBUS later. */
  int sys = posix_fallocate(file, 0, (off_t)size);
  if (sys) {
    rc = err_sys(err, sys, "allocating the shared segment");
    goto out;
  }
  if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
    rc = err_sys(err, errno, "sealing the shared segment");
    goto out;
  }
  seg = map_shared(file, size);
  if (!seg) {
    rc = err_sys(err, errno, "mapping the shared segment");
    goto out;
  }
  seg->version = SEGMENT_VERSION;
  seg->mark_words = MARK_WORDS;
  seg->size = size;
  seg->started_us = clock_monotonic();
  metrics_format(seg->metrics);
  memcpy(seg->magic, segment_magic, sizeof(segment_magic));
  *out = seg;
  *fd = file;
  file = -1;
out:
  if (file >= 0)
    close(file);
  return rc;
}

int segment_attach(int fd, struct segment **out, struct err *err) {
  struct stat st;
  size_t size = segment_size();
  if (fstat(fd, &st))
    return err_sys(err, errno, "looking at the shared segment (descriptor %d)", fd);
  if (st.st_size < 0 || (size_t)st.st_size != size)
    return err_set(err, ERR_INVALID, "descriptor %d is no shared segment of this version: %lld bytes, expected %zu", fd,
                   (long long)st.st_size, size);
  struct segment *seg = map_shared(fd, size);
  if (!seg)
    return err_sys(err, errno, "mapping the shared segment");
  if (memcmp(seg->magic, segment_magic, sizeof(segment_magic)) != 0 || seg->version != SEGMENT_VERSION ||
      seg->mark_words != MARK_WORDS || seg->size != size) {
    munmap(seg, size);
    return err_set(err, ERR_INVALID, "descriptor %d is no shared segment of this version", fd);
  }
  *out = seg;
  return 0;
}

void segment_close(struct segment *seg) {
  if (seg)
    munmap(seg, segment_size());
}

enum node_state segment_state(const struct segment *seg) {
  return (enum node_state)atomic_load(&seg->state);
}

void segment_set_state(struct segment *seg, enum node_state state) {
  atomic_store(&seg->state, (uint32_t)state);
}

uint64_t segment_started(const struct segment *seg) {
  return seg->started_us;
}

bool segment_disk_full(const struct segment *seg) {
  return atomic_load(&seg->disk_full) != 0;
}

void segment_set_disk_full(struct segment *seg, bool full) {
  atomic_store(&seg->disk_full, full ? 1U : 0U);
}

bool segment_stalled(const struct segment *seg) {
  return atomic_load(&seg->stalled) != 0;
}

void segment_set_stalled(struct segment *seg, bool stalled) {
  atomic_store(&seg->stalled, stalled ? 1U : 0U);
}

void segment_set_deadline(struct segment *seg, uint64_t deadline_us) {
  atomic_store(&seg->deadline_us, deadline_us);
}

uint64_t segment_deadline(const struct segment *seg) {
  return atomic_load(&seg->deadline_us);
}

bool segment_log_hold(const struct segment *seg) {
  return atomic_load(&seg->log_hold) != 0;
}

void segment_set_log_hold(struct segment *seg, bool wanted) {
  atomic_store(&seg->log_hold, wanted ? 1U : 0U);
}

bool segment_log_held(const struct segment *seg) {
  return atomic_load(&seg->log_held) != 0;
}

void segment_set_log_held(struct segment *seg, bool held) {
  atomic_store(&seg->log_held, held ? 1U : 0U);
}

uint64_t segment_archived_seq(const struct segment *seg) {
  return atomic_load(&seg->archived_seq);
}

void segment_set_archived_seq(struct segment *seg, uint64_t seq) {
  atomic_store(&seg->archived_seq, seq);
}

void segment_publish(struct segment *seg, const struct watermark *mark) {
  uint64_t words[MARK_WORDS] = {0};
  memcpy(words, mark, sizeof(*mark));
  uint64_t next = atomic_load_explicit(&seg->generation, memory_order_relaxed) + 1;
  struct mark_slot *slot = &seg->slots[next % 2];
  /* Orders the former flip before these stores: who sees one of them sees that generation, and reads again. */
  atomic_thread_fence(memory_order_release);
  for (size_t i = 0; i < MARK_WORDS; i++)
    atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
  atomic_store_explicit(&seg->generation, next, memory_order_release);
}

void segment_watermark(const struct segment *seg, struct watermark *out) {
  uint64_t words[MARK_WORDS];
  uint64_t before, after;
  do {
    before = atomic_load_explicit(&seg->generation, memory_order_acquire);
    const struct mark_slot *slot = &seg->slots[before % 2];
    for (size_t i = 0; i < MARK_WORDS; i++)
      words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    after = atomic_load_explicit(&seg->generation, memory_order_relaxed);
    /* The slot is overwritten by the publication after the next one, which begins after the next flip. */
  } while (before != after);
  memcpy(out, words, sizeof(*out));
}

struct metrics *segment_metrics(struct segment *seg) {
  return (struct metrics *)seg->metrics;
}
