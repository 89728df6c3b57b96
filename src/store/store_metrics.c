#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

/* history="ID", read at the first use. */
static int find_label(struct store *store, struct err *err) {
  struct history_meta meta = {0};
  struct buf label;
  if (store->history_label[0])
    return 0;
  int code = history_meta_read(store, &meta, err);
  if (code)
    return code;
  buf_init(&label, sizeof store->history_label - 1);
  buf_add_str(&label, "history=\"");
  buf_add_hex(&label, meta.id, sizeof meta.id);
  buf_add_byte(&label, '"');
  if (!(code = buf_check(&label, "a label", err)))
    memcpy(store->history_label, label.data, label.len);
  buf_free(&label);
  history_meta_free(&meta);
  return code;
}

static int update_wal(struct store *store, struct err *err) {
  struct metrics *m = store->metrics;
  struct wal_usage usage;
  int code = find_label(store, err);
  if (code || (code = store_wal_usage(store->config->data_dir, &usage, err)))
    return code;
  metric_set(metrics_cell(m, METRIC_WAL_SEGMENTS_TOTAL, store->history_label), usage.highest);
  metric_set(metrics_cell(m, METRIC_WAL_SEGMENTS, ""), usage.files);
  metric_set(metrics_cell(m, METRIC_WAL_DISK_USAGE, ""), usage.bytes);
  return 0;
}

static int update_cache(struct store *store, struct err *err) {
  DB_ENV *handle = store->env.handle;
  DB_MPOOL_STAT *pool = NULL;
  int ret = handle->memp_stat(handle, &pool, NULL, 0);
  if (ret)
    return store_db_error(&store->env, ret, err, "reading the statistics of the cache");
  double asked = (double)pool->st_cache_hit + (double)pool->st_cache_miss;
  double ratio = asked > 0 ? (double)pool->st_cache_hit / asked : 1;
  free(pool);
  metric_set(metrics_cell(store->metrics, METRIC_CACHE_HIT_RATIO, ""),
             (uint64_t)(ratio / metrics_table[METRIC_CACHE_HIT_RATIO].scale));
  return 0;
}

int store_update_metrics(struct store *store, struct err *err) {
  if (!store->metrics)
    return 0;
  int code = update_wal(store, err);
  return code ? code : update_cache(store, err);
}
