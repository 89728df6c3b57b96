/* The identity of a history: its id, and the table of its timelines. */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum { HISTORY_ID_SIZE = 16, TIMELINES_MAX = 4096, HISTORY_NAME_SIZE = 64 };

/* Each restore, and each accepted loss, opens a new one. */
struct timeline {
  uint32_t number;          /* for people: 1, 2, 3 … */
  uint64_t branch;          /* random */
  uint64_t branched_at_seq; /* last seq that it shares with the one before it; 0 for the first */
  uint64_t time_us;         /* when it was opened */
};

struct history_meta {
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t count;             /* at least 1 */
  struct timeline *timelines; /* owned: malloc */
};

/* The value of key 0 of assertions.kv: magic "STMh", format u8 1, id, count u32, {number u32, branch u64,
 * branched_at_seq u64, time u64} each, CRC-32C. Big-endian. */
void history_meta_encode(const struct history_meta *meta, struct buf *out);
/* ERR_CORRUPT, or ERR_NEWER: it is whole, and of a later format. *out is the caller's (history_meta_free). */
NODISCARD int history_meta_decode(struct span bytes, struct history_meta *out, struct err *err);
void history_meta_free(struct history_meta *meta);
/* A fresh history: random id, timeline 1. */
NODISCARD int history_meta_create(struct history_meta *out, struct err *err);
/* Appends a timeline with a random branch; its number is the greatest so far (or `at_least` - 1, if that is greater)
 * plus 1. */
NODISCARD int history_meta_branch(struct history_meta *meta, uint64_t branched_at_seq, uint32_t at_least,
                                  struct err *err);
/* The last seq that the timeline at `index` of the table gave to the history in force: those after it kept only what
 * was there where they branched off. UINT64_MAX for the one in force. */
uint64_t history_meta_limit(const struct history_meta *meta, uint32_t index);
/* What two tables have in common: *rows timelines from the first on (0: different histories), and entries up to what is
 * returned (UINT64_MAX: one table begins with the other's in force, and as far as that goes). */
uint64_t history_meta_shared(const struct history_meta *a, const struct history_meta *b, uint32_t *rows);
NODISCARD int history_meta_copy(const struct history_meta *meta, struct history_meta *out, struct err *err);
/* The timeline in force. */
const struct timeline *history_meta_current(const struct history_meta *meta);
/* `HISTORY_ID.TIMELINE-BRANCH`: 32 hex digits, '.', decimal, '-', 16 hex digits. */
void history_name(char out[HISTORY_NAME_SIZE], const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                  uint64_t branch);
/* Parses such a name; false if it is not one. */
bool history_name_parse(struct span name, unsigned char id[HISTORY_ID_SIZE], uint32_t *timeline, uint64_t *branch);

#endif
