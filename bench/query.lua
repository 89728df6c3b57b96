-- wrk: each request asks for one of the concepts of a file (a path a line) under the lens recency. Environment: PATHS.
local bodies, at = {}, 0
for path in io.lines(os.getenv("PATHS")) do bodies[#bodies + 1] = '{"concept_path":"' .. path .. '","lens":"recency"}' end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.1f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50),
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
