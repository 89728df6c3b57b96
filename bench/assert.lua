-- wrk: each request asserts the next real line of a file. Environment: LINES (a plain ndjson file), SKIP (lines to begin after).
local lines, at = {}, 0
for line in io.lines(os.getenv("LINES")) do lines[#lines + 1] = line end
at = tonumber(os.getenv("SKIP") or "0")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  at = at % #lines + 1
  return wrk.format(nil, nil, nil, lines[at])
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.1f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50),
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
