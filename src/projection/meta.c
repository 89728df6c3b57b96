#include "projection/meta.h"

#include "base/bytes.h"

static const unsigned char magic[4] = {'S', 'T', 'M', 'p'};
const unsigned char meta_key[META_KEY_SIZE] = {'m', 'e', 't', 'a'};

void meta_encode(const struct meta *meta, unsigned char out[META_SIZE]) {
  unsigned char *p = out;
  memcpy(p, magic, 4);
  put_u32(p + 4, META_FORMAT);
  memcpy(p + 8, meta->history_id, HISTORY_ID_SIZE);
  p += 8 + HISTORY_ID_SIZE;
  put_u64(p, meta->branch);
  put_u64(p + 8, meta->applied_seq);
  memcpy(p + 16, meta->id, ID_SIZE);
  p += 16 + ID_SIZE;
  put_u64(p, meta->time_us);
  put_u64(p + 8, meta->assertion_count);
  put_u64(p + 16, meta->settings_seq);
  put_u64(p + 24, meta->retraction_count);
  put_u64(p + 32, meta->first_retraction_seq);
  put_u64(p + 40, meta->first_setting_seq);
}

bool meta_decode(struct span bytes, struct meta *out) {
  if (bytes.len != META_SIZE || memcmp(bytes.data, magic, 4) != 0 || get_u32(bytes.data + 4) != META_FORMAT)
    return false;
  const unsigned char *p = bytes.data + 8;
  memcpy(out->history_id, p, HISTORY_ID_SIZE);
  p += HISTORY_ID_SIZE;
  out->branch = get_u64(p);
  out->applied_seq = get_u64(p + 8);
  memcpy(out->id, p + 16, ID_SIZE);
  p += 16 + ID_SIZE;
  out->time_us = get_u64(p);
  out->assertion_count = get_u64(p + 8);
  out->settings_seq = get_u64(p + 16);
  out->retraction_count = get_u64(p + 24);
  out->first_retraction_seq = get_u64(p + 32);
  out->first_setting_seq = get_u64(p + 40);
  return true;
}

const char *meta_mismatch(const struct meta *meta, const struct history_meta *history, const unsigned char *id) {
  if (memcmp(meta->history_id, history->id, HISTORY_ID_SIZE) != 0)
    return "they are of another history";
  uint32_t i = 0;
  while (i < history->count && history->timelines[i].branch != meta->branch)
    i++;
  if (i == history->count)
    return "they are of a timeline that this history does not know";
  for (i++; i < history->count; i++)
    if (history->timelines[i].branched_at_seq < meta->applied_seq)
      return "they go beyond the seq where their timeline was left";
  if (meta->applied_seq == 0)
    return NULL;
  if (!id)
    return "they are ahead of the history";
  return memcmp(id, meta->id, ID_SIZE) == 0 ? NULL : "their last entry is not the history's";
}
