#include "tools/import_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/fileio.h"
#include "tests/harness/harness.h"

enum { TEXT_MAX = 16 << 20 };

static const char *write_file(char path[FILEIO_PATH_MAX], const char *name, struct span text, bool packed) {
  struct err err;
  CU_ASSERT_EQUAL(fileio_join(path, harness_folder(), name, &err), 0);
  gzFile file = gzopen(path, packed ? "wb" : "wbT");
  CU_ASSERT_EQUAL(gzwrite(file, text.data, (unsigned)text.len), (int)text.len);
  gzclose(file);
  return path;
}

/* Reads to the end in pieces of `step` bytes. */
static int read_all(struct import_source *source, size_t step, struct buf *out, struct err *err) {
  char piece[1000];
  size_t got = 1;
  int rc = 0;
  buf_reset(out);
  while (!rc && got > 0) {
    rc = import_source_read(source, piece, step, &got, err);
    if (!rc)
      buf_add(out, piece, got);
  }
  return rc;
}

static bool gives(struct import_source *source, size_t step, const char *wanted) {
  struct buf out;
  struct err err;
  buf_init(&out, TEXT_MAX);
  bool same = read_all(source, step, &out, &err) == 0 && span_equal(buf_span(&out), span_str(wanted));
  if (!same)
    printf("# gave %.*s\n", (int)(out.len < 500 ? out.len : 500), (const char *)out.data);
  buf_free(&out);
  return same;
}

static struct import_source *open_source(const char *path) {
  struct import_source *source = NULL;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(import_source_open(path, &source, &err), 0);
  return source;
}

static void lines_come_as_they_are(void) {
  static const char text[] = "{\"a\":1}\r\n\n{\"b\":2}\nlast";
  char path[FILEIO_PATH_MAX];
  struct err err;
  for (int packed = 0; packed < 2; packed++) {
    struct import_source *source = open_source(write_file(path, "lines", span_str(text), packed));
    CU_ASSERT_TRUE(import_source_repeats(source));
    CU_ASSERT(gives(source, 1, text));
    CU_ASSERT_EQUAL(import_source_lines(source), 4);
    CU_ASSERT_EQUAL(import_source_done(source), import_source_size(source));
    CU_ASSERT_EQUAL(import_source_rewind(source, 0, &err), 0);
    CU_ASSERT(gives(source, 1000, text));
    import_source_close(source);
  }
}

static void skipped_lines_are_empty(void) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  struct import_source *source = open_source(write_file(path, "skip", span_str("one\ntwo\nthree\nfour"), false));
  CU_ASSERT(gives(source, 7, "one\ntwo\nthree\nfour"));
  CU_ASSERT_EQUAL(import_source_rewind(source, 2, &err), 0);
  CU_ASSERT(gives(source, 7, "\n\nthree\nfour"));
  CU_ASSERT_EQUAL(import_source_lines(source), 4);
  CU_ASSERT_EQUAL(import_source_rewind(source, 9, &err), 0);
  CU_ASSERT(gives(source, 7, "\n\n\n"));
  import_source_close(source);
}

static void entries_of_a_feed_become_assertions(void) {
  char path[FILEIO_PATH_MAX];
  struct err err;
  static const char text[] = "{\"kind\":\"assertion\",\"seq\":1,\"concept_path\":\"a\",\"value\":1}\n"
                             "{\"kind\":\"retraction\",\"seq\":2,\"concept_path\":\"a\"}\n"
                             "{\"kind\":\"assertion\",\"seq\":3,\"concept_path\":\"b\",\"value\":2}";
  struct import_source *source = open_source(write_file(path, "feed", span_str(text), false));
  CU_ASSERT(gives(source, 100, "{\"concept_path\":\"a\",\"value\":1}\n\n{\"concept_path\":\"b\",\"value\":2}"));
  CU_ASSERT_EQUAL(import_source_events(source), 1);
  CU_ASSERT_EQUAL(import_source_rewind(source, 1, &err), 0);
  CU_ASSERT(gives(source, 100, "\n\n{\"concept_path\":\"b\",\"value\":2}"));
  CU_ASSERT_EQUAL(import_source_events(source), 1);
  import_source_close(source);
}

static void a_key_is_that_of_the_content(void) {
  char path[FILEIO_PATH_MAX], key[64], packed[64], other[64], small[64];
  struct err err;
  struct import_source *source = open_source(write_file(path, "a", span_str("one\ntwo\n"), false));
  CU_ASSERT_EQUAL(import_source_key(source, key, sizeof(key), &err), 0);
  CU_ASSERT(gives(source, 100, "one\ntwo\n"));
  import_source_close(source);
  source = open_source(write_file(path, "a.gz", span_str("one\ntwo\n"), true));
  CU_ASSERT_EQUAL(import_source_key(source, packed, sizeof(packed), &err), 0);
  import_source_close(source);
  source = open_source(write_file(path, "b", span_str("one\ntwi\n"), false));
  CU_ASSERT_EQUAL(import_source_key(source, other, sizeof(other), &err), 0);
  import_source_close(source);
  source = open_source(write_file(path, "c", span_str(""), false));
  CU_ASSERT_EQUAL(import_source_key(source, small, sizeof(small), &err), 0);
  import_source_close(source);
  CU_ASSERT_STRING_EQUAL(key, packed);
  CU_ASSERT_STRING_NOT_EQUAL(key, other);
  CU_ASSERT_STRING_NOT_EQUAL(key, small);
  CU_ASSERT_EQUAL(strlen(key), 5 + 32);
}

static void a_line_without_end_passes_in_pieces(void) {
  size_t len = 3 << 20;
  char path[FILEIO_PATH_MAX];
  struct buf text, out;
  struct err err;
  buf_init(&text, TEXT_MAX);
  buf_init(&out, TEXT_MAX);
  memset(buf_extend(&text, len), 'x', len);
  buf_add_str(&text, "\nshort\n");
  struct import_source *source = open_source(write_file(path, "long", buf_span(&text), true));
  CU_ASSERT_EQUAL(read_all(source, 1000, &out, &err), 0);
  CU_ASSERT(span_equal(buf_span(&out), buf_span(&text)));
  CU_ASSERT_EQUAL(import_source_lines(source), 2);
  CU_ASSERT_EQUAL(import_source_rewind(source, 1, &err), 0);
  CU_ASSERT(gives(source, 1000, "\nshort\n"));
  import_source_close(source);
  buf_free(&text);
  buf_free(&out);
}

static void a_gzip_file_that_was_cut_off_is_an_error(void) {
  char path[FILEIO_PATH_MAX], key[64];
  struct buf out;
  struct err err;
  buf_init(&out, TEXT_MAX);
  write_file(path, "cut.gz", span_str("a line of some length\nand another one, and more\n"), true);
  CU_ASSERT_EQUAL(truncate(path, 30), 0);
  struct import_source *source = open_source(path);
  CU_ASSERT_EQUAL(import_source_key(source, key, sizeof(key), &err), ERR_IO);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged gzip data"));
  CU_ASSERT_EQUAL(import_source_rewind(source, 0, &err), 0);
  CU_ASSERT_EQUAL(read_all(source, 100, &out, &err), ERR_IO);
  import_source_close(source);
  buf_free(&out);
}

static void what_is_no_file_is_refused(void) {
  struct import_source *source = NULL;
  struct err err;
  CU_ASSERT_EQUAL(import_source_open("/nonexistent/file", &source, &err), ERR_NOTFOUND);
  CU_ASSERT_EQUAL(import_source_open(harness_folder(), &source, &err), ERR_IO);
  CU_ASSERT_PTR_NULL(source);
}

int main(void) {
  static const struct test_case cases[] = {
      {"lines come as they are, packed or not", lines_come_as_they_are},
      {"skipped lines are empty, so that numbers stay", skipped_lines_are_empty},
      {"entries of a feed become assertions, events are counted", entries_of_a_feed_become_assertions},
      {"a key is that of the content, packed or not", a_key_is_that_of_the_content},
      {"a line without end passes in pieces", a_line_without_end_passes_in_pieces},
      {"a gzip file that was cut off is an error", a_gzip_file_that_was_cut_off_is_an_error},
      {"what is no file is refused", what_is_no_file_is_refused},
  };
  return harness_run("import_source", cases, HARNESS_COUNT(cases));
}
