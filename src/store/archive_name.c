#include "store/archive_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { NUMBER_DIGITS = 10, LENGTH_DIGITS_MAX = 10, ID_DIGITS = 2 * HISTORY_ID_SIZE, BRANCH_DIGITS = 16 };

#define DECIMAL "0123456789"
#define HEX "0123456789abcdef"
#define TIMELINE "timeline-"

static void put_hex(char *out, const unsigned char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void archive_folder_format(char out[ARCHIVE_FOLDER_SIZE], const unsigned char id[HISTORY_ID_SIZE], uint32_t timeline,
                           uint64_t branch) {
  char hex[ID_DIGITS + 1];
  put_hex(hex, id, HISTORY_ID_SIZE);
  snprintf(out, ARCHIVE_FOLDER_SIZE, "%s/" TIMELINE "%04" PRIu32 "-%016" PRIx64, hex, timeline, branch);
}

bool archive_folder_parse(const char *name, unsigned char id[HISTORY_ID_SIZE], uint32_t *timeline, uint64_t *branch) {
  char again[ARCHIVE_FOLDER_SIZE], plain[HISTORY_NAME_SIZE];
  if (strspn(name, HEX) != ID_DIGITS || strncmp(name + ID_DIGITS, "/" TIMELINE, sizeof("/" TIMELINE) - 1) != 0)
    return false;
  const char *number = name + ID_DIGITS + sizeof("/" TIMELINE) - 1;
  size_t digits = strspn(number, DECIMAL);
  if (digits == 0 || digits > NUMBER_DIGITS || number[digits] != '-')
    return false;
  snprintf(plain, sizeof(plain), "%.*s.%lu%.*s", ID_DIGITS, name, strtoul(number, NULL, 10), BRANCH_DIGITS + 1,
           number + digits);
  if (!history_name_parse(span_str(plain), id, timeline, branch))
    return false;
  archive_folder_format(again, id, *timeline, *branch);
  return strcmp(again, name) == 0;
}

void archive_name_format(char out[ARCHIVE_NAME_SIZE], const struct archive_name *name) {
  char hex[2 * DIGEST_SIZE + 1];
  put_hex(hex, name->digest, DIGEST_SIZE);
  snprintf(out, ARCHIVE_NAME_SIZE, "log.%010" PRIu32 "-%" PRIu64 "-%s", name->number, name->length, hex);
}

/* The number of log.NNNNNNNNNN, which something follows; 0 if it is not that. */
static uint32_t parse_number(const char *text) {
  if (strncmp(text, "log.", 4) != 0 || strspn(text + 4, DECIMAL) != NUMBER_DIGITS)
    return 0;
  unsigned long number = strtoul(text + 4, NULL, 10);
  return number <= UINT32_MAX ? (uint32_t)number : 0;
}

bool archive_name_parse(const char *text, struct archive_name *out) {
  char again[ARCHIVE_NAME_SIZE];
  struct archive_name name = {.number = parse_number(text)};
  if (name.number == 0 || text[4 + NUMBER_DIGITS] != '-')
    return false;
  const char *length = text + 4 + NUMBER_DIGITS + 1;
  size_t digits = strspn(length, DECIMAL);
  if (digits == 0 || digits > LENGTH_DIGITS_MAX || length[digits] != '-')
    return false;
  name.length = strtoul(length, NULL, 10);
  if (digest_from_hex(name.digest, span_str(length + digits + 1)) != 0)
    return false;
  archive_name_format(again, &name);
  *out = name;
  return strcmp(again, text) == 0;
}

void archive_live_format(char out[ARCHIVE_NAME_SIZE], uint32_t number) {
  snprintf(out, ARCHIVE_NAME_SIZE, "log.%010" PRIu32 ".live", number);
}

bool archive_live_parse(const char *text, uint32_t *number) {
  char again[ARCHIVE_NAME_SIZE];
  *number = parse_number(text);
  archive_live_format(again, *number);
  return *number > 0 && strcmp(again, text) == 0;
}
