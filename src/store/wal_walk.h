/*
 * One log file, record by record, read-only and without Berkeley DB. After damage it looks for the next sound record
 * and goes on from there, so that it tells damage (sound records follow) from a torn tail (nothing sound follows).
 */
#ifndef STORE_WAL_WALK_H
#define STORE_WAL_WALK_H

#include "base/err.h"
#include "base/span.h"
#include "store/bdb_format.h"

/* A sound record: its checksum is right, and its predecessor is where it says. */
struct wal_record {
  struct lsn lsn;
  uint32_t type, transaction;
  bool begins;      /* the first one of its transaction */
  struct span body; /* borrowed until the visitor returns */
};

enum wal_fault {
  WAL_SOUND,
  WAL_BAD_MAGIC,    /* the file does not begin as a log file */
  WAL_BAD_VERSION,  /* it is one, of a version that this program does not read */
  WAL_BAD_CHECKSUM, /* a record is not what was written, or records are missing */
  WAL_MISSING       /* the whole file */
};

struct wal_damage {
  enum wal_fault fault;
  struct lsn at;
};

struct wal_visitor {
  void *ctx;
  /* Both may be NULL; what they return other than 0 ends the walk. */
  int (*record)(void *ctx, const struct wal_record *record, struct err *err);
  int (*damage)(void *ctx, const struct wal_damage *damage, struct err *err);
};

/* What a walk found. */
struct wal_file {
  uint32_t number;
  uint64_t size;
  bool header_sound;
  bool empty;           /* nothing but zeros, or no bytes at all: the file had just been made */
  bool torn;            /* at `end` is something, but nothing sound */
  uint32_t header_prev; /* offset of the last record of the file before; if header_sound */
  uint32_t last;        /* offset of the last sound record */
  uint32_t end;         /* the first byte behind the last sound record */
};

/* Walks `dir`/log.NUMBER. Damage goes to the visitor as it is met, in ascending order; a torn tail is only told in
 * *out, since only the caller knows whether the file is the last one. ERR_NOTFOUND if there is no such file. */
NODISCARD int wal_walk_file(const char *dir, uint32_t number, const struct wal_visitor *visitor, struct wal_file *out,
                            struct err *err);

/* The same for a file of another name; it is taken for that number. */
NODISCARD int wal_walk_path(const char *path, uint32_t number, const struct wal_visitor *visitor, struct wal_file *out,
                            struct err *err);

/* Where the last record of the finished file `number` ends: the next file's header says where it begins. ERR_NOTFOUND
 * if one of the two is not there; ERR_CORRUPT if there is no record. */
NODISCARD int wal_file_end(const char *dir, uint32_t number, uint64_t *end, struct err *err);

/* Whether a sound record begins at `lsn`. False if the file is not there. */
NODISCARD int wal_walk_probe(const char *dir, struct lsn lsn, bool *found, struct err *err);

enum { WAL_NAME_SIZE = 16 };
/* log.0000000001 */
void wal_file_name(char out[WAL_NAME_SIZE], uint32_t number);

#endif
