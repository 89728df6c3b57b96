#include "domain/settings.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "domain/active.h"
#include "model/assertion.h"

/* A number that is asserted about something. */
struct setting {
  const char *predicate;
  double least, greatest, none; /* none: if nothing was asserted */
};

enum setting_id { SETTING_TRUST, SETTING_COUNT };

static const struct setting table[SETTING_COUNT] = {
    [SETTING_TRUST] = {"stemedb.trust", 0, 1, 1},
};

/* What was found, so that a source that speaks about much is looked up once. Names that share a slot push each other
 * out: memory and time stay bounded whatever the names are. */
enum { SLOT_COUNT = 64, SLOT_NAME_MAX = 118 };

struct slot {
  double value;
  uint8_t setting, len;
  unsigned char name[SLOT_NAME_MAX];
};

struct settings {
  struct arena *arena;
  struct active_scan scan;
  uint64_t filled; /* a bit a slot */
  struct slot slots[SLOT_COUNT];
};

int settings_open(struct arena *arena, const struct reader *reader, uint64_t snapshot, struct settings **out,
                  struct err *err) {
  struct settings *settings = arena_alloc(arena, sizeof(*settings));
  if (!settings)
    return err_set(err, ERR_NOMEM, "no memory for settings");
  settings->arena = arena;
  settings->filled = 0;
  int code = active_open(reader, snapshot, &settings->scan, err);
  if (!code)
    *out = settings;
  return code;
}

void settings_close(struct settings *settings) {
  if (settings)
    active_close(&settings->scan);
}

/* Asserting refuses values of the wrong type, so that one is as good as none. */
static double read_number(const struct setting *setting, struct span value) {
  char text[64], *end = NULL;
  if (value.len >= sizeof(text))
    return setting->none;
  memcpy(text, value.data, value.len);
  text[value.len] = '\0';
  double number = strtod(text, &end);
  bool good = end != text && *end == '\0' && number >= setting->least && number <= setting->greatest;
  return good ? number : setting->none;
}

/* The newest of each who said it comes first; the newest of these is in force. */
static int look_up(struct settings *settings, const struct setting *setting, struct span name, double *value,
                   struct err *err) {
  struct active_scan *scan = &settings->scan;
  const struct span predicate = span_str(setting->predicate), any = {NULL, 0};
  uint64_t newest = 0;
  *value = setting->none;
  int code = active_seek(scan, name, predicate, any, UINT64_MAX, err);
  while (!code && active_in_topic(scan, name, predicate)) {
    if (scan->row.seq > newest) {
      struct assertion assertion;
      if ((code = assertion_read(settings->arena, scan->row.entry.body, &assertion, err)))
        break;
      newest = scan->row.seq;
      *value = read_number(setting, assertion.value);
    }
    code = active_next_source(scan, err);
  }
  return code;
}

static int setting_number(struct settings *settings, enum setting_id id, struct span name, double *value,
                          struct err *err) {
  const uint32_t at = (crc32c(0, name.data, name.len) + id) % SLOT_COUNT;
  struct slot *slot = &settings->slots[at];
  if ((settings->filled >> at & 1) && slot->setting == id && span_equal(span_of(slot->name, slot->len), name)) {
    *value = slot->value;
    return 0;
  }
  int code = look_up(settings, &table[id], name, value, err);
  if (!code && name.len <= SLOT_NAME_MAX) {
    settings->filled |= (uint64_t)1 << at;
    slot->value = *value;
    slot->setting = (uint8_t)id;
    slot->len = (uint8_t)name.len;
    memcpy(slot->name, name.data, name.len);
  }
  return code;
}

int settings_trust(struct settings *settings, struct span source, double *trust, struct err *err) {
  if (source.len == 0) {
    *trust = table[SETTING_TRUST].none;
    return 0;
  }
  return setting_number(settings, SETTING_TRUST, source, trust, err);
}
