#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "tests/harness/harness.h"

static void sets_code_and_text(void) {
  struct err err;
  CU_ASSERT_EQUAL(err_set(&err, ERR_CONFLICT, "key %d", 7), ERR_CONFLICT);
  CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
  CU_ASSERT_EQUAL(err.sys, 0);
  CU_ASSERT_STRING_EQUAL(err.text, "key 7");
}

static void errno_chooses_the_code(void) {
  static const struct {
    int sys;
    enum err_code code;
  } table[] = {{ENOMEM, ERR_NOMEM}, {ENOSPC, ERR_FULL}, {EDQUOT, ERR_FULL}, {ENOENT, ERR_NOTFOUND},
               {EAGAIN, ERR_BUSY},  {EBUSY, ERR_BUSY},  {EIO, ERR_IO},      {EACCES, ERR_IO}};
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    struct err err;
    CU_ASSERT_EQUAL(err_sys(&err, table[i].sys, "opening"), (int)table[i].code);
    CU_ASSERT_EQUAL(err.code, table[i].code);
    CU_ASSERT_EQUAL(err.sys, table[i].sys);
  }
}

static void text_of_errno_follows(void) {
  struct err err;
  err_sys(&err, ENOSPC, "writing %s", "x");
  CU_ASSERT_STRING_EQUAL(err.text, "writing x: No space left on device");
  err_sys(&err, 99999, "a");
  CU_ASSERT_STRING_EQUAL(err.text, "a: unknown error");
}

static void context_goes_before(void) {
  struct err err;
  err_sys(&err, EIO, "writing");
  CU_ASSERT_EQUAL(err_context(&err, "appending %d", 3), ERR_IO);
  CU_ASSERT_STRING_EQUAL(err.text, "appending 3: writing: Input/output error");
  CU_ASSERT_EQUAL(err.sys, EIO);
}

static void the_former_text_may_be_an_argument(void) {
  struct err err;
  err_set(&err, ERR_IO, "one");
  err_set(&err, ERR_CORRUPT, "<%s>", err.text);
  CU_ASSERT_STRING_EQUAL(err.text, "<one>");
  err_context(&err, "two %s", err.text);
  CU_ASSERT_STRING_EQUAL(err.text, "two <one>: <one>");
  err_sys(&err, EIO, "x%s", err.text);
  CU_ASSERT_STRING_EQUAL(err.text, "xtwo <one>: <one>: Input/output error");
}

static void long_texts_are_cut(void) {
  char longer[2 * ERR_TEXT_SIZE];
  memset(longer, 'a', sizeof(longer) - 1);
  longer[sizeof(longer) - 1] = 0;
  struct err err;
  err_set(&err, ERR_IO, "%s", longer);
  CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_SIZE - 1);
  err_context(&err, "short");
  CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_SIZE - 1);
  CU_ASSERT_EQUAL(strncmp(err.text, "short: aaa", 10), 0);
  err_context(&err, "%s", longer);
  CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_SIZE - 1);
  err_sys(&err, EIO, "%s", longer);
  CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_SIZE - 1);
}

int main(void) {
  static const struct test_case cases[] = {
      {"err_set returns the code and formats the text", sets_code_and_text},
      {"err_sys chooses the code from errno", errno_chooses_the_code},
      {"err_sys appends the text of errno", text_of_errno_follows},
      {"err_context goes before the text and keeps code and errno", context_goes_before},
      {"the former text may be an argument of the new one", the_former_text_may_be_an_argument},
      {"texts that are too long are cut", long_texts_are_cut},
  };
  return harness_run("err", cases, HARNESS_COUNT(cases));
}
