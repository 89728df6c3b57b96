#include "ops/archive_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/archive_object.h"
#include "ops/archive_put.h"
#include "ops/rclone.h"
#include "store/wal_walk.h"

enum { LISTING_MAX = 64 << 20, HEAD_MAX = 4096, HEAD_MODE = 0640 };

#define REMOTE_PREFIX "rclone:"

int archive_target_set(struct archive_target *target, const char *where, const struct config *config, struct err *err) {
  *target = (struct archive_target){.remote = strncmp(where, REMOTE_PREFIX, sizeof(REMOTE_PREFIX) - 1) == 0};
  const char *path = target->remote ? where + sizeof(REMOTE_PREFIX) - 1 : where;
  if (!*path || strlen(path) >= sizeof(target->path) || (target->remote && *path == '-'))
    return err_set(err, ERR_INVALID, "'%.200s' is no place for an archive", where);
  memcpy(target->path, path, strlen(path) + 1);
  if (access(config->rclone_config, F_OK) == 0)
    memcpy(target->config, config->rclone_config, sizeof(target->config));
  return 0;
}

/* --- remote --- */

static int remote_join(char out[FILEIO_PATH_MAX], const char *dir, const char *name, struct err *err) {
  size_t len = strlen(dir);
  bool bare = dir[len - 1] == ':' || dir[len - 1] == '/';
  int n = snprintf(out, FILEIO_PATH_MAX, "%s%s%s", dir, bare ? "" : "/", name);
  return n < 0 || n >= FILEIO_PATH_MAX ? err_set(err, ERR_INVALID, "path too long: %.200s...", dir) : 0;
}

/* A line of rclone lsf --format sp: "LENGTH;NAME". What is no whole object is left out; verifying tells of it. */
static int take_line(struct archive_line *line, char *text, struct err *err) {
  struct archive_object object = {0};
  char *name = strchr(text, ';');
  if (!name)
    return 0;
  *name++ = '\0';
  if (!archive_name_parse(name, &object.name) || strtoull(text, NULL, 10) != object.name.length)
    return 0;
  return archive_line_add(line, &object, err);
}

static int list_remote(const struct archive_target *target, struct archive_line *line, struct err *err) {
  const char *const arguments[] = {"lsf", "--files-only", "--format=sp", "--separator=;", line->folder, NULL};
  struct buf text;
  buf_init(&text, LISTING_MAX);
  int rc = rclone_run(target->config, arguments, NULL, &text, err);
  if (rc == ERR_NOTFOUND)
    rc = 0; /* a folder is there when something is in it */
  buf_add_byte(&text, '\0');
  if (!rc)
    rc = buf_check(&text, "a listing", err);
  for (char *at = (char *)text.data, *end; !rc && (end = strchr(at, '\n')) != NULL; at = end + 1) {
    *end = '\0';
    rc = take_line(line, at, err);
  }
  buf_free(&text);
  archive_line_sort(line);
  return rc;
}

/* The digest of the first `length` bytes of an open file. */
static int hash(int fd, uint64_t length, unsigned char out[DIGEST_SIZE], const char *path, struct err *err) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  int rc = archive_object_pump(fd, -1, length, &state, path, err);
  crypto_hash_sha256_final(&state, out);
  return rc;
}

int archive_digest(const char *path, uint64_t length, unsigned char out[DIGEST_SIZE], struct err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  int rc = hash(fd, length, out, path, err);
  close(fd);
  return rc;
}

static int send(const struct archive_target *target, const char *folder, const char *name, int fd, uint64_t length,
                struct err *err) {
  char path[FILEIO_PATH_MAX], size[32];
  const char *const arguments[] = {"rcat", size, path, NULL};
  struct rclone_input input = {fd, length};
  snprintf(size, sizeof(size), "--size=%llu", (unsigned long long)length);
  int rc = remote_join(path, folder, name, err);
  return rc ? rc : rclone_run(target->config, arguments, &input, NULL, err);
}

static int remove_remote(const struct archive_target *target, const char *folder, const struct archive_name *name,
                         struct err *err) {
  char path[FILEIO_PATH_MAX], text[ARCHIVE_NAME_SIZE];
  const char *const arguments[] = {"deletefile", path, NULL};
  archive_name_format(text, name);
  int rc = remote_join(path, folder, text, err);
  if (!rc)
    rc = rclone_run(target->config, arguments, NULL, NULL, err);
  return rc == ERR_NOTFOUND ? 0 : rc;
}

static int put_remote(const struct archive_target *target, const struct archive_line *line, const char *source,
                      struct archive_name *name, struct err *err) {
  char text[ARCHIVE_NAME_SIZE];
  int fd = open(source, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", source);
  int rc = hash(fd, name->length, name->digest, source, err);
  archive_name_format(text, name);
  if (!rc)
    rc = send(target, line->folder, text, fd, name->length, err);
  close(fd);
  const struct archive_object *former = archive_line_object(line, name->number);
  if (!rc && former && former->name.length < name->length)
    rc = remove_remote(target, line->folder, &former->name, err);
  return rc;
}

/* --- both --- */

int archive_target_list(const struct archive_target *target, const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                        uint64_t branch, struct archive_line *line, struct err *err) {
  char name[ARCHIVE_FOLDER_SIZE];
  struct archive_line found = {.timeline = timeline, .branch = branch};
  struct stat st;
  memcpy(found.history_id, id, HISTORY_ID_SIZE);
  archive_folder_format(name, id, timeline, branch);
  int rc = target->remote ? remote_join(found.folder, target->path, name, err)
                          : fileio_join(found.folder, target->path, name, err);
  if (!rc && target->remote)
    rc = list_remote(target, &found, err);
  else if (!rc && (stat(target->path, &st) != 0 || !S_ISDIR(st.st_mode)))
    rc = err_set(err, ERR_NOTFOUND, "%s is no folder: it must exist", target->path);
  else if (!rc)
    rc = archive_line_list(&found, err);
  if (rc)
    free(found.objects);
  else
    *line = found;
  return rc;
}

int archive_target_put(const struct archive_target *target, const struct archive_line *line, const char *wal_dir,
                       uint32_t number, uint64_t length, bool and_live, struct archive_name *out, struct err *err) {
  struct archive_name name = {.number = number, .length = length};
  char source[FILEIO_PATH_MAX], log_name[WAL_NAME_SIZE];
  if (!target->remote)
    return access(target->path, F_OK) != 0 ? err_sys(err, errno, "%s", target->path)
                                           : archive_put(line->folder, wal_dir, number, length, and_live, out, err);
  wal_file_name(log_name, number);
  int rc = fileio_join(source, wal_dir, log_name, err);
  if (!rc)
    rc = put_remote(target, line, source, &name, err);
  if (!rc)
    *out = name;
  return rc;
}

int archive_target_drop_live(const struct archive_target *target, const struct archive_line *line, uint32_t number,
                             struct err *err) {
  char name[ARCHIVE_NAME_SIZE], path[FILEIO_PATH_MAX];
  if (target->remote)
    return 0;
  archive_live_format(name, number);
  if (fileio_join(path, line->folder, name, err))
    return err->code;
  return unlink(path) != 0 && errno != ENOENT ? err_sys(err, errno, "removing %s", path) : 0;
}

/* A small file's way to rclone. */
static int send_text(const struct archive_target *target, const char *folder, const char *name, const struct buf *text,
                     struct err *err) {
  FILE *file = tmpfile();
  if (!file)
    return err_sys(err, errno, "making a temporary file");
  int rc = fileio_pwrite(fileno(file), text->data, text->len, 0, err);
  if (!rc)
    rc = send(target, folder, name, fileno(file), text->len, err);
  fclose(file);
  return rc;
}

int archive_target_put_head(const struct archive_target *target, const struct archive_line *line,
                            const struct archive_head *head, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  buf_init(&text, HEAD_MAX);
  archive_head_format(head, &text);
  int rc = buf_check(&text, ARCHIVE_HEAD_FILE, err);
  if (!rc && target->remote)
    rc = send_text(target, line->folder, ARCHIVE_HEAD_FILE, &text, err);
  else if (!rc && (rc = fileio_join(path, line->folder, ARCHIVE_HEAD_FILE, err)) == 0)
    rc = fileio_replace(path, text.data, text.len, HEAD_MODE, err);
  buf_free(&text);
  return rc;
}

int archive_target_fetch(const struct archive_target *target, const unsigned char *id, const char *scratch,
                         const char **folder, struct err *err) {
  char from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX], hex[2 * HISTORY_ID_SIZE + 1] = "";
  const char *const arguments[] = {"copy", "--fast-list", "--include=*/timeline-*/**", from, to, NULL};
  const char *const arguments_one[] = {"copy", "--fast-list", from, to, NULL};
  *folder = target->remote ? scratch : target->path;
  if (!target->remote)
    return 0;
  for (size_t i = 0; id && i < HISTORY_ID_SIZE; i++)
    snprintf(hex + 2 * i, 3, "%02x", id[i]);
  int rc = 0;
  if ((rc = remote_join(from, target->path, hex, err)) || (rc = fileio_join(to, scratch, hex, err)))
    return rc;
  return rclone_run(target->config, id ? arguments_one : arguments, NULL, NULL, err);
}
