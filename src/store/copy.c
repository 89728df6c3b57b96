#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/internal.h"

enum { COPY_CACHE_BYTES = 16 << 20 };

/* Without an environment nobody else can be in the file, no log is looked at, and nothing is written. */
static int open_alone(struct store *store, const char *path, struct err *err) {
  DB *db = NULL;
  int ret = db_create(&db, NULL, 0);
  if (ret)
    return store_db_error(&store->env, ret, err, "making a database handle");
  db->get_env(db)->app_private = &store->env;
  env_listen(db->get_env(db));
  if ((ret = db->set_cachesize(db, 0, COPY_CACHE_BYTES, 1)) ||
      (ret = db->open(db, NULL, path, NULL, DB_BTREE, DB_RDONLY | DB_THREAD, 0))) {
    int code = ret == ENOENT   ? err_set(err, ERR_NOTFOUND, "there is no %s", path)
               : ret == EINVAL ? err_set(err, ERR_CORRUPT, "%s is no history", path)
                               : store_db_error(&store->env, ret, err, "opening " STORE_HISTORY_FILE);
    (void)db->close(db, DB_NOSYNC);
    return code;
  }
  store->history = db;
  return 0;
}

int store_open_copy(const char *data_dir, const struct log *log, struct store **out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int code = store_path(path, data_dir, STORE_DB_DIR, STORE_HISTORY_FILE, err);
  if (code)
    return code;
  struct store *store = calloc(1, sizeof(*store));
  if (!store)
    return err_set(err, ERR_NOMEM, "no memory for a store");
  *store = (struct store){.log = log, .mark_fd = -1};
  store->checkpoint = (struct checkpoint){.env = &store->env};
  if ((code = env_init_alone(&store->env, log, err)) || (code = open_alone(store, path, err))) {
    store_abandon(store);
    return code;
  }
  *out = store;
  return 0;
}
