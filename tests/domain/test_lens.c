#include "domain/lens.h"

#include <math.h>
#include <stdlib.h>

#include "tests/harness/harness.h"

static struct arena *arena;

static struct head head(const char *value, double confidence, double trust, uint64_t seq) {
  return (struct head){.value = span_str(value), .confidence = confidence, .trust = trust, .seq = seq};
}

static struct candidates form(struct head *heads, uint32_t count) {
  struct candidates c = {.heads = heads, .head_count = count};
  struct err err;
  CU_ASSERT_EQUAL_FATAL(groups_form(arena, &c, &err), 0);
  return c;
}

static bool is(struct span value, const char *text) {
  return span_equal(value, span_str(text));
}

static bool close_to(double a, double b) {
  return fabs(a - b) < 1e-12;
}

static const struct lens *lens(const char *name) {
  const struct lens *found = lens_find(span_str(name));
  CU_ASSERT_PTR_NOT_NULL_FATAL(found);
  return found;
}

static void test_table(void) {
  size_t count = 0;
  const struct lens *table = lens_table(&count);
  CU_ASSERT_EQUAL(count, 7);
  for (size_t i = 0; i < count; i++)
    CU_ASSERT_PTR_EQUAL(lens_find(span_str(table[i].name)), &table[i]);
  CU_ASSERT_PTR_NULL(lens_find(span_str("rece")));
  CU_ASSERT_PTR_NULL(lens_find(span_str("")));
}

static void test_equal_values_add_up(void) {
  struct head heads[] = {head("\"84\"", 0.9, 1, 1), head("\"85\"", 0.95, 1, 2), head("\"84\"", 0.6, 0.5, 3)};
  struct candidates c = form(heads, 3);
  CU_ASSERT_EQUAL_FATAL(c.group_count, 2);
  CU_ASSERT_TRUE(is(c.groups[0].value, "\"84\""));
  CU_ASSERT_TRUE(close_to(c.groups[0].weight, 1.2));
  CU_ASSERT_TRUE(close_to(c.groups[0].share, 1.2 / 2.15));
  CU_ASSERT_TRUE(close_to(c.groups[1].share, 0.95 / 2.15));
  CU_ASSERT_EQUAL(c.groups[0].winner, 0);
  CU_ASSERT_EQUAL(c.groups[0].first, 0);
  CU_ASSERT_EQUAL(heads[0].next, 2);
  CU_ASSERT_EQUAL(heads[2].next, HEAD_NONE);
  CU_ASSERT_EQUAL(heads[2].group, 0);
  CU_ASSERT_EQUAL(heads[1].group, 1);
  double p = 1.2 / 2.15, q = 0.95 / 2.15;
  CU_ASSERT_TRUE(fabs(c.conflict - (-p * log2(p) - q * log2(q))) < 1e-11);
  CU_ASSERT_EQUAL(groups_status(&c), STATUS_CONTESTED);
}

static void test_one_group(void) {
  struct head heads[] = {head("1", 0.2, 1, 1), head("1", 0.9, 0, 2)};
  struct candidates c = form(heads, 2);
  CU_ASSERT_EQUAL(c.group_count, 1);
  CU_ASSERT_EQUAL(c.groups[0].share, 1);
  CU_ASSERT_EQUAL(c.conflict, 0);
  CU_ASSERT_EQUAL(c.groups[0].winner, 1);
  CU_ASSERT_EQUAL(groups_status(&c), STATUS_UNANIMOUS);
}

static void test_agreed_below_half(void) {
  struct head heads[] = {head("1", 1, 1, 1), head("2", 0.1, 1, 2)};
  struct candidates c = form(heads, 2);
  CU_ASSERT_TRUE(c.conflict > 0 && c.conflict < 0.5);
  CU_ASSERT_EQUAL(groups_status(&c), STATUS_AGREED);
  struct head ignored[] = {head("1", 1, 1, 1), head("2", 1, 0, 2)};
  c = form(ignored, 2);
  CU_ASSERT_EQUAL(c.group_count, 2);
  CU_ASSERT_EQUAL(c.conflict, 0);
  CU_ASSERT_EQUAL(groups_status(&c), STATUS_AGREED);
}

static void test_no_weight_is_shared_equally(void) {
  struct head heads[] = {head("1", 0, 1, 9), head("2", 1, 0, 2), head("3", 0, 0, 4)};
  struct candidates c = form(heads, 3);
  for (uint32_t g = 0; g < 3; g++) {
    CU_ASSERT_TRUE(close_to(c.groups[g].share, 1.0 / 3));
    CU_ASSERT_EQUAL(c.groups[g].level, 0);
  }
  CU_ASSERT_EQUAL(c.conflict, 1);
  CU_ASSERT_TRUE(is(c.groups[0].value, "1"));
  CU_ASSERT_TRUE(is(c.groups[1].value, "3"));
  CU_ASSERT_TRUE(is(c.groups[2].value, "2"));
}

static void test_ties_go_to_the_newer_winner(void) {
  /* 0.1 + 0.2 is a little more than 0.3. */
  struct head heads[] = {head("1", 0.1, 1, 1), head("1", 0.2, 1, 2), head("2", 0.3, 1, 3)};
  struct candidates c = form(heads, 3);
  CU_ASSERT_TRUE(c.groups[1].weight > c.groups[0].weight);
  CU_ASSERT_TRUE(is(c.groups[0].value, "2"));
  CU_ASSERT_EQUAL(c.groups[0].level, c.groups[1].level);
  heads[2].seq = 0;
  c = form(heads, 3);
  CU_ASSERT_TRUE(is(c.groups[0].value, "1"));
  struct head apart[] = {head("1", 0.300000002, 1, 1), head("2", 0.3, 1, 3)};
  c = form(apart, 2);
  CU_ASSERT_TRUE(is(c.groups[0].value, "1"));
}

static void test_a_trace_is_no_weight(void) {
  /* A head that is superseded weighs 0 and ties with this one. */
  struct head heads[] = {head("1", 5e-10, 1, 1), head("2", 1, 0, 2)};
  struct candidates c = form(heads, 2);
  CU_ASSERT_EQUAL(c.groups[0].level, 0);
  CU_ASSERT_EQUAL(c.groups[1].level, 0);
  CU_ASSERT_TRUE(is(c.groups[0].value, "2"));
  CU_ASSERT_EQUAL(c.groups[1].share, 1);
}

static void test_ties_do_not_chain(void) {
  /* 8e-10 apart each: the second ties with the first, the third with neither. */
  struct head heads[] = {head("1", 0.5000000016, 1, 1), head("2", 0.5000000008, 1, 2), head("3", 0.5, 1, 3)};
  struct candidates c = form(heads, 3);
  CU_ASSERT_TRUE(is(c.groups[0].value, "2"));
  CU_ASSERT_TRUE(is(c.groups[1].value, "1"));
  CU_ASSERT_TRUE(is(c.groups[2].value, "3"));
  CU_ASSERT_EQUAL(c.groups[0].level, 0.5000000016);
  CU_ASSERT_EQUAL(c.groups[2].level, 0.5);
}

static void test_group_winner(void) {
  struct head heads[] = {head("1", 0.5, 1, 1), head("1", 0.7, 0.1, 2), head("1", 0.7, 0.1, 3), head("1", 0.1, 1, 4)};
  struct candidates c = form(heads, 4);
  CU_ASSERT_EQUAL(c.groups[0].winner, 2);
}

static void test_many_groups(void) {
  enum { N = 1000 };
  static char text[N][8];
  static struct head heads[N];
  for (uint32_t i = 0; i < N; i++) {
    snprintf(text[i], sizeof(text[i]), "%u", i % 500);
    heads[i] = head(text[i], (i % 500 + 1) / 1000.0, 1, i + 1);
  }
  struct candidates c = form(heads, N);
  CU_ASSERT_EQUAL_FATAL(c.group_count, 500);
  double shares = 0;
  for (uint32_t g = 0; g < c.group_count; g++) {
    shares += c.groups[g].share;
    CU_ASSERT_TRUE(g == 0 || c.groups[g].weight < c.groups[g - 1].weight);
    CU_ASSERT_EQUAL(heads[c.groups[g].first].group, g);
    CU_ASSERT_EQUAL(heads[c.groups[g].first].next, c.groups[g].first + 500);
  }
  CU_ASSERT_TRUE(close_to(shares, 1));
  CU_ASSERT_TRUE(is(c.groups[0].value, "499"));
}

static void test_no_room(void) {
  struct arena *small = arena_create(64);
  struct head heads[] = {head("1", 1, 1, 1), head("2", 1, 1, 2)};
  struct candidates c = {.heads = heads, .head_count = 2};
  struct err err;
  CU_ASSERT_EQUAL(groups_form(small, &c, &err), ERR_NOMEM);
  arena_free(small);
}

/* Under `name`, whether a comes before b. */
static bool before(const char *name, struct ranked a, struct ranked b) {
  struct rank ra = lens(name)->rank(&a), rb = lens(name)->rank(&b);
  CU_ASSERT_EQUAL(rank_compare(&ra, &rb), -rank_compare(&rb, &ra));
  CU_ASSERT_EQUAL(rank_compare(&ra, &ra), 0);
  return rank_compare(&ra, &rb) < 0;
}

static void test_orders(void) {
  /* confidence, trust, seq, level, tier */
  const struct ranked bold = {0.9, 0.2, 1, 0.1, 3}, sober = {0.5, 0.8, 2, 0.1, 3}, late = {0.5, 0.8, 3, 0.1, 3},
                      backed = {0.1, 0.1, 1, 0.7, 3}, official = {0, 0, 1, 0, 0};
  CU_ASSERT_TRUE(before("recency", late, sober) && before("recency", sober, bold));
  CU_ASSERT_TRUE(before("confidence", bold, late) && before("confidence", late, sober));
  CU_ASSERT_TRUE(before("authority", late, sober) && before("authority", sober, bold));
  CU_ASSERT_TRUE(before("consensus", backed, bold) && before("consensus", bold, late));
  CU_ASSERT_TRUE(before("skeptic", backed, bold) && before("skeptic", late, sober));
  CU_ASSERT_TRUE(before("layered", official, backed) && before("layered", backed, bold));
  CU_ASSERT_TRUE(before("layered", bold, late) && before("layered", late, sober));
  CU_ASSERT_TRUE(before("timeline", sober, late) && before("timeline", bold, sober));
}

static void test_bounds(void) {
  static const char *const names[] = {"recency", "confidence", "authority", "consensus", "skeptic", "layered"};
  srand(7);
  for (int i = 0; i < 20000; i++) {
    const struct lens *l = lens(names[i % 6]);
    struct ranked last = {rand() % 11 / 10.0, rand() % 11 / 10.0, (uint64_t)(rand() % 20) + 2, rand() % 3 / 2.0,
                          rand() % 3};
    struct ranked older = {rand() % 11 / 10.0, last.trust, (uint64_t)rand() % (last.seq - 1) + 1, 0, last.tier};
    struct rank bound = l->bound(&last), rank = l->rank(&older);
    CU_ASSERT_TRUE(rank_compare(&bound, &rank) <= 0);
    struct ranked other = {rand() % 11 / 10.0, rand() % 11 / 10.0, (uint64_t)(rand() % 20) + 1, rand() % 3 / 2.0,
                           rand() % 3};
    struct rank after = l->rank(&last), below = l->rank(&other);
    if (rank_compare(&after, &below) < 0)
      CU_ASSERT_TRUE(other.seq <= l->ceiling(&after));
  }
  struct rank after = {0, 0, 0, 5};
  CU_ASSERT_EQUAL(lens("recency")->ceiling(&after), 4);
}

static void test_winners(void) {
  struct head heads[] = {head("1", 0.6, 1, 4), head("2", 0.5, 1, 2), head("1", 0.3, 1, 3)};
  struct candidates c = form(heads, 3);
  c.first = head("2", 0.8, 1, 1);
  struct resolution r;
  static const char *const firsts[] = {"recency", "confidence", "authority"};
  for (int i = 0; i < 3; i++) {
    lens_decide(lens(firsts[i]), &c, &r);
    CU_ASSERT_EQUAL(r.winner->seq, 1);
    CU_ASSERT_EQUAL(r.confidence, 0.8);
    CU_ASSERT_FALSE(r.show_candidates);
  }
  lens_decide(lens("consensus"), &c, &r);
  CU_ASSERT_PTR_EQUAL(r.winner, &heads[0]);
  CU_ASSERT_TRUE(close_to(r.confidence, 0.9 / 1.4));
  CU_ASSERT_FALSE(r.show_candidates);
  lens_decide(lens("skeptic"), &c, &r);
  CU_ASSERT_PTR_EQUAL(r.winner, &heads[0]);
  CU_ASSERT_TRUE(r.show_candidates);
}

static struct head of_tier(struct head h, int tier) {
  h.tier = tier;
  return h;
}

static void test_tiers(void) {
  struct head heads[] = {of_tier(head("1", 0.1, 1, 1), 2), of_tier(head("2", 1, 1, 2), 4),
                         of_tier(head("2", 1, 1, 3), 4), of_tier(head("3", 0.9, 1, 4), 4),
                         of_tier(head("1", 1, 0, 5), 5)};
  struct candidates c = form(heads, 5);
  struct resolution r;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(layers_form(arena, &c, &err), 0);
  CU_ASSERT_EQUAL_FATAL(c.layer_count, 3);
  CU_ASSERT_TRUE(c.layers[0].tier == 2 && c.layers[1].tier == 4 && c.layers[2].tier == 5);
  CU_ASSERT_EQUAL(c.layers[1].candidates.group_count, 2);
  CU_ASSERT_TRUE(close_to(heads[1].level, 2) && close_to(heads[3].level, 0.9));
  lens_decide(lens("layered"), &c, &r);
  CU_ASSERT_EQUAL(r.winner->seq, 1);
  CU_ASSERT_EQUAL(r.confidence, 1);
  CU_ASSERT_TRUE(r.show_layers);
  /* Two tiers vote for 1, one for 2. */
  CU_ASSERT_TRUE(fabs(r.conflict - (log2(3) - 2.0 / 3)) < 1e-11);
  CU_ASSERT_EQUAL(r.status, STATUS_CONTESTED);
}

static void test_tolerance(void) {
  struct head heads[] = {head("0.3", 0.5, 1, 1), head("\"0.3\"", 0.7, 1, 2), head("0.4", 0.6, 1, 3),
                         head("0.6", 0.9, 1, 4), head("0.5", 0.1, 1, 5),     head("-1", 0.2, 1, 6)};
  struct candidates c = {.heads = heads, .head_count = 6, .tolerance = span_str("0.1")};
  struct err err;
  CU_ASSERT_EQUAL_FATAL(groups_form(arena, &c, &err), 0);
  CU_ASSERT_EQUAL_FATAL(c.group_count, 3);
  CU_ASSERT_TRUE(is(c.groups[0].value, "0.6")); /* 0.3 to 0.6, a chain; its winner's value */
  CU_ASSERT_TRUE(close_to(c.groups[0].weight, 2.1));
  CU_ASSERT_EQUAL(c.groups[0].first, 0);
  CU_ASSERT_TRUE(is(c.groups[1].value, "\"0.3\""));
  CU_ASSERT_TRUE(is(c.groups[2].value, "-1"));
}

static void test_values_add_up(void) {
  struct head heads[] = {head("1", 1, 1, 1), head("2", 1, 1, 2)};
  struct candidates c = form(heads, 2);
  struct resolution r;
  c.many = true;
  lens_decide(lens("skeptic"), &c, &r);
  CU_ASSERT_PTR_NULL(r.winner);
  CU_ASSERT_EQUAL(r.conflict, 0);
  CU_ASSERT_EQUAL(r.status, STATUS_AGREED);
  CU_ASSERT_TRUE(r.show_candidates);
}

int main(void) {
  static const struct test_case cases[] = {
      {"every lens of the contract is in the table", test_table},
      {"the weights of equal values add up", test_equal_values_add_up},
      {"one group is unanimous whatever it weighs", test_one_group},
      {"a conflict below one half is agreed", test_agreed_below_half},
      {"groups share equally where nothing weighs", test_no_weight_is_shared_equally},
      {"weights within 1e-9 tie, for the winner with the newer seq", test_ties_go_to_the_newer_winner},
      {"a weight within 1e-9 of none ties with none", test_a_trace_is_no_weight},
      {"a tie does not reach further over a third group", test_ties_do_not_chain},
      {"a group's winner is its most confident, then its newest head", test_group_winner},
      {"a thousand heads form their groups, each in order", test_many_groups},
      {"without room forming groups fails", test_no_room},
      {"each lens has its order", test_orders},
      {"no older assertion ranks above a lens's bound, and none above the ceiling comes after", test_bounds},
      {"each lens chooses its winner", test_winners},
      {"the lowest tier wins, and each tier has one vote", test_tiers},
      {"a chain of numbers within the tolerance is one group", test_tolerance},
      {"values that add up have no winner and no conflict", test_values_add_up},
  };
  arena = arena_create(16 << 20);
  int status = harness_run("lens", cases, HARNESS_COUNT(cases));
  arena_free(arena);
  return status;
}
