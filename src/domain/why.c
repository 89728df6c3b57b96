#include "domain/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fault.h"
#include "model/assertion.h"

enum { CHILDREN_AT_ONCE = 512, SET_ROOM_MIN = 64 };

/* Open addressing over seqs; 0 is an empty place. */
struct seen {
  uint64_t *seqs;
  size_t count, room; /* room: a power of 2 */
};

struct why {
  const struct reader *reader;
  uint64_t snapshot, lookups;
  enum why_direction direction;
  struct why_step *steps; /* level after level; the first is where the walk begins */
  size_t count, room;
  size_t level, next, end; /* the level that is being given out: its first, the next one, and the first after it */
  struct seen seen;
  bool truncated;
  struct arena *parse;
  struct buf record;
};

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory for what is derived");
}

/* The place of a seq, or where it would be. */
static size_t find_place(const struct seen *seen, uint64_t seq) {
  size_t at = (size_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (seen->room - 1);
  while (seen->seqs[at] && seen->seqs[at] != seq)
    at = (at + 1) & (seen->room - 1);
  return at;
}

static int grow_seen(struct seen *seen, struct err *err) {
  struct seen larger = {.count = seen->count, .room = seen->room ? seen->room * 2 : SET_ROOM_MIN};
  larger.seqs = calloc(larger.room, sizeof(*larger.seqs));
  if (!larger.seqs)
    return no_memory(err);
  for (size_t i = 0; i < seen->room; i++)
    if (seen->seqs[i])
      larger.seqs[find_place(&larger, seen->seqs[i])] = seen->seqs[i];
  free(seen->seqs);
  *seen = larger;
  return 0;
}

/* Notes a seq; *fresh tells whether it had not been met. */
static int see(struct seen *seen, uint64_t seq, bool *fresh, struct err *err) {
  if (seen->count * 2 >= seen->room && grow_seen(seen, err))
    return err->code;
  const size_t at = find_place(seen, seq);
  *fresh = seen->seqs[at] == 0;
  seen->count += *fresh;
  seen->seqs[at] = seq;
  return 0;
}

static int add_step(struct why *why, const struct why_step *step, struct err *err) {
  bool fresh = false;
  /* The first step is not one of them. */
  if (why->count > WHY_STEPS_MAX || (why->count > 0 && FAULT_FAILS("domain.why.full"))) {
    why->truncated = true;
    return 0;
  }
  if (see(&why->seen, step->seq, &fresh, err))
    return err->code;
  if (!fresh)
    return 0;
  if (why->count == why->room) {
    const size_t room = why->room ? why->room * 2 : SET_ROOM_MIN;
    struct why_step *steps = realloc(why->steps, room * sizeof(*steps));
    if (!steps)
      return no_memory(err);
    why->steps = steps;
    why->room = room;
  }
  why->steps[why->count++] = *step;
  return 0;
}

int why_open(const struct reader *reader, uint64_t snapshot, uint64_t seq, enum why_direction direction,
             struct why **out, struct err *err) {
  struct why *why = calloc(1, sizeof(*why));
  if (!why)
    return no_memory(err);
  *why = (struct why){.reader = reader, .snapshot = snapshot, .direction = direction};
  buf_init(&why->record, ENTRY_MAX_SIZE);
  why->parse = arena_create(ENTRY_MAX_SIZE);
  const struct why_step first = {.seq = seq};
  if (!why->parse)
    (void)no_memory(err);
  if (!why->parse || add_step(why, &first, err)) {
    why_close(why);
    return err->code;
  }
  why->next = why->end = 1;
  *out = why;
  return 0;
}

void why_close(struct why *why) {
  if (!why)
    return;
  free(why->steps);
  free(why->seen.seqs);
  buf_free(&why->record);
  arena_free(why->parse);
  free(why);
}

static int expand_parents(struct why *why, const struct why_step *from, struct err *err) {
  uint64_t seqs[ASSERTION_DERIVED_MAX];
  struct assertion assertion = {.derived_count = 0};
  struct entry entry;
  bool found = false;
  int code = history_get(why->reader->store, from->seq, &why->record, &entry, &found, err);
  if (!code && !found)
    code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing from the history", from->seq);
  arena_reset(why->parse);
  if (!code)
    code = assertion_read(why->parse, entry.body, &assertion, err);
  if (!code && assertion.derived_count > 0)
    code = derived_parents(why->reader, &assertion, seqs, err);
  why->lookups += 1 + assertion.derived_count;
  for (size_t i = 0; !code && i < assertion.derived_count; i++) {
    const struct why_step step = {.seq = seqs[i], .via = from->seq, .depth = from->depth + 1};
    if (seqs[i] == 0 || seqs[i] >= from->seq)
      code = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is derived from what does not exist", from->seq);
    else
      code = add_step(why, &step, err);
  }
  return code;
}

static int expand_children(struct why *why, const struct why_step *from, struct err *err) {
  uint64_t seqs[CHILDREN_AT_ONCE];
  uint64_t after = from->seq;
  size_t count = CHILDREN_AT_ONCE;
  int code = 0;
  while (!code && count == CHILDREN_AT_ONCE && !why->truncated) {
    code = derived_children(why->reader, from->seq, after, why->snapshot, seqs, CHILDREN_AT_ONCE, &count, err);
    why->lookups++;
    for (size_t i = 0; !code && i < count; i++) {
      const struct why_step step = {.seq = seqs[i], .via = from->seq, .depth = from->depth + 1};
      code = add_step(why, &step, err);
      after = seqs[i];
    }
  }
  return code;
}

static int by_seq(const void *a, const void *b) {
  const uint64_t left = ((const struct why_step *)a)->seq, right = ((const struct why_step *)b)->seq;
  return (left > right) - (left < right);
}

/* Makes the level after the one that was given out. */
static int expand_level(struct why *why, struct err *err) {
  const size_t begin = why->end;
  int code = 0;
  for (size_t i = why->level; !code && i < begin && !why->truncated; i++) {
    const struct why_step from = why->steps[i]; /* a copy: the array moves when it grows */
    code = why->direction == WHY_RESTS_ON ? expand_parents(why, &from, err) : expand_children(why, &from, err);
  }
  qsort(why->steps + begin, why->count - begin, sizeof(*why->steps), by_seq);
  why->level = begin;
  why->end = why->count;
  return code;
}

int why_next(struct why *why, struct why_step *step, bool *found, struct err *err) {
  if (why->next == why->end && why->level < why->end) {
    int code = expand_level(why, err);
    if (code)
      return code;
  }
  *found = why->next < why->end;
  if (*found)
    *step = why->steps[why->next++];
  return 0;
}

uint64_t why_lookups(const struct why *why) {
  return why->lookups;
}

bool why_truncated(const struct why *why) {
  return why->truncated;
}
