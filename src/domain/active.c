#include "domain/active.h"

#include <inttypes.h>

#include "domain/gate.h"
#include "model/name.h"

int active_open(const struct reader *reader, uint64_t snapshot, struct active_scan *out, struct err *err) {
  *out = (struct active_scan){.snapshot = snapshot};
  int code = gate_open(reader, snapshot, &out->gate, err);
  if (!code)
    code = concept_scan_open(reader, &out->scan, err);
  if (code)
    active_close(out);
  return code;
}

void active_close(struct active_scan *scan) {
  concept_scan_close(scan->scan);
  gate_close(scan->gate);
  scan->scan = NULL;
  scan->gate = NULL;
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
  scan->reads++;
  return concept_scan_seek(scan->scan, copies[0], copies[1], copies[2], seq, &scan->row, &scan->found, err);
}

/* Steps from an inactive row, as far as the gate knows all that lies between to be inactive, too. */
static int pass_over(struct active_scan *scan, struct err *err) {
  uint64_t below = 0;
  int code = gate_next_below(scan->gate, &scan->row, &below, err);
  if (code)
    return code;
  if (below == 0) {
    scan->reads++;
    return concept_scan_next_source(scan->scan, &scan->row, &scan->found, err);
  }
  if (below < scan->row.seq - 1)
    return seek(scan, scan->row.path, scan->row.predicate, scan->row.source, below, err);
  scan->reads++;
  return concept_scan_next(scan->scan, &scan->row, &scan->found, err);
}

void active_set_scope(struct active_scan *scan, struct span path, bool below, struct span predicate) {
  if (scan->gate)
    gate_set_scope(scan->gate, path, below, predicate);
  scan->scoped = path.len + predicate.len <= sizeof(scan->scope);
  if (!scan->scoped)
    return;
  scan->scope_below = below;
  scan->scope_path = path.len;
  scan->scope_predicate = predicate.data ? predicate.len : 0;
  if (path.len)
    memcpy(scan->scope, path.data, path.len);
  if (scan->scope_predicate)
    memcpy(scan->scope + path.len, predicate.data, predicate.len);
}

/* Whether the current row does not matter. */
static bool is_outside(const struct active_scan *scan) {
  const struct span path = scan->row.path;
  const struct span predicate = span_of(scan->scope + scan->scope_path, scan->scope_predicate);
  if (!scan->scoped)
    return false;
  if (path.len < scan->scope_path || (path.len > scan->scope_path && !scan->scope_below) ||
      memcmp(path.data, scan->scope, scan->scope_path) != 0)
    return true;
  return !scan->scope_below && predicate.len > 0 && !span_equal(scan->row.predicate, predicate);
}

static int too_many(const struct active_scan *scan, struct err *err) {
  return err_set(err, ERR_NOMEM, "more than %" PRIu64 " retracted assertions would have to be passed over",
                 scan->passed_max);
}

/* Passes over what does not exist or is not active, from the current row on. */
static int settle(struct active_scan *scan, struct err *err) {
  scan->retracted = false;
  while (scan->found) {
    int code = 0;
    if (scan->row.seq > scan->snapshot) {
      if (is_outside(scan)) {
        scan->found = false;
        return 0;
      }
      code = seek(scan, scan->row.path, scan->row.predicate, scan->row.source, scan->snapshot, err);
    } else if (!scan->gate) {
      return 0;
    } else {
      bool inactive = false;
      code = gate_look(scan->gate, scan->row.seq, &inactive, err);
      scan->retracted = inactive && scan->all;
      if (code || inactive == scan->retracted)
        return code;
      if (!gate_in_scope(scan->gate, &scan->row)) {
        scan->found = false;
        return 0;
      }
      if (scan->passed++ >= scan->passed_max && scan->passed_max > 0)
        return too_many(scan, err);
      code = pass_over(scan, err);
    }
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
  scan->reads++;
  int code = concept_scan_next(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_source(struct active_scan *scan, struct err *err) {
  scan->reads++;
  int code = concept_scan_next_source(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_predicate(struct active_scan *scan, struct err *err) {
  scan->reads++;
  int code = concept_scan_next_predicate(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_next_path(struct active_scan *scan, struct err *err) {
  scan->reads++;
  int code = concept_scan_next_path(scan->scan, &scan->row, &scan->found, err);
  return code ? code : settle(scan, err);
}

int active_is(struct active_scan *scan, uint64_t seq, bool *active, struct err *err) {
  bool inactive = false;
  int code = scan->gate ? gate_look(scan->gate, seq, &inactive, err) : 0;
  *active = !code && !inactive;
  return code;
}
