/* One topic: weighing its heads, and what of it gets onto the page. */
#include "domain/walk.h"

/* An assertion as it is offered to the page. */
struct offer {
  struct ranked ranked;
  uint32_t head; /* HEAD_NONE: it is none */
  bool retracted;
  struct span record;
};

static int find_trust(struct walk *walk, struct span source, double *trust, struct err *err) {
  struct setting_value setting;
  const double *own = filter_trust(walk->query, source);
  int code = own ? 0 : settings_find(walk->settings, SETTING_TRUST, source, &setting, err);
  *trust = own ? *own : code ? 0 : setting.number;
  return code;
}

static int find_tier(struct walk *walk, struct span source, int *tier, struct err *err) {
  struct setting_value setting;
  int code = settings_find(walk->settings, SETTING_TIER, source, &setting, err);
  *tier = code ? 0 : (int)setting.number;
  return code;
}

int topic_weigh(struct walk *walk, struct topic *topic, struct err *err) {
  struct candidates *c = &topic->candidates;
  if (topic->weighed || c->head_count == 0)
    return 0;
  const bool tiers = walk->query->lens->tiers || walk->query->explain;
  int code = 0;
  for (uint32_t i = 0; !code && i < c->head_count; i++) {
    struct head *h = &c->heads[i];
    code = find_trust(walk, h->source, &h->trust, err);
    if (!code && tiers)
      code = find_tier(walk, h->source, &h->tier, err);
  }
  if (!code)
    code = groups_form(walk->arena, c, err);
  if (!code && walk->query->lens->tiers)
    code = layers_form(walk->arena, c, err);
  topic->weighed = !code;
  return code;
}

/* The same for the sources of what is no head. */
static int weigh_runs(struct walk *walk, struct err *err) {
  int code = 0;
  for (size_t i = 0; !code && i < walk->run_count; i++) {
    code = find_trust(walk, walk->runs[i].source, &walk->runs[i].trust, err);
    if (!code && walk->query->lens->tiers)
      code = find_tier(walk, walk->runs[i].source, &walk->runs[i].tier, err);
  }
  return code;
}

static void note_first(struct topic *topic, const struct offer *offer, const struct rank *rank) {
  if (topic->listed.seq == 0 || rank_compare(rank, &topic->listed) < 0)
    topic->listed = *rank;
  if (offer->retracted || (topic->first.seq > 0 && rank_compare(rank, &topic->first) >= 0))
    return;
  topic->first = *rank;
  topic->first_head = offer->head;
}

/* Gives an assertion its rank, and its place on the page if it has one. */
static int make_offer(struct walk *walk, const struct offer *offer, struct err *err) {
  struct topic *topic = walk->topic;
  const struct rank rank = walk->query->lens->rank(&offer->ranked);
  note_first(topic, offer, &rank);
  if (walk->starts_here && rank_compare(&walk->start.last, &rank) >= 0)
    return 0;
  const uint32_t order = walk->query->subtree ? topic->index : 0;
  if (!page_admits(&walk->page, order, &rank))
    return 0;
  return page_add(&walk->page, order, topic->index, &rank, offer->record, err);
}

/* Whether something of this rank could get onto the page, or be what the lens believes: with retracted ones among the
 * listed, that need not be on the page. */
static bool matters(const struct walk *walk, const struct rank *rank) {
  const struct topic *topic = walk->topic;
  if (page_admits(&walk->page, walk->query->subtree ? topic->index : 0, rank))
    return true;
  return walk->scan.all && walk->query->lens->first && topic->candidates.head_count > 0 &&
         (topic->first.seq == 0 || rank_compare(rank, &topic->first) < 0);
}

/* Reads on in a run from where gathering left it, as long as an assertion of it could matter. */
static int read_on(struct walk *walk, const struct run *run, struct err *err) {
  struct active_scan *scan = &walk->scan;
  struct offer offer = {.ranked = {.trust = run->trust, .tier = run->tier, .seq = run->unread + 1}, .head = HEAD_NONE};
  struct rank bound = walk->query->lens->bound(&offer.ranked);
  uint32_t known = 0;
  if (run->unread == 0 || !matters(walk, &bound))
    return 0;
  active_set_scope(scan, run->path, false, walk->predicate);
  int code = active_seek(scan, run->path, walk->predicate, run->source, run->unread, err);
  while (!code && active_in_run(scan, run->path, walk->predicate, run->source)) {
    struct reading reading;
    if ((code = walk_read(walk, &scan->row, run->half_life, &reading, err)))
      break;
    offer.ranked.confidence = reading.confidence;
    offer.ranked.seq = scan->row.seq;
    offer.retracted = scan->retracted;
    offer.record = scan->row.entry.record;
    while (known < run->known_count && run->known[known] > scan->row.seq)
      known++;
    const bool is_known = known < run->known_count && run->known[known] == scan->row.seq;
    if (reading.verdict == VERDICT_PASSES && !is_known && (code = make_offer(walk, &offer, err)))
      break;
    bound = walk->query->lens->bound(&offer.ranked);
    if (!matters(walk, &bound))
      break;
    code = active_next(scan, err);
  }
  return code;
}

static int offer_gathered(struct walk *walk, struct err *err) {
  const struct candidates *c = &walk->topic->candidates;
  int code = 0;
  for (uint32_t i = 0; !code && i < c->head_count; i++) {
    const struct head *h = &c->heads[i];
    const struct offer offer = {
        .ranked = {.confidence = h->confidence, .trust = h->trust, .seq = h->seq, .level = h->level, .tier = h->tier},
        .head = i,
        .record = walk->marks[h->mark].record};
    code = make_offer(walk, &offer, err);
  }
  for (size_t i = 0; !code && i < walk->older_count; i++) {
    const struct older *o = &walk->older[i];
    const struct run *run = &walk->runs[o->run];
    const struct offer offer = {
        .ranked = {.confidence = o->confidence, .trust = run->trust, .seq = o->seq, .tier = run->tier},
        .head = HEAD_NONE,
        .retracted = o->retracted,
        .record = o->record};
    code = make_offer(walk, &offer, err);
  }
  return code;
}

int topic_rank(struct walk *walk, struct err *err) {
  int code = walk->query->lens->weighs ? topic_weigh(walk, walk->topic, err) : 0;
  if (!code && walk->query->lens->weighs)
    code = weigh_runs(walk, err);
  if (!code)
    code = offer_gathered(walk, err);
  for (size_t i = 0; !code && i < walk->run_count; i++)
    code = read_on(walk, &walk->runs[i], err);
  return code;
}
