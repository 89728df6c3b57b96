#include "domain/inactive.h"

#include <stdlib.h>

/* Stands for a block that has no inactive entry. */
static const struct retracted_block all_active = {.count = 0};

int inactive_open(struct inactive *inactive, const struct reader *reader, const struct watermark *mark,
                  uint64_t snapshot, struct err *err) {
  *inactive = (struct inactive){.reader = reader, .snapshot = snapshot};
  inactive->none = mark->first_retraction_seq == 0 || mark->first_retraction_seq > snapshot;
  if (inactive->none)
    return 0;
  inactive->count = snapshot / RETRACTED_BLOCK + 1;
  inactive->blocks = calloc(inactive->count, sizeof(*inactive->blocks));
  return inactive->blocks ? 0 : err_set(err, ERR_NOMEM, "no memory for what was retracted");
}

void inactive_close(struct inactive *inactive) {
  for (uint64_t i = 0; inactive->blocks && i < inactive->count; i++)
    if (inactive->blocks[i] != &all_active)
      free(inactive->blocks[i]);
  free(inactive->blocks);
  inactive->blocks = NULL;
}

static int read_block(struct inactive *inactive, uint64_t number, struct err *err) {
  struct retracted_block *block = malloc(sizeof(*block));
  if (!block)
    return err_set(err, ERR_NOMEM, "no memory for what was retracted");
  int code = retracted_read(inactive->reader, number, inactive->snapshot, block, err);
  if (code || block->count == 0) {
    free(block);
    block = code ? NULL : (struct retracted_block *)(uintptr_t)&all_active;
  }
  inactive->blocks[number] = block;
  return code;
}

int inactive_block(struct inactive *inactive, uint64_t number, const struct retracted_block **out, struct err *err) {
  *out = NULL;
  if (inactive->none || number >= inactive->count)
    return 0;
  int code = inactive->blocks[number] ? 0 : read_block(inactive, number, err);
  if (!code && inactive->blocks[number] != &all_active)
    *out = inactive->blocks[number];
  return code;
}
