/*
 * Berkeley DB 5.3's files as bytes: what our own readers of logs and pages need to know, so that they never join an
 * environment (one bad record read through the library panics it for everybody). Integers are in the machine's byte
 * order. Source: Berkeley DB 5.3.28, src/dbinc/log.h, src/dbinc/db_page.h, src/db/db.src, src/btree/btree.src,
 * src/txn/txn.src, src/dbreg/dbreg.src.
 */
#ifndef STORE_BDB_FORMAT_H
#define STORE_BDB_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A log sequence number: where a record begins. */
struct lsn {
  uint32_t file, offset;
};

/* Log files: every record is {prev u32, len u32 (header included), checksum u32}, then the body {type u32, transaction
 * u32, the transaction's previous LSN, …}. The first record of a file has the body {magic, version, file size, 0}. */
enum {
  LOG_RECORD_HEADER = 12,
  LOG_RECORD_LEAST = 28, /* header, type, transaction, previous LSN; also the first record's size */
  LOG_FILE_HEADER = 28,
  LOG_MAGIC = 0x040988,
  LOG_MAGIC_AT = 12,
  LOG_VERSION = 19,
  LOG_VERSION_AT = 16,
  LOG_TYPE_LIMIT = 200 /* above all types of the library */
};

enum log_type {
  LOG_DBREG_REGISTER = 2, /* opcode, {name}, {file id}, … */
  LOG_TXN_REGOP = 10,     /* opcode: 1 commit, 3 abort; seconds since 1970 */
  LOG_TXN_CKP = 11,       /* LSN that recovery begins at, LSN of the checkpoint before, … */
  LOG_DB_ADDREM = 41,     /* opcode, file, page, index, bytes, {item header}, {item}, page LSN */
  LOG_DB_BIG = 43,        /* opcode, file, page, previous page, next page, {bytes}, … */
  LOG_DB_CKSUM = 51,      /* a page's checksum was found wrong */
  LOG_BAM_SPLIT = 62      /* …, {image of the page before it was split}, … */
};

/* Pages. */
enum {
  PAGE_LSN_AT = 0,
  PAGE_PGNO_AT = 8,
  PAGE_PREV_AT = 12,
  PAGE_NEXT_AT = 16,
  PAGE_ENTRIES_AT = 20,
  PAGE_FREE_AT = 22,  /* on an overflow page: bytes of the item here */
  PAGE_LEVEL_AT = 24, /* 1 for leaves */
  PAGE_TYPE_AT = 25,
  PAGE_SUM_AT = 28, /* of the whole page, these four bytes taken as 0 */
  PAGE_HEADER = 32, /* with checksum */
  PAGE_INTERNAL = 3,
  PAGE_LEAF = 5,
  PAGE_OVERFLOW = 7,
  META_MAGIC_AT = 12,
  META_BTREE_MAGIC = 0x053162,
  META_PAGE_SIZE_AT = 20,
  META_BTREE = 9, /* page type */
  META_FLAGS_AT = 26,
  META_FLAG_CHECKSUM = 1,
  META_LAST_PAGE_AT = 32,
  META_ROOT_AT = 88, /* of the tree: page number */
  META_FILE_ID_AT = 52,
  META_FILE_ID_SIZE = 20,
  META_SUM_AT = 492, /* of the first 512 bytes, these four taken as 0 */
  META_SIZE = 512,
  ITEM_DATA = 1,     /* {length u16, type u8}, bytes */
  ITEM_OVERFLOW = 3, /* {u16, type u8, u8, page u32, length u32} */
  ITEM_TYPE_AT = 2,
  ITEM_DATA_AT = 3,
  ITEM_OVERFLOW_SIZE = 12,
  ITEM_DELETED = 0x80, /* or-ed to the type: no longer there */
  ITEM_CHILD_AT = 4    /* on an internal page: {length u16, type u8, u8, page u32, records u32, bytes} */
};

static inline uint32_t bdb_u32(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof(v));
  return v;
}

static inline uint16_t bdb_u16(const unsigned char *p) {
  uint16_t v;
  memcpy(&v, p, sizeof(v));
  return v;
}

static inline struct lsn bdb_lsn(const unsigned char *p) {
  return (struct lsn){bdb_u32(p), bdb_u32(p + 4)};
}

/* <0, 0, >0 */
static inline int lsn_compare(struct lsn a, struct lsn b) {
  if (a.file != b.file)
    return a.file < b.file ? -1 : 1;
  return (a.offset > b.offset) - (a.offset < b.offset);
}

/* Berkeley DB's checksum without encryption, __ham_func4 (src/hash/hash_func.c): h = h * 33 + byte, modulo 2^32.
 * Continues from `h`; 0 to begin. */
uint32_t bdb_sum(uint32_t h, const void *data, size_t len);

/* Whether all bytes are 0. */
bool bdb_is_zero(const unsigned char *data, size_t len);

/* The first record of a log file: magic, version and size, as Berkeley DB writes it. `prev` is the offset of the last
 * record of the file before it, 0 if there is none. */
void bdb_file_header(unsigned char out[LOG_FILE_HEADER], uint32_t prev, uint32_t file_size);

#endif
