/*
 * A growable byte buffer with a hard cap. Appends never return an error: the first one that fails (no memory, or over
 * the cap) makes the buffer *failed*, later ones do nothing, and the owner asks once at the end with buf_check().
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
  unsigned char *data; /* owned; NULL while empty */
  size_t len, cap, max;
  bool failed;
};

/* An empty buffer that will hold at most `max` bytes. Nothing is allocated yet. */
void buf_init(struct buf *b, size_t max);
/* Frees the memory; the buffer is as after buf_init. Takes NULL. */
void buf_free(struct buf *b);
/* Empties it and clears `failed`; keeps the memory. */
void buf_reset(struct buf *b);
/* Room for `len` bytes at the end, counted as appended; NULL if failed. The pointer is good until the next append. */
unsigned char *buf_extend(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_span(struct buf *b, struct span s);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, unsigned char c);
void buf_add_u16(struct buf *b, uint16_t v); /* big-endian, as the two below */
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_dec(struct buf *b, uint64_t v);                   /* decimal digits */
void buf_add_hex(struct buf *b, const void *data, size_t len); /* lower-case hex digits */
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Removes the first `len` bytes (<= b->len). */
void buf_drop_front(struct buf *b, size_t len);
/* 0, or ERR_NOMEM if an append failed ("`what` is larger than N bytes"). */
NODISCARD int buf_check(const struct buf *b, const char *what, struct err *err);
static inline struct span buf_span(const struct buf *b) {
  return (struct span){b->data, b->len};
}

#endif
