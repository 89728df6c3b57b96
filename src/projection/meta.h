/* meta.kv: one record that tells what the projections hold, written in the same transaction as what they hold. */
#ifndef PROJECTION_META_H
#define PROJECTION_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "model/digest.h"
#include "model/timeline.h"

/* Any change of what any index holds gets a new number: other numbers are wiped and rebuilt. */
enum { META_FORMAT = 7, META_KEY_SIZE = 4, META_SIZE = 4 + 4 + HISTORY_ID_SIZE + 8 + 8 + ID_SIZE + 8 * 6 };

struct meta {
  unsigned char history_id[HISTORY_ID_SIZE];
  uint64_t branch;               /* of the timeline that was in force */
  uint64_t applied_seq;          /* 0: nothing yet */
  unsigned char id[ID_SIZE];     /* of that entry */
  uint64_t time_us;              /* likewise */
  uint64_t assertion_count;      /* among entries 1..applied_seq */
  uint64_t settings_seq;         /* of the last entry that may have changed a setting; 0: none */
  uint64_t first_setting_seq;    /* 0: nobody ever set anything */
  uint64_t retraction_count;     /* among entries 1..applied_seq */
  uint64_t first_retraction_seq; /* 0: none */
};

/* The key of the record, META_KEY_SIZE bytes. */
extern const unsigned char meta_key[META_KEY_SIZE];
/* magic "STMp", format u32, history id, branch, applied_seq, id, time, assertion count, settings_seq, retraction
 * count, first_retraction_seq, first_setting_seq; big-endian. */
void meta_encode(const struct meta *meta, unsigned char out[META_SIZE]);
/* False if it is not a record of this format. */
bool meta_decode(struct span bytes, struct meta *out);
/* NULL if what was applied is a beginning of this history up to the entry `id` at applied_seq (NULL: there is none),
 * else why not (constant text). */
const char *meta_mismatch(const struct meta *meta, const struct history_meta *history, const unsigned char *id);

#endif
