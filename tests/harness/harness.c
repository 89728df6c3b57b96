#include "tests/harness/harness.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned case_number;
static char folders[64][PATH_MAX];
static size_t folder_count;

static void print_case(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure) {
  (void)suite;
  printf("%s %u - %s\n", failure ? "not ok" : "ok", ++case_number, test->pName);
  for (const CU_FailureRecord *f = failure; f; f = f->pNext)
    printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
  fflush(stdout);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static void remove_folders(void) {
  while (folder_count > 0)
    nftw(folders[--folder_count], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *harness_folder(void) {
  const char *tmp = getenv("TMPDIR");
  if (folder_count == sizeof(folders) / sizeof(folders[0]))
    abort();
  if (folder_count == 0)
    atexit(remove_folders);
  char *path = folders[folder_count];
  snprintf(path, PATH_MAX, "%s/stemedb-test-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(path))
    abort();
  folder_count++;
  return path;
}

int harness_run(const char *suite, const struct test_case *cases, size_t count) {
  if (CU_initialize_registry() != CUE_SUCCESS)
    return 99;
  CU_pSuite s = CU_add_suite(suite, NULL, NULL);
  for (size_t i = 0; s && i < count; i++)
    if (!CU_add_test(s, cases[i].name, cases[i].run))
      return 99;
  printf("1..%zu\n", count);
  CU_set_test_complete_handler(print_case);
  CU_run_all_tests();
  unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
  CU_cleanup_registry();
  return failed ? 1 : 0;
}
