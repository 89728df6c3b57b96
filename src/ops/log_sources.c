#include "ops/log_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/tree.h"
#include "store/walscan.h"

static int add(struct log_sources *sources, const char *dir, uint32_t timeline, struct err *err) {
  struct log_source *larger = reallocarray(sources->items, sources->count + 1, sizeof(*larger));
  if (!larger)
    return err_set(err, ERR_NOMEM, "no memory for the logs of %s", sources->target);
  sources->items = larger;
  struct log_source *source = &larger[sources->count];
  *source = (struct log_source){.timeline = timeline};
  if (fileio_join(source->dir, dir, ".", err))
    return err->code;
  source->dir[strlen(dir)] = '\0';
  sources->count++;
  return 0;
}

int log_sources_open(const struct config *config, const struct log *log, const char *target,
                     const unsigned char history_id[HISTORY_ID_SIZE], uint32_t timeline, struct log_sources *out,
                     struct err *err) {
  uint32_t *numbers = NULL;
  size_t count = 0;
  (void)config, (void)log, (void)history_id, (void)timeline;
  *out = (struct log_sources){.items = NULL};
  if (strlen(target) >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s...", target);
  memcpy(out->target, target, strlen(target) + 1);
  int rc = walscan_list(target, &numbers, &count, err);
  free(numbers);
  if (rc)
    return rc;
  return count > 0 ? add(out, target, 0, err) : err_set(err, ERR_NOTFOUND, "there are no log files in %s", target);
}

void log_sources_close(struct log_sources *sources) {
  struct err ignored;
  int rc = sources->scratch[0] ? tree_remove(sources->scratch, &ignored) : 0;
  (void)rc; /* links and copies that nobody needs any more */
  free(sources->items);
  *sources = (struct log_sources){.items = NULL};
}

const struct log_source *log_sources_find(const struct log_sources *sources, uint32_t timeline) {
  for (size_t i = 0; i < sources->count; i++)
    if (sources->items[i].timeline == timeline || sources->items[i].timeline == 0)
      return &sources->items[i];
  return NULL;
}
