#include "base/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_FILE_MAX = 256 * 1024 };

enum option_type {
  OPTION_COUNT,     /* a plain number */
  OPTION_BYTES,     /* a number, with K, M or G for its powers of 1,024 */
  OPTION_PATH,      /* relative ones are below the home */
  OPTION_FILE,      /* as a path, or nothing */
  OPTION_TARGET,    /* nothing, a path, or something that begins with rclone: */
  OPTION_NAMES,     /* host names, separated by spaces */
  OPTION_ADDRESSES, /* IP addresses, separated by spaces */
  OPTION_CHOICE     /* one of a list of words: kept as its place in the list */
};

struct option {
  const char *name;
  enum option_type type;
  size_t offset;    /* in struct config */
  const char *text; /* the default as it would be written in the file */
  uint64_t least, greatest;
  const char *help;
  const char *choices; /* of OPTION_CHOICE: words, separated by spaces */
};

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define AT(field) offsetof(struct config, field)

static const struct option options[] = {
    {"data_dir", OPTION_PATH, AT(data_dir), "data", 0, 0, "The folder of the history.", NULL},
    {"backup_dir", OPTION_PATH, AT(backup_dir), "backups", 0, 0, "Where backups are made and looked for.", NULL},
    {"log_dir", OPTION_PATH, AT(log_dir), "log", 0, 0, "Log files, where no journal takes them.", NULL},
    {"run_dir", OPTION_PATH, AT(run_dir), "run", 0, 0, "Sockets and pid files.", NULL},
    {"tokens_file", OPTION_PATH, AT(tokens_file), "tokens", 0, 0,
     "Who may call: made by `stemedb token`. Without the file anyone may do anything.", NULL},
    {"archive_target", OPTION_TARGET, AT(archive_target), "", 0, 0,
     "Where the log is archived continuously: a folder that exists, best of another machine or disk, or "
     "rclone:REMOTE:PATH (S3 and others, by rclone). Empty: nowhere.",
     NULL},
    {"archive_interval", OPTION_COUNT, AT(archive_interval), "10", 1, 86400,
     "Seconds after which what was written to the log is archived at the latest.", NULL},
    {"archive_mode", OPTION_CHOICE, AT(archive_mode), "async", 0, 0,
     "async: archived within archive_interval. sync: a write is archived before it is acknowledged, and refused while "
     "it cannot be; the target must be a folder.",
     "async sync"},
    {"rclone_config", OPTION_PATH, AT(rclone_config), "rclone.conf", 0, 0,
     "Configuration of rclone; without the file rclone's own is taken.", NULL},
    {"audit", OPTION_CHOICE, AT(audit), "auto", 0, 0,
     "What log_dir/audit.log notes of calls: off, changes, all; auto is changes where there are tokens, else off.",
     "auto off changes all"},
    {"rate_limit", OPTION_COUNT, AT(rate_limit), "0", 0, 1000000,
     "Calls a second that one token, or one address without a token, may make; more is answered 429. 0: any number.",
     NULL},
    {"read_only", OPTION_CHOICE, AT(read_only), "no", 0, 0, "yes: every call that would write is refused (403).",
     "no yes"},
    {"api_port", OPTION_COUNT, AT(api_port), "18180", 1, 65535, "Port of the API, on loopback.", NULL},
    {"dashboard_port", OPTION_COUNT, AT(dashboard_port), "18188", 1, 65535, "Port of the dashboard, on loopback.",
     NULL},
    {"host_names", OPTION_NAMES, AT(host_names), "", 0, 0,
     "Host names to answer to besides localhost and loopback addresses, separated by spaces.", NULL},
    {"listen_address", OPTION_ADDRESSES, AT(listen_address), "", 0, 0,
     "Addresses to listen on besides 127.0.0.1 and ::1, separated by spaces; with tls_certificate they speak HTTPS. "
     "One "
     "beyond loopback needs TLS and tokens.",
     NULL},
    {"tls_certificate", OPTION_FILE, AT(tls_certificate), "", 0, 0,
     "Certificate with its chain, as PEM, for listen_address.", NULL},
    {"tls_key", OPTION_FILE, AT(tls_key), "", 0, 0,
     "Its key, as PEM; the user that the node runs as must be able to read it.", NULL},
    {"listen_unprotected", OPTION_CHOICE, AT(listen_unprotected), "no", 0, 0,
     "yes: listen beyond loopback without TLS or tokens, too, since something else protects the node.", "no yes"},
    {"workers", OPTION_COUNT, AT(workers), "0", 0, 256, "Worker processes; 0 is one a processor.", NULL},
    {"history_cache_bytes", OPTION_BYTES, AT(history_cache_bytes), "32M", MIB, 1024 * GIB,
     "Cache of the history, shared by all processes.", NULL},
    {"projection_cache_bytes", OPTION_BYTES, AT(projection_cache_bytes), "0", 0, 1024 * GIB,
     "Cache of the indexes; 0 is an eighth of the memory, at least 64M and at most 1G.", NULL},
    {"wal_file_bytes", OPTION_BYTES, AT(wal_file_bytes), "64M", 4 * MIB, GIB, "Size of a file of the write-ahead log.",
     NULL},
    {"checkpoint_bytes", OPTION_BYTES, AT(checkpoint_bytes), "32M", MIB, GIB,
     "A checkpoint is made after this much log: more means a longer recovery.", NULL},
    {"min_free_bytes", OPTION_BYTES, AT(min_free_bytes), "256M", 0, 1024 * GIB,
     "Writes are refused while less is free, until 1.25 times as much is.", NULL},
    {"ballast_bytes", OPTION_BYTES, AT(ballast_bytes), "256M", 0, 1024 * GIB,
     "Size of data/ballast, a file that is given back when less than it is free, so that a full disk can be recovered "
     "on; 0: none.",
     NULL},
    {"recovery_timeout_s", OPTION_COUNT, AT(recovery_timeout_s), "300", 1, 86400,
     "Seconds after which a recovery is given up.", NULL},
    {"batch_commands", OPTION_COUNT, AT(batch_commands), "512", 1, 65536, "Most commands in one commit.", NULL},
    {"import_chunk_lines", OPTION_COUNT, AT(import_chunk_lines), "1000", 1, 65536,
     "Most lines of an import in one commit.", NULL},
};

enum { OPTION_TOTAL = sizeof(options) / sizeof(options[0]) };

static uint64_t *number_at(struct config *config, const struct option *option) {
  return (uint64_t *)(void *)((unsigned char *)config + option->offset);
}

static char *text_at(struct config *config, const struct option *option) {
  return (char *)config + option->offset;
}

/* A value of the file as a number; false if it is none or out of range. */
static bool read_number(const struct option *option, const char *text, uint64_t *out) {
  uint64_t n = 0, unit = 1;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(n, 10U, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
      return false;
  if (p == text)
    return false;
  if (option->type == OPTION_BYTES && *p) {
    unit = *p == 'K' ? KIB : *p == 'M' ? MIB : *p == 'G' ? GIB : 0;
    p++;
  }
  if (*p || unit == 0 || __builtin_mul_overflow(n, unit, &n))
    return false;
  *out = n;
  return n >= option->least && n <= option->greatest;
}

static int set_path(const struct config *config, char *out, const char *text, struct err *err) {
  if (*text != '/')
    return fileio_join(out, config->home, text, err);
  size_t len = strlen(text);
  if (len >= FILEIO_PATH_MAX)
    return err_set(err, ERR_INVALID, "path too long: %.200s...", text);
  memcpy(out, text, len + 1);
  return 0;
}

static int set_names(char *out, const char *text, struct err *err) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.- ";
  size_t len = strlen(text);
  if (len >= CONFIG_NAMES_MAX || strspn(text, allowed) != len)
    return err_set(err, ERR_INVALID, "'%.100s' is not a list of host names", text);
  memcpy(out, text, len + 1);
  return 0;
}

static int set_addresses(char *out, const char *text, struct err *err) {
  char one[INET6_ADDRSTRLEN];
  struct in6_addr binary;
  size_t len = strlen(text);
  if (len >= CONFIG_NAMES_MAX)
    return err_set(err, ERR_INVALID, "too many addresses");
  for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
    size_t n = strcspn(p, " ");
    bool fits = n < sizeof(one);
    if (fits) {
      memcpy(one, p, n);
      one[n] = 0;
    }
    if (!fits || (inet_pton(AF_INET, one, &binary) != 1 && inet_pton(AF_INET6, one, &binary) != 1))
      return err_set(err, ERR_INVALID, "'%.*s' is not an IP address", (int)(n < 100 ? n : 100), p);
    p += n;
  }
  memcpy(out, text, len + 1);
  return 0;
}

/* The place of a word in the list of choices; false if it is not there. */
static bool find_choice(const char *choices, const char *word, uint64_t *out) {
  size_t len = strlen(word);
  for (uint64_t i = 0; len > 0 && *choices; i++) {
    size_t end = strcspn(choices, " ");
    if (end == len && memcmp(choices, word, len) == 0) {
      *out = i;
      return true;
    }
    choices += end + (choices[end] == ' ');
  }
  return false;
}

static int set_option(struct config *config, const struct option *option, const char *text, struct err *err) {
  if (option->type == OPTION_PATH) {
    if (!*text)
      return err_set(err, ERR_INVALID, "%s: a path is expected", option->name);
    return set_path(config, text_at(config, option), text, err);
  }
  if (option->type == OPTION_FILE) {
    char *out = text_at(config, option);
    *out = 0;
    return *text ? set_path(config, out, text, err) : 0;
  }
  if (option->type == OPTION_TARGET && (!*text || strncmp(text, "rclone:", 7) == 0)) {
    char *out = text_at(config, option);
    if (strlen(text) >= FILEIO_PATH_MAX)
      return err_set(err, ERR_INVALID, "%s: too long", option->name);
    memcpy(out, text, strlen(text) + 1);
    return 0;
  }
  if (option->type == OPTION_TARGET)
    return set_path(config, text_at(config, option), text, err);
  if (option->type == OPTION_NAMES)
    return set_names(text_at(config, option), text, err);
  if (option->type == OPTION_ADDRESSES)
    return set_addresses(text_at(config, option), text, err);
  uint64_t n;
  if (option->type == OPTION_CHOICE) {
    if (!find_choice(option->choices, text, &n))
      return err_set(err, ERR_INVALID, "%s: '%.100s' is none of: %s", option->name, text, option->choices);
    *number_at(config, option) = n;
    return 0;
  }
  if (!read_number(option, text, &n))
    return err_set(err, ERR_INVALID, "%s: '%s' is not a number from %llu to %llu%s", option->name, text,
                   (unsigned long long)option->least, (unsigned long long)option->greatest,
                   option->type == OPTION_BYTES ? " (K, M and G are understood)" : "");
  *number_at(config, option) = n;
  return 0;
}

static uint64_t count_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return (uint64_t)CPU_COUNT(&set);
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (uint64_t)n : 1;
}

/* Puts what this machine suggests in the place of 0. */
static void derive(struct config *config) {
  if (config->workers == 0)
    config->workers = count_processors();
  if (config->projection_cache_bytes == 0) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t cache = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 8 : 0;
    config->projection_cache_bytes = cache < 64 * MIB ? 64 * MIB : cache > GIB ? GIB : cache;
  }
}

static int set_home(struct config *config, const char *home, struct err *err) {
  char cwd[FILEIO_PATH_MAX] = "";
  size_t len = strlen(home);
  if (len == 0 || len >= sizeof(config->home))
    return err_set(err, ERR_INVALID, "not a home: '%.200s'", home);
  if (*home == '/') {
    memcpy(config->home, home, len + 1);
    return 0;
  }
  if (!getcwd(cwd, sizeof(cwd)))
    return err_sys(err, errno, "looking up the current folder");
  return fileio_join(config->home, cwd, home, err);
}

/* The defaults as the table has them, 0 where it says so. */
static int set_table_defaults(struct config *config, const char *home, struct err *err) {
  *config = (struct config){0};
  int rc = set_home(config, home, err);
  for (size_t i = 0; !rc && i < OPTION_TOTAL; i++)
    rc = set_option(config, &options[i], options[i].text, err);
  return rc;
}

int config_defaults(struct config *config, const char *home, struct err *err) {
  int rc = set_table_defaults(config, home, err);
  if (!rc)
    derive(config);
  return rc;
}

/* Cuts blanks (and the CR of CRLF) off both ends, in place. */
static char *trim(char *s) {
  s += strspn(s, " \t\r");
  size_t len = strlen(s);
  while (len > 0 && strchr(" \t\r", s[len - 1]))
    len--;
  s[len] = 0;
  return s;
}

static const struct option *find_option(const char *name) {
  for (size_t i = 0; i < OPTION_TOTAL; i++)
    if (strcmp(options[i].name, name) == 0)
      return &options[i];
  return NULL;
}

/* Takes in one line; `seen` has a place for each option. */
static int read_line(struct config *config, char *line, bool seen[OPTION_TOTAL], struct err *err) {
  line = trim(line);
  if (!*line || *line == '#')
    return 0;
  char *equals = strchr(line, '=');
  if (!equals)
    return err_set(err, ERR_INVALID, "'name = value' is expected, not '%.100s'", line);
  *equals = 0;
  const char *name = trim(line);
  const struct option *option = find_option(name);
  if (!option)
    return err_set(err, ERR_INVALID, "there is no option '%.100s'", name);
  if (seen[option - options])
    return err_set(err, ERR_INVALID, "%s is given twice", name);
  seen[option - options] = true;
  return set_option(config, option, trim(equals + 1), err);
}

static int read_lines(struct config *config, const char *path, char *text, struct err *err) {
  bool seen[OPTION_TOTAL] = {false};
  unsigned number = 0;
  for (char *line = text; line; number++) {
    char *next = strchr(line, '\n');
    if (next)
      *next++ = 0;
    if (read_line(config, line, seen, err))
      return err_context(err, "%s:%u", path, number + 1);
    line = next;
  }
  return 0;
}

bool config_archives_remotely(const struct config *config) {
  return strncmp(config->archive_target, "rclone:", 7) == 0;
}

int config_load(struct config *config, const char *home, struct err *err) {
  char path[FILEIO_PATH_MAX];
  bool found = false;
  struct buf text;
  buf_init(&text, CONFIG_FILE_MAX);
  int rc = set_table_defaults(config, home, err);
  if (!rc)
    rc = fileio_join(path, config->home, "stemedb.conf", err);
  if (!rc)
    rc = fileio_read_file(path, &text, &found, err);
  if (!rc && found) {
    if (text.len && memchr(text.data, 0, text.len))
      rc = err_set(err, ERR_INVALID, "%s: contains a NUL byte", path);
    buf_add_byte(&text, 0);
    if (!rc)
      rc = buf_check(&text, path, err);
    if (!rc)
      rc = read_lines(config, path, (char *)text.data, err);
  }
  if (!rc && config->archive_mode == ARCHIVE_SYNC && (!config->archive_target[0] || config_archives_remotely(config)))
    rc = err_set(err, ERR_INVALID, "%s: archive_mode = sync needs a folder as archive_target", path);
  if (!rc)
    derive(config);
  buf_free(&text);
  return rc;
}

void config_print_example(FILE *out) {
  fputs("# Configuration of StemeDB: name = value. What is commented out is the default.\n", out);
  for (size_t i = 0; i < OPTION_TOTAL; i++)
    fprintf(out, "\n# %s\n#%s = %s\n", options[i].help, options[i].name, options[i].text);
}
