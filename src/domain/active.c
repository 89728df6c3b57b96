#include "domain/active.h"

#include "model/name.h"

int active_open(const struct reader *reader, uint64_t snapshot, struct active_scan *out, struct err *err) {
  *out = (struct active_scan){.snapshot = snapshot};
  return concept_scan_open(reader, &out->scan, err);
}

void active_close(struct active_scan *scan) {
  concept_scan_close(scan->scan);
  scan->scan = NULL;
}

/* Positions on exactly this key or the next, active or not. The key is copied, since it may be the current row's. */
static int seek(struct active_scan *scan, struct span path, struct span predicate, struct span source, uint64_t seq,
                struct err *err) {
  unsigned char key[NAME_PATH_MAX + NAME_PREDICATE_MAX + NAME_PATH_MAX];
  if (path.len > NAME_PATH_MAX || predicate.len > NAME_PREDICATE_MAX || source.len > NAME_PATH_MAX)
    return err_set(err, ERR_INVALID, "a name is too long");
  const struct span parts[] = {path, predicate, source};
  struct span copies[3];
  size_t used = 0;
  for (int i = 0; i < 3; i++) {
    if (parts[i].len)
      memcpy(key + used, parts[i].data, parts[i].len);
    copies[i] = span_of(key + used, parts[i].len);
    used += parts[i].len;
  }
  return concept_scan_seek(scan->scan, copies[0], copies[1], copies[2], seq, &scan->row, &scan->found, err);
}

/* Passes over what is not active, from the current row on. */
static int settle(struct active_scan *scan, struct err *err) {
  while (scan->found && scan->row.seq > scan->snapshot) {
    int code = seek(scan, scan->row.path, scan->row.predicate, scan->row.source, scan->snapshot, err);
    if (code)
      return code;
  }
  return 0;
}

int active_seek(struct active_scan *scan, struct span path, struct span predicate, struct span source, uint64_t seq,
                struct err *err) {
  scan->seeks++;
  int code = seek(scan, path, predicate, source, seq < scan->snapshot ? seq : scan->snapshot, err);
  return code ? code : settle(scan, err);
}

int active_next(struct active_scan *scan, struct err *err) {
  int code = concept_scan_next(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_source(struct active_scan *scan, struct err *err) {
  int code = concept_scan_next_source(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_predicate(struct active_scan *scan, struct err *err) {
  int code = concept_scan_next_predicate(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_path(struct active_scan *scan, struct err *err) {
  int code = concept_scan_next_path(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}
