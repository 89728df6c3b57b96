#include "model/timestamp.h"

enum { US_PER_SECOND = 1000000, SECONDS_PER_DAY = 86400 };

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
static const int64_t least_us = INT64_C(-62135596800) * US_PER_SECOND;
static const int64_t greatest_us = INT64_C(253402300799) * US_PER_SECOND + 999999;

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. Algorithms days_from_civil and
 * civil_from_days: https://howardhinnant.github.io/date_algorithms.html */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153;
  *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
  *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
  *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

/* Takes `count` digits off the text at *at; -1 if they are not there. */
static int take_digits(struct span text, size_t *at, size_t count) {
  int value = 0;
  if (text.len - *at < count)
    return -1;
  for (size_t i = 0; i < count; i++) {
    unsigned char c = text.data[(*at)++];
    if (c < '0' || c > '9')
      return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

static bool take_char(struct span text, size_t *at, char c) {
  if (*at >= text.len || text.data[*at] != (unsigned char)c)
    return false;
  (*at)++;
  return true;
}

/* "T" and "Z" may be lower case (RFC 3339 section 5.6). */
static bool take_letter(struct span text, size_t *at, char upper) {
  return take_char(text, at, upper) || take_char(text, at, (char)(upper + ('a' - 'A')));
}

static bool take_date(struct span text, size_t *at, int64_t *days, const char **reason) {
  static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = take_digits(text, at, 4);
  bool first = year >= 0 && take_char(text, at, '-');
  int month = first ? take_digits(text, at, 2) : -1;
  bool second = month >= 0 && take_char(text, at, '-');
  int day = second ? take_digits(text, at, 2) : -1;
  if (day < 0)
    return false;
  *reason = "is not a date of the calendar";
  if (year < 1 || month < 1 || month > 12 || day < 1)
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > month_days[month - 1] + (month == 2 && leap))
    return false;
  *days = days_from_date(year, month, day);
  return true;
}

static bool take_time(struct span text, size_t *at, int64_t *seconds, const char **reason) {
  int hour = take_digits(text, at, 2);
  bool first = hour >= 0 && take_char(text, at, ':');
  int minute = first ? take_digits(text, at, 2) : -1;
  bool second_colon = minute >= 0 && take_char(text, at, ':');
  int second = second_colon ? take_digits(text, at, 2) : -1;
  if (second < 0)
    return false;
  *reason = second == 60 ? "is a leap second" : "is not a time of day";
  if (hour > 23 || minute > 59 || second > 59)
    return false;
  *seconds = hour * 3600 + minute * 60 + second;
  return true;
}

static bool take_fraction(struct span text, size_t *at, int64_t *us, const char **reason) {
  *us = 0;
  if (!take_char(text, at, '.'))
    return true;
  int64_t unit = US_PER_SECOND;
  size_t start = *at;
  while (*at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9') {
    if (unit == 1) {
      *reason = "has more than 6 fractional digits";
      return false;
    }
    unit /= 10;
    *us += (text.data[(*at)++] - '0') * unit;
  }
  return *at > start;
}

static bool take_offset(struct span text, size_t *at, int64_t *seconds, const char **reason) {
  *seconds = 0;
  if (take_letter(text, at, 'Z'))
    return true;
  bool minus = take_char(text, at, '-');
  if (!minus && !take_char(text, at, '+')) {
    if (*at == text.len)
      *reason = "has no offset from UTC";
    return false;
  }
  int hour = take_digits(text, at, 2);
  bool colon = hour >= 0 && take_char(text, at, ':');
  int minute = colon ? take_digits(text, at, 2) : -1;
  if (minute < 0)
    return false;
  *reason = minus && hour == 0 && minute == 0 ? "has the unknown offset -00:00" : "has an impossible offset";
  if (hour > 23 || minute > 59 || (minus && hour == 0 && minute == 0))
    return false;
  *seconds = (minus ? -1 : 1) * (hour * 3600 + minute * 60);
  return true;
}

bool timestamp_parse(struct span text, int64_t *us, const char **reason) {
  static const char not_one[] = "is not an RFC 3339 time such as 2026-11-24T21:43:15Z";
  int64_t days, seconds, fraction, offset;
  size_t at = 0;
  *reason = not_one;
  if (!take_date(text, &at, &days, reason))
    return false;
  *reason = not_one;
  if (!take_letter(text, &at, 'T') || !take_time(text, &at, &seconds, reason))
    return false;
  *reason = not_one;
  if (!take_fraction(text, &at, &fraction, reason) || !take_offset(text, &at, &offset, reason))
    return false;
  *reason = not_one;
  if (at != text.len)
    return false;
  int64_t result = (days * SECONDS_PER_DAY + seconds - offset) * US_PER_SECOND + fraction;
  if (result < least_us || result > greatest_us) {
    *reason = "is outside the years 0001 to 9999 in UTC";
    return false;
  }
  *us = result;
  *reason = NULL;
  return true;
}

static char *put_digits(char *p, int64_t value, size_t count, char after) {
  for (size_t i = count; i-- > 0; value /= 10)
    p[i] = (char)('0' + value % 10);
  p[count] = after;
  return p + count + 1;
}

/* Everything up to and with the '.' behind the seconds; *fraction is left to write. */
static char *put_moment(int64_t us, char *p, int64_t *fraction) {
  us = us < least_us ? least_us : us > greatest_us ? greatest_us : us;
  int64_t seconds = us / US_PER_SECOND, rest = us % US_PER_SECOND;
  if (rest < 0) {
    rest += US_PER_SECOND;
    seconds--;
  }
  int64_t days = seconds / SECONDS_PER_DAY, of_day = seconds % SECONDS_PER_DAY;
  if (of_day < 0) {
    of_day += SECONDS_PER_DAY;
    days--;
  }
  int year, month, day;
  date_from_days(days, &year, &month, &day);
  p = put_digits(p, year, 4, '-');
  p = put_digits(p, month, 2, '-');
  p = put_digits(p, day, 2, 'T');
  p = put_digits(p, of_day / 3600, 2, ':');
  p = put_digits(p, of_day / 60 % 60, 2, ':');
  p = put_digits(p, of_day % 60, 2, '.');
  *fraction = rest;
  return p;
}

void timestamp_format(int64_t us, char out[TIMESTAMP_SIZE]) {
  int64_t fraction;
  char *p = put_moment(us, out, &fraction);
  p = put_digits(p, fraction, 6, 'Z');
  *p = 0;
}

void timestamp_format_short(int64_t us, char out[TIMESTAMP_SIZE]) {
  int64_t fraction;
  char *p = put_moment(us, out, &fraction);
  if (fraction == 0) {
    p--; /* no '.' */
  } else {
    p = put_digits(p, fraction, 6, 'Z') - 1;
    while (p[-1] == '0')
      p--;
  }
  p[0] = 'Z';
  p[1] = 0;
}
