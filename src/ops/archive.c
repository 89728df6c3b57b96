#include "ops/archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/wal_walk.h"

enum {
  LINES_MAX = 1 << 16,
  OBJECTS_MAX = 1 << 20,
  RELATIVE_SIZE = ARCHIVE_FOLDER_SIZE + NAME_MAX + 2,
  FILE_SIZE = RELATIVE_SIZE + NAME_MAX + 2
};

/* A listing under way. */
struct listing {
  struct archive *archive;
  archive_reporter *report;
  void *ctx;
};

static void tell(const struct listing *l, const char *folder, const char *name, const char *problem) {
  char file[FILE_SIZE];
  if (!l->report)
    return;
  snprintf(file, sizeof(file), "%s%s%s", folder, *folder ? "/" : "", name);
  l->report(l->ctx, file, problem);
}

/* Whether the name is nothing that has to be told. */
static bool is_beside(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ARCHIVE_HEAD_FILE) == 0 ||
         strncmp(name, ARCHIVE_TEMPORARY, sizeof(ARCHIVE_TEMPORARY) - 1) == 0;
}

/* How far the sound records of a live file go; 0 if it has not even a header. */
static int measure_live(const char *path, uint32_t number, uint64_t *length, struct err *err) {
  struct wal_visitor visitor = {0};
  struct wal_file file;
  int rc = wal_walk_path(path, number, &visitor, &file, err);
  *length = rc || !file.header_sound ? 0 : file.end;
  return rc == ERR_NOTFOUND ? 0 : rc; /* the archiver made an object of it meanwhile */
}

int archive_line_add(struct archive_line *line, const struct archive_object *object, struct err *err) {
  if (line->count >= OBJECTS_MAX)
    return err_set(err, ERR_NOMEM, "more than %d objects in %s", OBJECTS_MAX, line->folder);
  struct archive_object *grown = reallocarray(line->objects, line->count + 1, sizeof(*grown));
  if (!grown)
    return err_set(err, ERR_NOMEM, "no memory to list %s", line->folder);
  line->objects = grown;
  line->objects[line->count++] = *object;
  return 0;
}

static int list_object(const struct listing *l, struct archive_line *line, const char *relative, const char *name,
                       struct err *err) {
  struct archive_object object = {0};
  char path[FILEIO_PATH_MAX];
  struct stat st;
  if (fileio_join(path, line->folder, name, err))
    return err->code;
  if (lstat(path, &st) != 0) /* a longer one took its place meanwhile */
    return errno == ENOENT ? 0 : err_sys(err, errno, "%s", path);
  object.live = archive_live_parse(name, &object.name.number);
  if (!S_ISREG(st.st_mode) || (!object.live && !archive_name_parse(name, &object.name))) {
    tell(l, relative, name, "it is no object of an archive");
    return 0;
  }
  if (object.live && measure_live(path, object.name.number, &object.name.length, err))
    return err->code;
  if (!object.live && (uint64_t)st.st_size != object.name.length) {
    tell(l, relative, name, "its size is not the one in its name");
    return 0;
  }
  return object.name.length > 0 ? archive_line_add(line, &object, err) : 0;
}

/* By number, the longest first, one that its name proves before a live one. */
static int compare_objects(const void *a, const void *b) {
  const struct archive_object *x = a, *y = b;
  if (x->name.number != y->name.number)
    return x->name.number < y->name.number ? -1 : 1;
  if (x->name.length != y->name.length)
    return x->name.length > y->name.length ? -1 : 1;
  return (int)x->live - (int)y->live;
}

void archive_line_sort(struct archive_line *line) {
  size_t kept = 0;
  if (line->count > 1)
    qsort(line->objects, line->count, sizeof(*line->objects), compare_objects);
  for (size_t i = 0; i < line->count; i++)
    if (kept == 0 || line->objects[kept - 1].name.number != line->objects[i].name.number)
      line->objects[kept++] = line->objects[i];
  line->count = kept;
}

static int add_line(struct archive *archive, const struct archive_line *line, struct err *err) {
  if (archive->count >= LINES_MAX)
    return err_set(err, ERR_NOMEM, "more than %d timelines in %s", LINES_MAX, archive->target);
  struct archive_line *grown = reallocarray(archive->lines, archive->count + 1, sizeof(*grown));
  if (!grown)
    return err_set(err, ERR_NOMEM, "no memory to list %s", archive->target);
  archive->lines = grown;
  archive->lines[archive->count++] = *line;
  return 0;
}

static int list_objects(const struct listing *l, struct archive_line *line, const char *relative, struct err *err) {
  int rc = 0;
  DIR *dir = opendir(line->folder);
  if (!dir)
    return err_sys(err, errno, "opening %s", line->folder);
  for (const struct dirent *e; !rc && (errno = 0, e = readdir(dir)) != NULL;)
    if (!is_beside(e->d_name))
      rc = list_object(l, line, relative, e->d_name, err);
  if (!rc && errno)
    rc = err_sys(err, errno, "listing %s", line->folder);
  closedir(dir);
  archive_line_sort(line);
  return rc;
}

int archive_line_list(struct archive_line *line, struct err *err) {
  struct listing listing = {0};
  int rc = list_objects(&listing, line, "", err);
  return rc == ERR_NOTFOUND ? 0 : rc;
}

/* HISTORY_ID/timeline-NNNN-BRANCH */
static int list_line(const struct listing *l, const char *relative, struct err *err) {
  struct archive_line line = {0};
  if (fileio_join(line.folder, l->archive->target, relative, err))
    return err->code;
  archive_folder_parse(relative, line.history_id, &line.timeline, &line.branch);
  int rc = list_objects(l, &line, relative, err);
  if (!rc && line.count > 0)
    rc = add_line(l->archive, &line, err);
  if (rc || line.count == 0)
    free(line.objects);
  return rc;
}

static bool is_folder(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What a folder of the target holds that may be a history's. */
static int list_history(const struct listing *l, const char *name, struct err *err) {
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
  char folder[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX], relative[RELATIVE_SIZE];
  int rc = fileio_join(folder, l->archive->target, name, err);
  DIR *dir = rc ? NULL : opendir(folder);
  if (!rc && !dir)
    rc = err_sys(err, errno, "opening %s", folder);
  for (const struct dirent *e; !rc && (errno = 0, e = readdir(dir)) != NULL;) {
    if (is_beside(e->d_name))
      continue;
    snprintf(relative, sizeof(relative), "%.*s/%s", ARCHIVE_FOLDER_SIZE, name, e->d_name);
    rc = fileio_join(path, folder, e->d_name, err);
    if (!rc && archive_folder_parse(relative, id, &timeline, &branch) && is_folder(path))
      rc = list_line(l, relative, err);
    else if (!rc)
      tell(l, name, e->d_name, "it is no timeline of an archive");
  }
  if (dir)
    closedir(dir);
  return rc;
}

static bool is_history_id(const char *name) {
  return strlen(name) == 2 * (size_t)HISTORY_ID_SIZE && strspn(name, "0123456789abcdef") == strlen(name);
}

static int compare_lines(const void *a, const void *b) {
  const struct archive_line *x = a, *y = b;
  int order = memcmp(x->history_id, y->history_id, HISTORY_ID_SIZE);
  if (order)
    return order;
  if (x->timeline != y->timeline)
    return x->timeline < y->timeline ? -1 : 1;
  return (x->branch > y->branch) - (x->branch < y->branch);
}

static int list_all(const struct listing *l, struct err *err) {
  struct archive *archive = l->archive;
  char path[FILEIO_PATH_MAX];
  int rc = 0;
  DIR *dir = opendir(archive->target);
  if (!dir)
    return err_sys(err, errno == ENOTDIR ? ENOENT : errno, "opening %s", archive->target);
  for (const struct dirent *e; !rc && (errno = 0, e = readdir(dir)) != NULL;) {
    if (is_beside(e->d_name))
      continue;
    rc = fileio_join(path, archive->target, e->d_name, err);
    if (!rc && is_history_id(e->d_name) && is_folder(path))
      rc = list_history(l, e->d_name, err);
    else if (!rc)
      tell(l, "", e->d_name, "it is no history of an archive");
  }
  closedir(dir);
  if (archive->count > 1)
    qsort(archive->lines, archive->count, sizeof(*archive->lines), compare_lines);
  if (!rc && archive->count == 0)
    rc = err_set(err, ERR_NOTFOUND, "%.400s is no archive: no log file is archived in it", archive->target);
  return rc;
}

int archive_open(const char *target, archive_reporter *report, void *ctx, struct archive *out, struct err *err) {
  struct listing listing = {out, report, ctx};
  *out = (struct archive){0};
  if (strlen(target) >= sizeof(out->target))
    return err_set(err, ERR_INVALID, "path too long: %.200s...", target);
  memcpy(out->target, target, strlen(target) + 1);
  int rc = list_all(&listing, err);
  if (rc)
    archive_close(out);
  return rc;
}

void archive_close(struct archive *archive) {
  for (size_t i = 0; i < archive->count; i++)
    free(archive->lines[i].objects);
  free(archive->lines);
  archive->lines = NULL;
  archive->count = 0;
}

const struct archive_line *archive_find(const struct archive *archive, const unsigned char id[HISTORY_ID_SIZE],
                                        uint32_t timeline, uint64_t branch) {
  for (size_t i = 0; i < archive->count; i++) {
    const struct archive_line *line = &archive->lines[i];
    if (memcmp(line->history_id, id, HISTORY_ID_SIZE) == 0 && line->timeline == timeline && line->branch == branch)
      return line;
  }
  return NULL;
}

const struct archive_object *archive_line_object(const struct archive_line *line, uint32_t number) {
  size_t low = 0, high = line->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (line->objects[middle].name.number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < line->count && line->objects[low].name.number == number ? &line->objects[low] : NULL;
}

bool archive_is(const char *path) {
  struct archive archive;
  struct err err;
  bool is = archive_open(path, NULL, NULL, &archive, &err) == 0;
  if (is)
    archive_close(&archive);
  return is;
}
