/* An archive of log files: names that prove themselves, gaps, runs, copies. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/archive_put.h"
#include "ops/archive_verify.h"
#include "store/walscan.h"
#include "tests/harness/harness.h"
#include "tests/ops/copies.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 1500, TIMELINE = 3, REMOVED = 2 };
#define BRANCH UINT64_C(0xfedcba9876543210)

static const unsigned char history_id[HISTORY_ID_SIZE] = {0x01, 0x23, 0xff};

static const char *wal; /* of a killed node */
static uint32_t *numbers;
static size_t number_count;
static struct err err;
static char told[4096];

static void note(void *ctx, const char *file, const char *problem) {
  size_t len = strlen(told);
  (void)ctx;
  snprintf(told + len, sizeof(told) - len, "%s: %s\n", file, problem);
}

static uint32_t end_of(uint32_t number) {
  struct wal_visitor visitor = {0};
  struct wal_file file;
  if (wal_walk_file(wal, number, &visitor, &file, &err))
    abort();
  return file.end;
}

static const char *folder_of(const char *target) {
  char name[ARCHIVE_FOLDER_SIZE];
  archive_folder_format(name, history_id, TIMELINE, BRANCH);
  return crashed_path(target, name);
}

static const char *object_path(const char *target, const struct archive_name *name) {
  char text[ARCHIVE_NAME_SIZE];
  archive_name_format(text, name);
  return crashed_path(folder_of(target), text);
}

/* All of the log, a target of its own. */
static const char *make_archive(struct archive_name *names) {
  const char *target = harness_folder();
  for (size_t i = 0; i < number_count; i++)
    if (archive_put(folder_of(target), wal, numbers[i], end_of(numbers[i]), false, &names[i], &err)) {
      fprintf(stderr, "%s\n", err.text);
      abort();
    }
  return target;
}

static void prepare(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = 5, .checkpoint_at = 50};
  const char *data = harness_folder();
  crashed_create(data, &plan);
  wal = crashed_path(data, "wal");
  if (walscan_list(wal, &numbers, &number_count, &err) || number_count < 4)
    abort();
}

static void names_come_back(void) {
  struct archive_name name = {.number = 4000000000u, .length = 123456789}, again;
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t timeline, number;
  uint64_t branch;
  char text[ARCHIVE_NAME_SIZE], folder[ARCHIVE_FOLDER_SIZE];
  memset(name.digest, 0xa5, sizeof(name.digest));
  archive_name_format(text, &name);
  CU_ASSERT_TRUE(archive_name_parse(text, &again));
  CU_ASSERT_EQUAL(memcmp(&name, &again, sizeof(name)), 0);
  archive_folder_format(folder, history_id, TIMELINE, BRANCH);
  CU_ASSERT_STRING_EQUAL(folder, "0123ff00000000000000000000000000/timeline-0003-fedcba9876543210");
  CU_ASSERT_TRUE(archive_folder_parse(folder, id, &timeline, &branch));
  CU_ASSERT_EQUAL(memcmp(id, history_id, sizeof(id)), 0);
  CU_ASSERT_EQUAL(timeline, TIMELINE);
  CU_ASSERT_EQUAL(branch, BRANCH);
  archive_live_format(text, 7);
  CU_ASSERT_STRING_EQUAL(text, "log.0000000007.live");
  CU_ASSERT_TRUE(archive_live_parse(text, &number));
  CU_ASSERT_EQUAL(number, 7);
}

static void other_names_are_refused(void) {
  static const char *const objects[] = {
      "",
      "log.",
      "log.0000000001",
      "log.0000000001-",
      "log.0000000001-12",
      "log.0000000001-12-",
      "log.0000000001-012-00000000000000000000000000000000000000000000000000000000000000ff",
      "log.0000000000-12-00000000000000000000000000000000000000000000000000000000000000ff",
      "log.0000000001-12-00000000000000000000000000000000000000000000000000000000000000FF",
      "log.0000000001-12-00000000000000000000000000000000000000000000000000000000000000ff0",
      "log.0000000001-12345678901-00000000000000000000000000000000000000000000000000000000000000ff",
      "log.00000000001-12-00000000000000000000000000000000000000000000000000000000000000ff",
      "log.9999999999-12-00000000000000000000000000000000000000000000000000000000000000ff"};
  static const char *const folders[] = {"",
                                        "0123ff00000000000000000000000000",
                                        "0123ff00000000000000000000000000/timeline-0003",
                                        "0123ff00000000000000000000000000/timeline-3-fedcba9876543210",
                                        "0123ff00000000000000000000000000/timeline-0000-fedcba9876543210",
                                        "0123ff0000000000000000000000000/timeline-0003-fedcba9876543210",
                                        "0123ff00000000000000000000000000/timeline-0003-fedcba987654321"};
  struct archive_name name;
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t number;
  uint64_t branch;
  for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
    CU_ASSERT_FALSE(archive_name_parse(objects[i], &name));
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    CU_ASSERT_FALSE(archive_folder_parse(folders[i], id, &number, &branch));
  CU_ASSERT_FALSE(archive_live_parse("log.0000000001", &number));
  CU_ASSERT_FALSE(archive_live_parse("log.0000000000.live", &number));
  CU_ASSERT_FALSE(archive_live_parse("log.0000000001.live.live", &number));
}

static void what_is_whole_is_one_run_and_copies_as_it_was(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names), *copy = harness_folder();
  struct archive archive;
  struct archive_run run;
  struct walscan before, after;
  told[0] = '\0';
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_STRING_EQUAL(told, "");
  CU_ASSERT_EQUAL(archive.count, 1);
  CU_ASSERT_PTR_NULL(archive_find(&archive, history_id, TIMELINE, 1));
  const struct archive_line *line = archive_find(&archive, history_id, TIMELINE, BRANCH);
  CU_ASSERT_PTR_NOT_NULL_FATAL(line);
  CU_ASSERT_EQUAL(line->count, number_count);
  for (size_t i = 0; i < line->count; i++)
    CU_ASSERT_EQUAL(archive_check(line, &line->objects[i], &err), 0);
  CU_ASSERT_EQUAL(archive_run_longest(line, &run, &err), 0);
  CU_ASSERT_EQUAL(run.first, numbers[0]);
  CU_ASSERT_EQUAL(run.last, numbers[number_count - 1]);
  CU_ASSERT_EQUAL(run.last_length, end_of(run.last));
  CU_ASSERT_EQUAL(archive_copy(&run, 0, copy, &err), 0);
  CU_ASSERT_EQUAL(walscan_run(wal, false, NULL, &before, &err), 0);
  CU_ASSERT_EQUAL(walscan_run(copy, false, NULL, &after, &err), 0);
  CU_ASSERT_EQUAL(after.fatal.fault, WAL_SOUND);
  CU_ASSERT_EQUAL(after.old.fault, WAL_SOUND);
  CU_ASSERT_EQUAL(lsn_compare(before.end, after.end), 0);
  CU_ASSERT_EQUAL(before.commits, after.commits);
  archive_close(&archive);
  free(names);
}

static void a_gap_ends_a_run(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names);
  struct archive archive;
  struct archive_run run;
  unlink(object_path(target, &names[REMOVED]));
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_EQUAL(archive_run(&archive.lines[0], numbers[0], &run, &err), 0);
  CU_ASSERT_EQUAL(run.last, numbers[REMOVED - 1]);
  CU_ASSERT_EQUAL(archive_run(&archive.lines[0], numbers[REMOVED], &run, &err), 0);
  CU_ASSERT_EQUAL(run.first, 0);
  CU_ASSERT_EQUAL(archive_run(&archive.lines[0], numbers[REMOVED + 1], &run, &err), 0);
  CU_ASSERT_EQUAL(run.last, numbers[number_count - 1]);
  archive_close(&archive);
  free(names);
}

static void a_file_that_is_not_archived_to_its_end_ends_a_run(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names)), shorter;
  const char *target = make_archive(names);
  struct archive archive;
  struct archive_run run;
  unlink(object_path(target, &names[1]));
  CU_ASSERT_EQUAL(archive_put(folder_of(target), wal, numbers[1], end_of(numbers[1]) - 100, false, &shorter, &err), 0);
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_EQUAL(archive_run(&archive.lines[0], numbers[0], &run, &err), 0);
  CU_ASSERT_EQUAL(run.last, numbers[1]);
  CU_ASSERT_EQUAL(run.last_length, end_of(numbers[1]) - 100);
  CU_ASSERT_EQUAL(archive_run_longest(&archive.lines[0], &run, &err), 0);
  CU_ASSERT_EQUAL(run.first, numbers[2]);
  archive_close(&archive);
  free(names);
}

static void a_growing_file_takes_the_place_of_the_shorter_one(void) {
  const char *target = harness_folder();
  struct archive_name name;
  struct archive archive;
  for (uint64_t part = 4; part > 0; part--)
    CU_ASSERT_EQUAL(archive_put(folder_of(target), wal, numbers[0], end_of(numbers[0]) / part, false, &name, &err), 0);
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_EQUAL(archive.lines[0].count, 1);
  CU_ASSERT_EQUAL(archive.lines[0].objects[0].name.length, end_of(numbers[0]));
  archive_close(&archive);
  size_t files = 0;
  DIR *dir = opendir(folder_of(target));
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
    files += e->d_name[0] != '.';
  closedir(dir);
  CU_ASSERT_EQUAL(files, 1);
}

static void any_flipped_byte_is_found(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names), *copy = harness_folder(), *path = object_path(target, &names[1]);
  struct archive archive;
  struct archive_run run;
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_EQUAL(archive_run_longest(&archive.lines[0], &run, &err), 0);
  chmod(path, 0640);
  for (uint64_t i = 0; i < 40; i++) {
    uint64_t at = i * (names[1].length - 1) / 39;
    crashed_flip(path, at);
    CU_ASSERT_EQUAL(archive_check(&archive.lines[0], &archive.lines[0].objects[1], &err), ERR_CORRUPT);
    crashed_flip(path, at);
  }
  crashed_flip(path, 4711);
  CU_ASSERT_EQUAL(archive_copy(&run, 0, copy, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(access(crashed_path(copy, "log.0000000002"), F_OK), -1);
  CU_ASSERT_EQUAL(access(crashed_path(copy, "log.0000000001"), F_OK), 0);
  archive_close(&archive);
  free(names);
}

static void what_has_another_size_or_name_is_told(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names), *path = object_path(target, &names[0]);
  struct archive archive;
  chmod(path, 0640);
  crashed_truncate(path, names[0].length - 1);
  mkdir(crashed_path(target, "lost+found"), 0750);
  crashed_copy(path, crashed_path(folder_of(target), "log.0000000001"));
  crashed_copy(path, crashed_path(folder_of(target), ARCHIVE_TEMPORARY "log.0000000001"));
  told[0] = '\0';
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  CU_ASSERT_PTR_NOT_NULL(strstr(told, "its size is not the one in its name"));
  CU_ASSERT_PTR_NOT_NULL(strstr(told, "/log.0000000001: it is no object"));
  CU_ASSERT_PTR_NOT_NULL(strstr(told, "lost+found: it is no history"));
  CU_ASSERT_PTR_NULL(strstr(told, ARCHIVE_TEMPORARY));
  CU_ASSERT_PTR_NULL(archive_line_object(&archive.lines[0], numbers[0]));
  CU_ASSERT_PTR_NOT_NULL(archive_line_object(&archive.lines[0], numbers[1]));
  archive_close(&archive);
  CU_ASSERT_EQUAL(archive_open(harness_folder(), note, NULL, &archive, &err), ERR_NOTFOUND);
  CU_ASSERT_EQUAL(archive_open(crashed_path(target, "none"), note, NULL, &archive, &err), ERR_NOTFOUND);
  free(names);
}

/* Verifies all of it; the findings are in `told`. */
static uint64_t verify(const char *target, struct archive_result *result) {
  struct report report;
  struct archive archive;
  report_open(&report, true);
  CU_ASSERT_EQUAL_FATAL(archive_verify_open(target, &report, &archive, &err), 0);
  for (size_t i = 0; i < archive.count; i++)
    CU_ASSERT_EQUAL(archive_verify_line(&archive.lines[i], &report, result, &err), 0);
  archive_close(&archive);
  uint64_t findings = report.findings;
  snprintf(told, sizeof(told), "%.*s", (int)report.json.len, (const char *)report.json.data);
  report_close(&report);
  return findings;
}

static void what_is_whole_is_proven_up_to_its_root(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names);
  struct archive_result result = {.entries = 0};
  unsigned char root[DIGEST_SIZE];
  CU_ASSERT_EQUAL(verify(target, &result), 0);
  CU_ASSERT_STRING_EQUAL(told, "");
  CU_ASSERT_EQUAL(result.last_seq, ENTRIES);
  CU_ASSERT_TRUE(result.whole);
  copies_root(ENTRIES, root);
  CU_ASSERT_EQUAL(memcmp(result.root, root, DIGEST_SIZE), 0);
  free(names);
}

/* A whole archive, one thing done to it, and what must be said then. */
static void whatever_is_done_to_it_is_found_and_named(void) {
  static const char *const wanted[] = {"is not what its name says", "\"offset\":", "are missing",
                                       "not the one in its name",   "up to ",      "its records end there"};
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
    struct archive_name *names = calloc(number_count, sizeof(*names)), other;
    const char *target = make_archive(names), *path = object_path(target, &names[1]);
    struct archive_result result;
    chmod(path, 0640);
    if (i < 2)
      crashed_flip(path, 20000);
    else if (i == 3)
      crashed_truncate(path, names[1].length / 2);
    else
      unlink(path);
    if (i == 4)
      CU_ASSERT_EQUAL(archive_put(folder_of(target), wal, numbers[1], 28, false, &other, &err), 0);
    if (i == 5)
      CU_ASSERT_EQUAL(archive_put(folder_of(target), wal, numbers[1], names[1].length - 5, false, &other, &err), 0);
    CU_ASSERT_TRUE(verify(target, &result) > 0);
    if (!strstr(told, wanted[i]))
      printf("# %zu: %s\n", i, told);
    CU_ASSERT_PTR_NOT_NULL(strstr(told, wanted[i]));
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "timeline-0003"));
    free(names);
  }
}

/* archive_mode=sync: what is appended record by record, and may end anywhere. */
static void a_live_file_counts_as_far_as_it_is_sound(void) {
  struct archive_name *names = calloc(number_count, sizeof(*names));
  const char *target = make_archive(names), *copy = harness_folder();
  size_t last = number_count - 1;
  char live_name[ARCHIVE_NAME_SIZE];
  struct archive archive;
  struct archive_run run;
  archive_live_format(live_name, numbers[last]);
  const char *live = crashed_path(folder_of(target), live_name);
  unlink(object_path(target, &names[last]));
  crashed_copy(crashed_log(crashed_path(wal, ".."), numbers[last]), live);
  crashed_truncate(live, names[last].length - 3);
  CU_ASSERT_EQUAL_FATAL(archive_open(target, note, NULL, &archive, &err), 0);
  const struct archive_object *object = archive_line_object(&archive.lines[0], numbers[last]);
  CU_ASSERT_PTR_NOT_NULL_FATAL(object);
  CU_ASSERT_TRUE(object->live);
  CU_ASSERT_TRUE(object->name.length < names[last].length - 3);
  CU_ASSERT_TRUE(object->name.length > names[last].length / 2);
  CU_ASSERT_EQUAL(archive_check(&archive.lines[0], object, &err), 0);
  CU_ASSERT_EQUAL(archive_run_longest(&archive.lines[0], &run, &err), 0);
  CU_ASSERT_EQUAL(run.last, numbers[last]);
  CU_ASSERT_EQUAL(archive_copy(&run, run.last, copy, &err), 0);
  CU_ASSERT_EQUAL(access(crashed_path(copy, "log.0000000001"), F_OK), -1); /* not asked for */
  crashed_flip(live, object->name.length - 9);
  CU_ASSERT_EQUAL(archive_check(&archive.lines[0], object, &err), ERR_CORRUPT);
  archive_close(&archive);
  CU_ASSERT_EQUAL(archive_put(folder_of(target), wal, numbers[last], names[last].length, true, &names[last], &err), 0);
  CU_ASSERT_EQUAL(access(live, F_OK), -1);
  free(names);
}

static void a_head_comes_back_and_a_bad_one_is_none(void) {
  const char *folder = harness_folder(), *path = crashed_path(folder, ARCHIVE_HEAD_FILE);
  struct archive_head head = {12345, UINT64_C(1700000000123456), 7, 4711, UINT64_C(1700000009000000)}, again;
  struct buf text;
  bool found = true;
  CU_ASSERT_EQUAL(archive_head_read(folder, &again, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  buf_init(&text, 4096);
  archive_head_format(&head, &text);
  CU_ASSERT_EQUAL(fileio_replace(path, text.data, text.len, 0640, &err), 0);
  CU_ASSERT_EQUAL(archive_head_read(folder, &again, &found, &err), 0);
  CU_ASSERT_TRUE_FATAL(found);
  CU_ASSERT_EQUAL(again.last_seq, head.last_seq);
  CU_ASSERT_EQUAL(again.time_us, head.time_us);
  CU_ASSERT_EQUAL(again.number, head.number);
  CU_ASSERT_EQUAL(again.length, head.length);
  CU_ASSERT_EQUAL(again.archived_us, head.archived_us);
  for (size_t len = 0; len < text.len - 3; len++) {
    CU_ASSERT_EQUAL(fileio_replace(path, text.data, len, 0640, &err), 0);
    CU_ASSERT_EQUAL(archive_head_read(folder, &again, &found, &err), 0);
    CU_ASSERT_FALSE(found);
  }
  buf_free(&text);
}

int main(void) {
  static const struct test_case cases[] = {
      {"names come back as they were", names_come_back},
      {"other names are refused", other_names_are_refused},
      {"what is whole is one run, and copies as it was", what_is_whole_is_one_run_and_copies_as_it_was},
      {"a gap ends a run", a_gap_ends_a_run},
      {"a file that is not archived to its end ends a run", a_file_that_is_not_archived_to_its_end_ends_a_run},
      {"a growing file takes the place of the shorter one", a_growing_file_takes_the_place_of_the_shorter_one},
      {"any flipped byte is found", any_flipped_byte_is_found},
      {"what has another size or name is told", what_has_another_size_or_name_is_told},
      {"what is whole is proven up to its root", what_is_whole_is_proven_up_to_its_root},
      {"whatever is done to it is found and named", whatever_is_done_to_it_is_found_and_named},
      {"a live file counts as far as it is sound", a_live_file_counts_as_far_as_it_is_sound},
      {"a head comes back, and a bad one is none", a_head_comes_back_and_a_bad_one_is_none},
  };
  prepare();
  int status = harness_run("archive", cases, HARNESS_COUNT(cases));
  free(numbers);
  return status;
}
