#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "tests/harness/harness.h"

#define MIB (UINT64_C(1024) * 1024)

/* A fresh home with this stemedb.conf. */
static const char *home_with(const char *text) {
  struct err err;
  char path[FILEIO_PATH_MAX];
  const char *home = harness_folder();
  CU_ASSERT_EQUAL_FATAL(fileio_join(path, home, "stemedb.conf", &err), 0);
  CU_ASSERT_EQUAL_FATAL(fileio_replace(path, text, strlen(text), 0640, &err), 0);
  return home;
}

static bool is_below(const char *path, const char *home, const char *rest) {
  size_t len = strlen(home);
  return strncmp(path, home, len) == 0 && strcmp(path + len, rest) == 0;
}

static void defaults_without_a_file(void) {
  struct config c;
  struct err err;
  const char *home = harness_folder();
  CU_ASSERT_EQUAL_FATAL(config_load(&c, home, &err), 0);
  CU_ASSERT_STRING_EQUAL(c.home, home);
  CU_ASSERT_TRUE(is_below(c.data_dir, home, "/data"));
  CU_ASSERT_TRUE(is_below(c.backup_dir, home, "/backups"));
  CU_ASSERT_TRUE(is_below(c.log_dir, home, "/log"));
  CU_ASSERT_TRUE(is_below(c.run_dir, home, "/run"));
  CU_ASSERT_EQUAL(c.api_port, 18180);
  CU_ASSERT_EQUAL(c.dashboard_port, 18188);
  CU_ASSERT(c.workers >= 1);
  CU_ASSERT_EQUAL(c.history_cache_bytes, 32 * MIB);
  CU_ASSERT(c.projection_cache_bytes >= 64 * MIB && c.projection_cache_bytes <= 1024 * MIB);
  CU_ASSERT_EQUAL(c.wal_file_bytes, 64 * MIB);
  CU_ASSERT_EQUAL(c.checkpoint_bytes, 32 * MIB);
  CU_ASSERT_EQUAL(c.min_free_bytes, 256 * MIB);
  CU_ASSERT_EQUAL(c.ballast_bytes, 256 * MIB);
  CU_ASSERT_EQUAL(c.recovery_timeout_s, 300);
  CU_ASSERT_EQUAL(c.batch_commands, 512);
  CU_ASSERT_EQUAL(c.import_chunk_lines, 1000);
}

static void the_file_changes_what_it_names(void) {
  struct config c;
  struct err err;
  const char *home =
      home_with("# comment\n\n  api_port = 1234  \r\nworkers=3\n\tdata_dir = /mnt/d ata\nbackup_dir = b/c\n"
                "history_cache_bytes = 5M\nwal_file_bytes = 8388608\nprojection_cache_bytes = 2G\n"
                "min_free_bytes = 0\ncheckpoint_bytes = 2048K\nlisten_address = 127.0.0.2  ::\ntls_key = /k.pem\n"
                "tls_certificate = tls/c.pem\nlisten_unprotected = yes");
  CU_ASSERT_EQUAL_FATAL(config_load(&c, home, &err), 0);
  CU_ASSERT_EQUAL(c.api_port, 1234);
  CU_ASSERT_EQUAL(c.dashboard_port, 18188);
  CU_ASSERT_EQUAL(c.workers, 3);
  CU_ASSERT_STRING_EQUAL(c.data_dir, "/mnt/d ata");
  CU_ASSERT_TRUE(is_below(c.backup_dir, home, "/b/c"));
  CU_ASSERT_EQUAL(c.history_cache_bytes, 5 * MIB);
  CU_ASSERT_EQUAL(c.wal_file_bytes, 8 * MIB);
  CU_ASSERT_EQUAL(c.projection_cache_bytes, 2048 * MIB);
  CU_ASSERT_EQUAL(c.min_free_bytes, 0);
  CU_ASSERT_EQUAL(c.checkpoint_bytes, 2 * MIB);
  CU_ASSERT_STRING_EQUAL(c.listen_address, "127.0.0.2  ::");
  CU_ASSERT_STRING_EQUAL(c.tls_key, "/k.pem");
  CU_ASSERT_TRUE(is_below(c.tls_certificate, home, "/tls/c.pem"));
  CU_ASSERT_EQUAL(c.listen_unprotected, 1);
}

static void bad_lines_are_named(void) {
  static const struct {
    const char *text, *expected;
  } table[] = {
      {"api_port = 0", ":1: api_port: '0' is not a number from 1 to 65535"},
      {"\n\napi_port = 65536", ":3: api_port: '65536' is not a number"},
      {"api_port = 12a", ":1: api_port: '12a'"},
      {"api_port = 1K", ":1: api_port: '1K'"},
      {"api_port = -1", ":1: api_port: '-1'"},
      {"api_port =", ":1: api_port: ''"},
      {"workers = 99999999999999999999", ":1: workers: '99999999999999999999'"},
      {"history_cache_bytes = 18446744073709551615G", ":1: history_cache_bytes: '18446744073709551615G'"},
      {"history_cache_bytes = 32MB", ":1: history_cache_bytes: '32MB'"},
      {"data_dir =  ", ":1: data_dir: a path is expected"},
      {"listen_address = localhost", ":1: 'localhost' is not an IP address"},
      {"listen_address = ::1 1.2.3.256 ::", ":1: '1.2.3.256' is not an IP address"},
      {"listen_unprotected = 1", ":1: listen_unprotected: '1' is none of: no yes"},
      {"port = 1", ":1: there is no option 'port'"},
      {"# x\nworkers 3", ":2: 'name = value' is expected, not 'workers 3'"},
      {"workers = 1\nworkers = 2", ":2: workers is given twice"},
  };
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    struct config c;
    struct err err;
    const char *home = home_with(table[i].text);
    CU_ASSERT_EQUAL(config_load(&c, home, &err), ERR_INVALID);
    CU_ASSERT_EQUAL(strncmp(err.text, home, strlen(home)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, table[i].expected));
  }
}

static void binary_files_are_refused(void) {
  struct config c;
  struct err err;
  char path[FILEIO_PATH_MAX];
  const char *home = harness_folder();
  CU_ASSERT_EQUAL_FATAL(fileio_join(path, home, "stemedb.conf", &err), 0);
  CU_ASSERT_EQUAL_FATAL(fileio_replace(path, "workers = 1\0workers = 2", 23, 0640, &err), 0);
  CU_ASSERT_EQUAL(config_load(&c, home, &err), ERR_INVALID);
}

static void relative_homes_become_absolute(void) {
  struct config c;
  struct err err;
  char before[FILEIO_PATH_MAX], expected[FILEIO_PATH_MAX];
  CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof(before)));
  CU_ASSERT_EQUAL(config_defaults(&c, "some/home", &err), 0);
  CU_ASSERT_EQUAL(fileio_join(expected, before, "some/home", &err), 0);
  CU_ASSERT_STRING_EQUAL(c.home, expected);
  CU_ASSERT_TRUE(is_below(c.data_dir, expected, "/data"));
  CU_ASSERT_EQUAL(config_defaults(&c, "", &err), ERR_INVALID);
}

static void the_example_is_the_defaults(void) {
  struct config expected, c;
  struct err err;
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  config_print_example(out);
  fclose(out);
  const char *home = home_with(text);
  CU_ASSERT_EQUAL(config_load(&c, home, &err), 0);
  CU_ASSERT_EQUAL(config_defaults(&expected, home, &err), 0);
  CU_ASSERT_EQUAL(memcmp(&c, &expected, sizeof(c)), 0);
  /* The same with every option switched on. */
  for (char *p = text; (p = strstr(p, "\n#")) != NULL; p++)
    if (p[2] != ' ')
      p[1] = ' ';
  home = home_with(text);
  CU_ASSERT_EQUAL_FATAL(config_load(&c, home, &err), 0);
  CU_ASSERT_EQUAL(config_defaults(&expected, home, &err), 0);
  CU_ASSERT_EQUAL(memcmp(&c, &expected, sizeof(c)), 0);
  free(text);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a home without a file has the defaults", defaults_without_a_file},
      {"the file changes what it names and nothing else", the_file_changes_what_it_names},
      {"a bad line is refused with file, line and option", bad_lines_are_named},
      {"a file with NUL bytes is refused", binary_files_are_refused},
      {"a relative home becomes absolute", relative_homes_become_absolute},
      {"the example file, switched on or not, is the defaults", the_example_is_the_defaults},
  };
  return harness_run("config", cases, HARNESS_COUNT(cases));
}
